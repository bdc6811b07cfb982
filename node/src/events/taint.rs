//! What taint says: which rounds end, where the run's head is, and what a trainer gets when its round is over.

use retrace_ledger::Event;
use serde_json::{Value, json};

/// One of them as a sentence; none for another event.
pub(super) fn sentence(event: &Event) -> Option<String> {
    Some(match event {
        Event::Tainted { round, rounds, head, accused_at, .. } if rounds.is_empty() => {
            format!(
                "what round {round} merges is not taken, accused since height {accused_at}: the head stays {head}"
            )
        }
        Event::Tainted { round, rounds, head, accused_at, .. } => {
            let rounds: Vec<String> = rounds.iter().map(u32::to_string).collect();
            format!(
                "TAINTED by a lie in round {round}: {}; accused since height {accused_at}, the head returns to {head}",
                rounds.join(", ")
            )
        }
        Event::Decided { paid, .. } if paid.0 == 0 => {
            "a verified commitment in a tainted round is not paid".into()
        }
        Event::Decided { paid, .. } => format!("a verified commitment's round is over: {paid} are due"),
        _ => return None,
    })
}

/// One of them as an object; none for another event.
pub(super) fn as_json(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Tainted { claim, round, rounds, accused_at, head, .. } => json!({
            "event": "tainted", "claim": claim.to_string(), "round": round, "rounds": rounds,
            "accused_at": accused_at.0, "head": head.to_string(),
        }),
        Event::Decided { claim, paid, .. } => {
            json!({ "event": "decided", "claim": claim.to_string(), "paid": paid.0 })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{as_json, sentence};
    use retrace_ledger::{Amount, Event, Height};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::PeerKey;

    /// L-5.19: each has a sentence and a name.
    #[test]
    fn each_event_has_a_row() {
        let (run, claim, head) = (Digest([1; 32]), Digest([2; 32]), Digest([3; 32]));
        let trainer = PeerKey([4; 32]);
        let tainted = |rounds: &[u32]| Event::Tainted {
            run,
            claim,
            round: 4,
            rounds: rounds.to_vec(),
            accused_at: Height(9),
            head,
        };
        let rows = [
            (tainted(&[5, 6]), "TAINTED by a lie in round 4: 5, 6; accused", "tainted"),
            (tainted(&[]), "what round 4 merges is not taken", "tainted"),
            (
                Event::Decided { run, claim, trainer, paid: Amount(0) },
                "a verified commitment in a tainted",
                "decided",
            ),
            (
                Event::Decided { run, claim, trainer, paid: Amount(7) },
                "a verified commitment's round is over: 7",
                "decided",
            ),
        ];
        for (event, words, name) in rows {
            let found = sentence(&event).unwrap();
            assert!(found.starts_with(words), "{found}");
            assert_eq!(as_json(&event).unwrap()["event"], name);
        }
        assert_eq!(as_json(&Event::RunFinished { run, head }), None);
    }
}
