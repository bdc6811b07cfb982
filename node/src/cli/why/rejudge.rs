//! The evidence judged in this process, and held against what the node says: nobody need trust the node (V-6.2).

use crate::names;
use crate::rpc::methods::dispute::{Dispute, FoundValue, finding_words};
use retrace_verifier::evidence::{judge, read};

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
        matches!(self, Verdict::Proven { .. })
    }
}

/// Reads and judges a bundle; dispute, network, accused and value must be those that the node names.
pub fn rejudge(bytes: &[u8], said: &Dispute, network: &str) -> Verdict {
    let since = std::time::Instant::now();
    let bundle = match read(bytes) {
        Ok(bundle) => bundle,
        Err(reason) => return Verdict::Disproven { reason: reason.to_string() },
    };
    let proven = match judge(&bundle) {
        Ok(proven) => proven,
        Err(reason) => return Verdict::Disproven { reason: reason.to_string() },
    };
    let judge_us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
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
    match pairs.into_iter().find(|(_, is_same)| !is_same) {
        Some((what, _)) => Verdict::Another { what },
        None => Verdict::Proven { finding, judge_us },
    }
}

fn slot(docket: &retrace_verifier::docket::Docket) -> Option<u16> {
    match &docket.claim {
        retrace_verifier::docket::Claim::Segment(signed) => Some(signed.commitment.slot),
        retrace_verifier::docket::Claim::Base(_) => None,
    }
}
