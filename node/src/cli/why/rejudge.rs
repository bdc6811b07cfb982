//! The evidence judged in this process, and held against what the node says: nobody need trust the node (V-6.2).

use crate::names;
use crate::rpc::methods::dispute::{Dispute, FoundValue, finding_words};
use retrace_verifier::evidence::{Kind, judge, judge_contradiction, read, read_contradiction};
use std::time::Instant;

/// What this process makes of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It proves the very value that the node names.
    Proven {
        /// The value.
        finding: FoundValue,
        /// Microseconds that reading and judging took.
        judge_us: u64,
    },
    /// It proves that the accused of this dispute said two things of one place.
    Contradicted {
        /// Which place.
        place: String,
        /// Microseconds that reading and judging took.
        judge_us: u64,
    },
    /// It proves something, and not what the node says.
    Another {
        /// What differs.
        what: &'static str,
    },
    /// It proves nothing.
    Disproven {
        /// Why not.
        reason: String,
    },
}

impl Verdict {
    /// True when the node's word holds.
    pub fn holds(&self) -> bool {
        matches!(self, Verdict::Proven { .. } | Verdict::Contradicted { .. })
    }
}

/// Reads and judges a bundle; dispute, network, accused and value must be those that the node names.
pub fn rejudge(bytes: &[u8], said: &Dispute, network: &str) -> Verdict {
    if Kind::of(bytes) == Ok(Kind::Contradiction) {
        return contradicted(bytes, said, network);
    }
    let since = Instant::now();
    let bundle = match read(bytes) {
        Ok(bundle) => bundle,
        Err(reason) => return Verdict::Disproven { reason: reason.to_string() },
    };
    let proven = match judge(&bundle) {
        Ok(proven) => proven,
        Err(reason) => return Verdict::Disproven { reason: reason.to_string() },
    };
    let judge_us = micros(since);
    let finding = finding_words(&bundle.docket, &proven.finding);
    let pairs = [
        ("the dispute", proven.dispute.to_string() == said.head.id),
        ("the network", proven.network.to_string() == network),
        ("the accused", proven.accused.to_string() == said.head.accused),
        ("the value", said.finding.as_ref() == Some(&finding)),
        (
            "the place",
            names::coordinates(bundle.docket.facts.round, slot(&bundle.docket), proven.unit) == said.at,
        ),
    ];
    different(&pairs).unwrap_or(Verdict::Proven { finding, judge_us })
}

/// The same for two answers to one question: dispute, network, accused and unit must be those that the node names.
fn contradicted(bytes: &[u8], said: &Dispute, network: &str) -> Verdict {
    let since = Instant::now();
    let found = match read_contradiction(bytes) {
        Ok(found) => found,
        Err(reason) => return Verdict::Disproven { reason: reason.to_string() },
    };
    let shown = match judge_contradiction(&found) {
        Ok(shown) => shown,
        Err(reason) => return Verdict::Disproven { reason: reason.to_string() },
    };
    let (judge_us, docket) = (micros(since), &found.second.docket);
    let pairs = [
        ("the dispute", shown.disputes[1].to_string() == said.head.id),
        ("the network", shown.network.to_string() == network),
        ("the accused", shown.accused.to_string() == said.head.accused),
        ("the unit", shown.unit.to_string() == said.head.unit),
        // What is shown is two answers, and no value.
        ("the value", said.finding.is_none()),
        ("the place", names::coordinates(docket.facts.round, slot(docket), shown.unit) == said.at),
    ];
    different(&pairs).unwrap_or(Verdict::Contradicted { place: shown.question.to_string(), judge_us })
}

fn different(pairs: &[(&'static str, bool)]) -> Option<Verdict> {
    let (what, _) = pairs.iter().find(|(_, is_same)| !is_same)?;
    Some(Verdict::Another { what })
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn slot(docket: &retrace_verifier::docket::Docket) -> Option<u16> {
    match &docket.claim {
        retrace_verifier::docket::Claim::Segment(signed) => Some(signed.commitment.slot),
        retrace_verifier::docket::Claim::Base(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, rejudge, slot};
    use crate::names;
    use crate::rpc::methods::dispute::Dispute;
    use retrace_verifier::evidence::{judge_contradiction, read_contradiction};
    use serde_json::json;

    const BUNDLE: &[u8] = include_bytes!("../../../../specs/vectors/evidence/contradiction_trace.bin");

    /// W-3.9, V-6.3: two answers are judged here again, and must be of the dispute, the network, the accused and the unit
    /// that the node names; a bundle that is cut shows nothing.
    #[test]
    fn contradictions_are_judged_again() {
        let shown = judge_contradiction(&read_contradiction(BUNDLE).unwrap()).unwrap();
        let found = read_contradiction(BUNDLE).unwrap();
        let docket = &found.second.docket;
        let at = names::coordinates(docket.facts.round, slot(docket), shown.unit);
        let said = |id: String, accused: String, unit: String| -> Dispute {
            let span = json!({ "heights": 4, "ms": 4_000 });
            let head = json!({
                "id": id, "run": "", "claim": "", "unit": unit, "accused": accused, "challenger": "", "bond": 1,
                "opened_at": 1, "open": false, "status": "", "moves": 0, "posted_bytes": 0, "judging_bytes": 0,
            });
            let whole = json!({
                "head": head, "at": at, "accused_since": 1, "by_seal": false, "clock_of_challenger": span,
                "waiting_for_accused": 0, "used_by_accused": span, "used_by_challenger": span, "by_clock": false,
                "by_contradiction": true, "deferred": [], "claim_status": "convicted",
            });
            serde_json::from_value(whole).unwrap()
        };
        let (id, accused, unit) =
            (shown.disputes[1].to_string(), shown.accused.to_string(), shown.unit.to_string());
        let network = shown.network.to_string();
        let right = || said(id.clone(), accused.clone(), unit.clone());
        let found = rejudge(BUNDLE, &right(), &network);
        assert!(found.holds(), "{found:?}");
        assert!(matches!(found, Verdict::Contradicted { place, .. } if place == "trace root"));
        let other = |said: Dispute, network: &str| match rejudge(BUNDLE, &said, network) {
            Verdict::Another { what } => what,
            found => panic!("{found:?}"),
        };
        assert_eq!(other(right(), "00"), "the network");
        assert_eq!(other(said("00".into(), accused.clone(), unit.clone()), &network), "the dispute");
        assert_eq!(other(said(id.clone(), "00".into(), unit.clone()), &network), "the accused");
        assert_eq!(other(said(id.clone(), accused.clone(), "step 99".into()), &network), "the unit");
        assert_eq!(other(Dispute { at: "9.9.9".into(), ..right() }, &network), "the place");
        let cut = rejudge(&BUNDLE[..BUNDLE.len() - 1], &right(), &network);
        assert!(matches!(cut, Verdict::Disproven { .. }) && !cut.holds(), "{cut:?}");
    }
}
