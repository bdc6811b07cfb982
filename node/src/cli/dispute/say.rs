//! A dispute for people: sides, clocks, moves as the walk down the claim tree that they are, and what was found.

use super::source::{Source, short};
use crate::cli::print::say as line;
use crate::rpc::methods::dispute::{Dispute, FoundValue, PlayedMove, RunningClock};
use crate::rpc::methods::run::LedgerSpan;
use serde_json::{Value, json};

/// Deepest indentation of a move.
const DEPTH_MAX: usize = 24;

/// All of it as one JSON object.
pub fn json(source: &Source, dispute: &Dispute) {
    let mut object = json!(dispute);
    object["again"] = source.again(dispute).map_or(Value::Null, Value::String);
    line!("{object}");
}

/// All of it for people.
pub fn whole(source: &Source, dispute: &Dispute) {
    let head = &dispute.head;
    line!("dispute     {}", head.id);
    line!("status      {}", status(dispute));
    line!("run         {}", head.run);
    line!("claim       {}, {}", head.claim, dispute.claim_status);
    line!("unit        {}, at {}", head.unit, dispute.at);
    line!("accused     {}", head.accused);
    line!("challenger  {}", head.challenger);
    line!("bond        {}, since height {}", head.bond, head.opened_at);
    line!("accusation  since height {}, by {}", dispute.accused_since, accusation(dispute));
    match dispute.started_at {
        Some(height) => line!("started     at height {height}"),
        None => line!("started     not yet: the accused plays as many as it must at once"),
    }
    clocks(dispute);
    moves(dispute);
    if let Some(found) = &dispute.finding {
        finding(found);
    }
    for slash in &dispute.deferred {
        let what = if slash.status == "pending" { "deferred by the run's breaker" } else { &slash.status };
        line!("slash       {} from {} ({}): {what}", slash.amount, slash.account, slash.reason);
    }
    ending(source, dispute);
}

fn status(dispute: &Dispute) -> String {
    match (&dispute.winner, dispute.by_clock) {
        (Some(_), true) => format!("{}: a clock ran out", dispute.head.status),
        (Some(_), false) if dispute.by_contradiction => {
            format!("{}: the accused contradicted itself", dispute.head.status)
        }
        (Some(_), false) => format!("{}, by arithmetic", dispute.head.status),
        (None, _) => dispute.head.status.clone(),
    }
}

fn accusation(dispute: &Dispute) -> &'static str {
    if dispute.by_seal { "a seal or a rival base" } else { "a drawn verifier's verdict" }
}

fn clocks(dispute: &Dispute) {
    line!("clocks");
    clock(dispute, "accused", dispute.clock_of_accused.as_ref(), &dispute.used_by_accused);
    if dispute.waiting_for_accused > 1 {
        line!("             of all disputes over the claim, of which {} wait", dispute.waiting_for_accused);
    }
    clock(dispute, "challenger", Some(&dispute.clock_of_challenger), &dispute.used_by_challenger);
}

fn clock(dispute: &Dispute, side: &str, budget: Option<&LedgerSpan>, before: &LedgerSpan) {
    let of = budget.map_or(String::new(), |budget| format!(" of {}", span(budget)));
    match dispute.running.as_ref().filter(|running| running.side == side) {
        Some(running) => line!("  {side:<10} used {}{of}; {}", span(&running.used), left(running)),
        None => line!("  {side:<10} used {}{of}", span(before)),
    }
}

/// What is left to the side to move.
pub fn left(running: &RunningClock) -> String {
    match running.expired {
        true => "to move, and its clock has run out".into(),
        false => format!("to move, {} left", span(&running.left)),
    }
}

/// A span for people.
pub fn span(span: &LedgerSpan) -> String {
    format!("{} heights and {}.{} s", span.heights, span.ms / 1000, span.ms % 1000 / 100)
}

fn moves(dispute: &Dispute) {
    line!("moves       {}, {} bytes", dispute.head.moves, dispute.head.posted_bytes);
    let Some(moves) = &dispute.moves else {
        return line!("  older than this node's memory; their bytes are in the blocks");
    };
    // The accused opens a node, the challenger names a child: every word of the challenger goes one level down.
    let mut depth = 0;
    for one in moves {
        line!("  {}{}", "  ".repeat(depth.min(DEPTH_MAX)), played(one));
        depth += usize::from(one.side == "challenger");
    }
}

/// A move for people.
pub fn played(one: &PlayedMove) -> String {
    let PlayedMove { number, height, side, kind, bytes } = one;
    format!("{number}. {side} {kind}, {bytes} bytes, height {height}")
}

fn finding(found: &FoundValue) {
    let index: Vec<String> = found.index.iter().map(u64::to_string).collect();
    line!("finding     {} of {}[{}]", found.op, found.tensor, index.join(", "));
    if let Some(link) = found.link {
        line!("  link      {link}");
    }
    line!("  claimed   {}", found.claimed_bits);
    line!("  right     {}", found.right_bits);
    if let Some(distance) = found.ulp_distance {
        line!("  apart     {distance} units in the last place");
    }
}

fn ending(source: &Source, dispute: &Dispute) {
    if let Some(again) = source.again(dispute) {
        line!("again       {again}");
    }
    let resolve = format!("retrace dispute resolve {} --home DIR", short(&dispute.head.id));
    let has_expired = dispute.running.as_ref().is_some_and(|running| running.expired);
    if has_expired {
        line!("to end it   {resolve}");
    } else if !dispute.head.open && dispute.unsettled.is_none() {
        line!("the claim can be settled: {resolve}");
    }
}
