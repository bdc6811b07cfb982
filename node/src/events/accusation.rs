//! What accusations say: seals, places in the queue, contradictions, defense keys, and the breaker that defers slashes.

use retrace_ledger::Event;
use retrace_verifier::delegation::Delegation;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use serde_json::{Value, json};

/// One of them as a sentence; none for another event.
pub(super) fn sentence(event: &Event, name: &dyn Fn(&PeerKey) -> String) -> Option<String> {
    Some(match event {
        Event::DisputeStarted { dispute, .. } => {
            format!("dispute {} has a place: its clocks run", short(dispute))
        }
        Event::Sealed { peer, .. } => format!("{} seals an accusation", name(peer)),
        Event::Contradicted { unit, accused, question, .. } => {
            format!(
                "{} CONTRADICTS itself over {unit}: two answers to one question, {question}",
                name(accused)
            )
        }
        Event::BreakerOn { slashed, stake, until, .. } => format!(
            "the run's breaker is ON until height {}: {slashed} of the trainers' {stake} are convicted, \
             slashes wait",
            until.height
        ),
        Event::SlashDeferred { peer, amount, reason, .. } => {
            format!("the slash of {amount} from {} ({reason:?}) is deferred", name(peer))
        }
        Event::AmnestyVoted { validator, name: excuse, suffices, .. } => {
            let last = if *suffices { ": two thirds have" } else { "" };
            format!("{} votes for an amnesty for {excuse:?}{last}", name(validator))
        }
        Event::SlashForgiven { peer, amount, name: excuse, .. } => {
            format!("the deferred slash of {amount} from {} is forgiven for {excuse:?}", name(peer))
        }
        Event::BreakerOff { executed, .. } => {
            format!("the run's breaker is off, {executed} deferred slashes executed")
        }
        Event::Delegated { signed } => {
            let Delegation { account, serial, .. } = &signed.delegation;
            match signed.delegation.defense_key() {
                Some(key) => {
                    format!("{} lets {} sign its moves (delegation {serial})", name(account), name(&key))
                }
                None => format!("{} lets no other key sign its moves (delegation {serial})", name(account)),
            }
        }
        _ => return None,
    })
}

/// The first digits of an id.
fn short(id: &Digest) -> String {
    id.to_string().chars().take(8).collect()
}

/// One of them as an object; none for another event.
pub(super) fn as_json(event: &Event) -> Option<Value> {
    Some(match event {
        Event::DisputeStarted { dispute, claim } => json!({
            "event": "dispute_started", "dispute": dispute.to_string(), "claim": claim.to_string(),
        }),
        Event::Sealed { peer, seal } => {
            json!({ "event": "sealed", "peer": peer.to_string(), "seal": seal.to_string() })
        }
        Event::Contradicted { claim, unit, accused, first, second, question } => json!({
            "event": "contradicted", "claim": claim.to_string(), "unit": unit.to_string(),
            "accused": accused.to_string(), "first": first.to_string(), "second": second.to_string(),
            "question": question.to_string(),
        }),
        Event::BreakerOn { slashed, stake, until, .. } => json!({
            "event": "breaker_on", "slashed": slashed.0, "stake": stake.0,
            "until": { "height": until.height.0, "credited_ms": until.credited_ms },
        }),
        Event::SlashDeferred { number, peer, claim, unit, amount, reason, .. } => json!({
            "event": "slash_deferred", "number": number, "peer": peer.to_string(), "claim": claim.to_string(),
            "unit": unit.to_string(), "amount": amount.0, "reason": format!("{reason:?}"),
        }),
        Event::AmnestyVoted { validator, name, suffices, .. } => json!({
            "event": "amnesty_voted", "validator": validator.to_string(), "name": name, "suffices": suffices,
        }),
        Event::SlashForgiven { number, peer, amount, name, .. } => json!({
            "event": "slash_forgiven", "number": number, "peer": peer.to_string(), "amount": amount.0,
            "name": name,
        }),
        Event::BreakerOff { executed, .. } => json!({ "event": "breaker_off", "executed": executed }),
        Event::Delegated { signed } => json!({
            "event": "delegated", "account": signed.delegation.account.to_string(),
            "key": signed.delegation.defense_key().map(|key| key.to_string()), "serial": signed.delegation.serial,
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{as_json, sentence};
    use retrace_ledger::{Amount, Event, Height, Moment, SlashReason};
    use retrace_verifier::Unit;
    use retrace_verifier::delegation::{Delegation, SignedDelegation};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::game::Question;
    use retrace_verifier::signature::{PeerKey, Signature};

    /// W-3.7: what disputes, seals and breakers say has a name and a sentence of its own, not that of "other".
    #[test]
    fn accusations_have_names_and_sentences() {
        let (run, claim, peer, unit) = (Digest([1; 32]), Digest([2; 32]), PeerKey([3; 32]), Unit::Step(2));
        let (amount, reason) = (Amount(700), SlashReason::Contradiction);
        let until = Moment { height: Height(50), credited_ms: 9 };
        let delegated = |key| {
            let delegation = Delegation { network: run, account: peer, key, serial: 7 };
            Event::Delegated { signed: SignedDelegation { delegation, signature: Signature([0; 64]) } }
        };
        let question = Question::Totals { row: 4, element: 5 };
        let rows = [
            (Event::DisputeStarted { dispute: run, claim }, "dispute_started", "has a place"),
            (Event::Sealed { peer, seal: claim }, "sealed", "P seals"),
            (
                Event::Contradicted { claim, unit, accused: peer, first: run, second: claim, question },
                "contradicted",
                "P CONTRADICTS itself over step 2: two answers to one question, totals of row 4, element 5",
            ),
            (
                Event::BreakerOn { run, slashed: amount, stake: Amount(900), until },
                "breaker_on",
                "height 50: 700",
            ),
            (
                Event::SlashDeferred { run, number: 1, peer, claim, unit, amount, reason },
                "slash_deferred",
                "700 from P (Contradiction) is deferred",
            ),
            (
                Event::AmnestyVoted { run, validator: peer, name: "0.4".into(), suffices: true },
                "amnesty_voted",
                "for \"0.4\": two thirds",
            ),
            (
                Event::SlashForgiven { run, number: 1, peer, amount, name: "0.4".into() },
                "slash_forgiven",
                "from P is forgiven for \"0.4\"",
            ),
            (Event::BreakerOff { run, executed: 3 }, "breaker_off", "3 deferred slashes"),
            (delegated(peer), "delegated", "P lets P sign its moves (delegation 7)"),
            (delegated(Delegation::NONE), "delegated", "P lets no other key sign its moves (delegation 7)"),
        ];
        for (event, name, part) in rows {
            assert_eq!(as_json(&event).unwrap()["event"], name);
            let said = sentence(&event, &|_| "P".into()).unwrap();
            assert!(said.contains(part), "{said}");
        }
    }
}
