//! A case in words and as JSON.

use super::case::Case;
use super::rejudge::Verdict;
use crate::cli::print::say;
use crate::rpc::methods::dispute::Dispute;
use crate::rpc::methods::rewards::ChangeWords;
use serde_json::{Value, json};
use std::path::Path;

/// Why, in one sentence; the reasons are the ledger's (L-5.11).
fn sentence(slash: &ChangeWords) -> &'static str {
    match slash.reason.as_deref().unwrap_or("") {
        "Lie" => "a dispute proved by arithmetic that a value it signed is wrong",
        "Silence" => {
            "it was accused and let its clock run out: decided by the ledger's clock, not by arithmetic"
        }
        "Contradiction" => "it signed two answers to one question, of which one at most is right",
        "FalseVerdict" => "it found a match in a unit that a dispute proved wrong",
        "FalseChallenge" => "it challenged a claim that stood",
        "Equivocation" => "it signed two votes for one height and round: both are in the block",
        _ => "the ledger's rules say so: specs/ledger.md",
    }
}

/// The commands that do it again.
fn commands(dispute: &Dispute, url: &str) -> [String; 2] {
    let id = &dispute.head.id;
    [
        format!("retrace why {id} --rpc {url}"),
        format!(
            "curl -s {url}/v1/evidence/{id} -o {}.bundle && retrace evidence verify {0}.bundle",
            id.get(..8).unwrap_or(id)
        ),
    ]
}

/// Prints a case.
pub fn print(case: &Case, url: &str, saved: Option<&Path>) {
    if let Some(slash) = &case.slash {
        let (amount, bounty) = (slash.amount, slash.bounty.unwrap_or(0));
        let burned = amount.saturating_sub(bounty);
        say!("slash      {} at height {}", slash.id, slash.height);
        say!("account    {}", slash.account);
        say!("lost       {amount}: {bounty} to others, {burned} burned");
        say!("because    {} ({})", sentence(slash), slash.reason.as_deref().unwrap_or("-"));
        if let Some(claim) = &slash.claim {
            say!("claim      {claim}, {}", slash.unit.as_deref().unwrap_or("-"));
        }
    }
    if let Some(dispute) = &case.dispute {
        print_dispute(dispute);
    }
    for verdict in case.unit.iter().flat_map(|unit| &unit.verdicts) {
        let drawn = if verdict.drawn { "drawn" } else { "not drawn" };
        say!("verdict    {} by {} ({drawn})", verdict.result, verdict.verifier);
    }
    match (&case.verdict, &case.dispute) {
        (Some(verdict), Some(dispute)) => print_verdict(verdict, case, dispute, url, saved),
        (None, Some(dispute)) if dispute.by_clock => {
            say!("judged     by the ledger's clock: there is no arithmetic to repeat");
        }
        (None, Some(dispute)) if dispute.by_contradiction => {
            say!("judged     by the ledger, by two answers of the accused");
        }
        _ => {}
    }
    say!("");
}

fn print_dispute(dispute: &Dispute) {
    let head = &dispute.head;
    say!("dispute    {}, {}", head.id, head.status);
    say!("           {} against {}", head.challenger, head.accused);
    say!("at         {}", dispute.at);
    for slash in &dispute.deferred {
        let what = match slash.status.as_str() {
            "pending" => format!("deferred at height {} by the run's breaker, pending", slash.deferred_at),
            other => format!("deferred at height {}, {other} since", slash.deferred_at),
        };
        say!("slash      {} from {} ({}): {what}", slash.amount, slash.account, slash.reason);
    }
    let Some(found) = &dispute.finding else { return };
    let link = found.link.map_or(String::new(), |link| format!(", link {link} of its chain"));
    say!("value      {} in {}, element {:?}{link}", found.op, found.tensor, found.index);
    let ulp = found.ulp_distance.map_or("a NaN".into(), |ulp| format!("{ulp} ULP apart"));
    say!("claimed    {}", found.claimed_bits);
    say!("right      {}, {ulp}", found.right_bits);
    say!(
        "judged by  the integer referee of every node, in {} moves and {} bytes",
        head.moves,
        head.posted_bytes
    );
}

fn print_verdict(verdict: &Verdict, case: &Case, dispute: &Dispute, url: &str, saved: Option<&Path>) {
    let bytes = case.bundle.as_ref().map_or(0, Vec::len);
    match verdict {
        Verdict::Proven { judge_us, .. } => {
            say!("judged     here again from {bytes} bytes in {judge_us} us: PROVEN, the same value");
        }
        Verdict::Contradicted { place, judge_us } => {
            say!(
                "judged     here again from {bytes} bytes in {judge_us} us: PROVEN, two answers to one question, {place}"
            );
        }
        Verdict::Another { what } => {
            say!("judged     here again: the bundle proves something, but {what} is another")
        }
        Verdict::Disproven { reason } => say!("judged     here again: the bundle proves NOTHING: {reason}"),
    }
    if let Some(path) = saved {
        say!("evidence   {}", path.display());
    }
    for command in commands(dispute, url) {
        say!("again      {command}");
    }
}

/// A case as an object.
pub fn as_json(case: &Case, url: &str) -> Value {
    let verdict = case.verdict.as_ref().map(|verdict| match verdict {
        Verdict::Proven { finding, judge_us } => {
            json!({ "verdict": "proven", "finding": finding, "judge_us": judge_us })
        }
        Verdict::Contradicted { place, judge_us } => {
            json!({ "verdict": "contradicted", "place": place, "judge_us": judge_us })
        }
        Verdict::Another { what } => json!({ "verdict": "another", "differs": what }),
        Verdict::Disproven { reason } => json!({ "verdict": "disproven", "reason": reason }),
    });
    json!({
        "slash": case.slash,
        "because": case.slash.as_ref().map(sentence),
        "dispute": case.dispute,
        "verdicts": case.unit.as_ref().map(|unit| &unit.verdicts),
        "evidence_bytes": case.bundle.as_ref().map(Vec::len),
        "judged_here": verdict,
        "again": case.dispute.as_ref().map(|dispute| commands(dispute, url)),
    })
}
