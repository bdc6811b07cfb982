//! Events in words and as JSON: the door's own form of what the ledger says happened.

mod accusation;
mod taint;

use crate::names;
use retrace_ledger::{AttestedPart, ClaimStatus, DisputeStatus, Ending, Event, VerdictResult};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Finding, Side, Unit};
use serde_json::{Value, json};

/// An event as one sentence, with peers as `name` calls them.
pub fn sentence(event: &Event, name: &dyn Fn(&PeerKey) -> String) -> String {
    match event {
        Event::RoundOpened { round, assignments, .. } => {
            let slots = assignments.iter().map(|a| a.as_ref().map_or("empty".into(), name));
            format!("round {round} opens: slots {}", slots.collect::<Vec<_>>().join(", "))
        }
        Event::Committed { round, slot, trainer, .. } => {
            format!("{} commits segment {round}.{slot}", name(trainer))
        }
        Event::SlotMissed { round, slot, trainer, .. } => {
            format!("{} misses slot {round}.{slot}", name(trainer))
        }
        Event::RoundClosed { round, commitments, .. } => {
            format!("round {round} closes with {commitments} commitments")
        }
        Event::Drawn { round, units, .. } => format!("drawn in round {round}: {}", units_text(units)),
        Event::Verdict { unit, verifier, result, .. } => match result {
            VerdictResult::Match => format!("{} finds a match in {unit}", name(verifier)),
            VerdictResult::Mismatch => format!("{} finds a MISMATCH in {unit}", name(verifier)),
        },
        Event::DisputeOpened { unit, accused, challenger, .. } => {
            format!("dispute: {} challenges {} over {unit}", name(challenger), name(accused))
        }
        Event::Moved { number, side, kind, bytes, .. } => {
            format!(
                "  move {number:>2}  {:<10} {:<8} {bytes:>6} bytes",
                format!("{side:?}"),
                format!("{kind:?}")
            )
        }
        Event::DisputeEnded { ending, moves, posted_bytes, .. } => {
            format!("dispute ended after {moves} moves and {posted_bytes} bytes: {}", ending_text(ending))
        }
        Event::Slashed { peer, amount, reason, bounty, .. } => {
            let burned = amount.0 - bounty.0;
            format!("{} is SLASHED {amount} ({reason:?}): {bounty} to others, {burned} burned", name(peer))
        }
        Event::Rewarded { peer, amount, reason, .. } => {
            format!("{} is paid {amount} ({reason:?})", name(peer))
        }
        Event::BasePosted { round, poster, standing, .. } => {
            let kind = if *standing { "claims" } else { "contradicts" };
            format!("{} {kind} the base of round {round}", name(poster))
        }
        Event::Settled { status, .. } => format!("a claim is {}", status_text(status)),
        other => rare(other, name),
    }
}

/// Events that happen once or twice in a run, or to a validator.
fn rare(event: &Event, name: &dyn Fn(&PeerKey) -> String) -> String {
    match event {
        Event::Staked { peer, amount } => format!("{} stakes {amount}", name(peer)),
        Event::RunOpened { run, sponsor, escrow, .. } => {
            format!("{} opens run {run} with {escrow} in escrow", name(sponsor))
        }
        Event::BaseAccepted { round, root, .. } => format!("the base of round {round} is accepted: {root}"),
        Event::RunFinished { head, .. } => format!("the run is finished: {head}"),
        Event::Attested { part, validator, suffices, .. } => {
            let last = if *suffices { ": two thirds have" } else { "" };
            format!("{} holds the {} of a commitment{last}", name(validator), part_text(*part))
        }
        Event::Voided { trainer, part, burned, .. } => format!(
            "a commitment of {} is VOID: its {} was not attested in time, {burned} burned",
            name(trainer),
            part_text(*part)
        ),
        Event::PassedOver { validator, absent_until } => {
            format!("{} did not propose and is passed over until height {absent_until}", name(validator))
        }
        Event::Equivocated { validator, height, round, amount, reporter, .. } => format!(
            "{} voted twice at height {height}, round {round}, shown by {}: {amount} burned",
            name(validator),
            name(reporter)
        ),
        other => accusation::sentence(other, name)
            .or_else(|| taint::sentence(other))
            .unwrap_or_else(|| account_sentence(other, name)),
    }
}

/// Events of accounts alone.
fn account_sentence(event: &Event, name: &dyn Fn(&PeerKey) -> String) -> String {
    match event {
        Event::Transferred { from, to, amount } => {
            format!("{} transfers {amount} to {}", name(from), name(to))
        }
        Event::Registered { peer, role, in_force, .. } => {
            format!("{} registers as {role:?}, in force from height {in_force}", name(peer))
        }
        Event::Unbonding { peer, amount, .. } => format!("{} unbonds {amount}", name(peer)),
        Event::Unbonded { peer, amount } => format!("{amount} of {} are unbonded", name(peer)),
        other => format!("{other:?}"),
    }
}

/// What of a commitment is attested, for people.
pub fn part_text(part: AttestedPart) -> &'static str {
    match part {
        AttestedPart::Segment => "delta and lists",
        AttestedPart::Drawn => "drawn states",
    }
}

fn units_text(units: &[Unit]) -> String {
    units.iter().map(Unit::to_string).collect::<Vec<_>>().join(", ")
}

fn ending_text(ending: &Ending) -> String {
    match ending {
        Ending::Judged { winner, .. } => format!("judged, won by the {}", side(*winner)),
        Ending::TimedOut { winner } => format!("a clock ran out, won by the {}", side(*winner)),
        Ending::Overtaken { by } => format!("settled by dispute {by}"),
        Ending::Contradicted => "the accused contradicted itself, won by the challenger".into(),
    }
}

/// A claim's status for people.
pub fn status_text(status: &ClaimStatus) -> String {
    match status {
        ClaimStatus::Open => "open".into(),
        ClaimStatus::Rival => "a rival of the standing base".into(),
        ClaimStatus::Verified => "verified".into(),
        ClaimStatus::Convicted { dispute } => format!("convicted in dispute {dispute}"),
        ClaimStatus::Withdrawn => "withdrawn".into(),
        ClaimStatus::Void => "void: it was not attested in time".into(),
    }
}

/// A dispute's status for people.
pub fn dispute_text(status: &DisputeStatus) -> String {
    match status {
        DisputeStatus::Open => "open".into(),
        DisputeStatus::Ended(outcome) => format!("won by the {}", side(outcome.winner)),
        DisputeStatus::Overtaken { by } => format!("settled by dispute {by}"),
        DisputeStatus::Queued => "queued".into(),
        DisputeStatus::Contradicted => "won by the challenger".into(),
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Accused => "accused",
        Side::Challenger => "challenger",
    }
}

/// An event as an object: `event` names it, the other fields are its own.
pub fn as_json(event: &Event) -> Value {
    match event {
        Event::Staked { peer, amount } => {
            json!({ "event": "staked", "peer": peer.to_string(), "amount": amount.0 })
        }
        Event::RunOpened { run, sponsor, base, escrow } => json!({
            "event": "run_opened", "run": run.to_string(), "sponsor": sponsor.to_string(),
            "base": base.to_string(), "escrow": escrow.0,
        }),
        Event::RoundOpened { round, base, beacon, assignments, .. } => json!({
            "event": "round_opened", "round": round, "base": base.to_string(),
            "beacon": Digest(*beacon).to_string(),
            "assignments": assignments.iter().map(|a| a.map(|p| p.to_string())).collect::<Vec<_>>(),
        }),
        Event::Committed { round, slot, trainer, commitment, .. } => json!({
            "event": "committed", "round": round, "slot": slot, "trainer": trainer.to_string(),
            "commitment": commitment.to_string(),
        }),
        Event::SlotMissed { round, slot, trainer, .. } => {
            json!({ "event": "slot_missed", "round": round, "slot": slot, "trainer": trainer.to_string() })
        }
        Event::RoundClosed { round, commitments, .. } => {
            json!({ "event": "round_closed", "round": round, "commitments": commitments })
        }
        Event::BasePosted { round, claim, root, poster, standing, .. } => json!({
            "event": "base_posted", "round": round, "claim": claim.to_string(), "root": root.to_string(),
            "poster": poster.to_string(), "standing": standing,
        }),
        Event::BaseAccepted { round, root, .. } => {
            json!({ "event": "base_accepted", "round": round, "root": root.to_string() })
        }
        Event::RunFinished { run, head } => {
            json!({ "event": "run_finished", "run": run.to_string(), "head": head.to_string() })
        }
        Event::Rewarded { peer, amount, reason, .. } => json!({
            "event": "rewarded", "peer": peer.to_string(), "amount": amount.0, "reason": format!("{reason:?}"),
        }),
        judged => judged_json(judged),
    }
}

/// Events of audits and disputes.
fn judged_json(event: &Event) -> Value {
    match event {
        Event::Drawn { round, claim, units, .. } => json!({
            "event": "drawn", "round": round, "claim": claim.to_string(),
            "units": units.iter().map(Unit::to_string).collect::<Vec<_>>(),
        }),
        Event::Verdict { claim, unit, verifier, result } => json!({
            "event": "verdict", "claim": claim.to_string(), "unit": unit.to_string(),
            "verifier": verifier.to_string(), "result": format!("{result:?}"),
        }),
        Event::DisputeOpened { dispute, claim, unit, accused, challenger, .. } => json!({
            "event": "dispute_opened", "dispute": dispute.to_string(), "claim": claim.to_string(),
            "unit": unit.to_string(), "accused": accused.to_string(), "challenger": challenger.to_string(),
        }),
        Event::Moved { dispute, number, side: mover, kind, bytes } => json!({
            "event": "moved", "dispute": dispute.to_string(), "number": number, "side": side(*mover),
            "kind": format!("{kind:?}"), "bytes": bytes,
        }),
        Event::DisputeEnded { dispute, ending, moves, posted_bytes, judging_bytes } => json!({
            "event": "dispute_ended", "dispute": dispute.to_string(), "ending": ending_text(ending),
            "finding": finding_json(ending), "moves": moves, "posted_bytes": posted_bytes,
            "judging_bytes": judging_bytes,
        }),
        Event::Settled { claim, status, .. } => {
            json!({ "event": "settled", "claim": claim.to_string(), "status": status_text(status) })
        }
        Event::Slashed { peer, claim, unit, amount, reason, bounty } => json!({
            "event": "slashed", "peer": peer.to_string(), "claim": claim.to_string(), "unit": unit.to_string(),
            "amount": amount.0, "reason": format!("{reason:?}"), "bounty": bounty.0,
        }),
        other => {
            let told = accusation::as_json(other).or_else(|| taint::as_json(other));
            told.unwrap_or_else(|| account_json(other))
        }
    }
}

/// Events of accounts and validators.
fn account_json(event: &Event) -> Value {
    match event {
        Event::Attested { claim, part, validator, suffices, .. } => json!({
            "event": "attested", "claim": claim.to_string(), "part": format!("{part:?}"),
            "validator": validator.to_string(), "suffices": suffices,
        }),
        Event::Voided { claim, trainer, part, burned, .. } => json!({
            "event": "voided", "claim": claim.to_string(), "trainer": trainer.to_string(),
            "part": format!("{part:?}"), "burned": burned.0,
        }),
        Event::PassedOver { validator, absent_until } => json!({
            "event": "passed_over", "validator": validator.to_string(), "absent_until": absent_until.0,
        }),
        Event::Equivocated { validator, height, round, kind, amount, reporter } => json!({
            "event": "equivocated", "validator": validator.to_string(), "at": height.0, "round": round,
            "kind": format!("{kind:?}"), "amount": amount.0, "reporter": reporter.to_string(),
        }),
        Event::Transferred { from, to, amount } => json!({
            "event": "transferred", "from": from.to_string(), "to": to.to_string(), "amount": amount.0,
        }),
        Event::Registered { peer, role, in_force, .. } => json!({
            "event": "registered", "peer": peer.to_string(), "role": format!("{role:?}"),
            "in_force": in_force.0,
        }),
        Event::Unbonding { peer, amount, until } => json!({
            "event": "unbonding", "peer": peer.to_string(), "amount": amount.0,
            "until": { "height": until.height.0, "credited_ms": until.credited_ms },
        }),
        Event::Unbonded { peer, amount } => {
            json!({ "event": "unbonded", "peer": peer.to_string(), "amount": amount.0 })
        }
        other => json!({ "event": "other", "text": format!("{other:?}") }),
    }
}

fn finding_json(ending: &Ending) -> Option<Value> {
    let Ending::Judged { finding: Some(f), .. } = ending else { return None };
    let Finding { row, kind, element, link, claimed_bits, right_bits, .. } = f;
    let (claimed, right) = (names::bits(*claimed_bits), names::bits(*right_bits));
    Some(json!({
        "row": row, "op": format!("{kind:?}"), "element": element, "link": link,
        "claimed_bits": claimed, "right_bits": right,
    }))
}
