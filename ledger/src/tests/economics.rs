//! The inequalities of an opening, each at its edge.

use super::fixture::{SPONSOR, World, terms};
use crate::{Amount, Body, OpenRun, OpenRunInvalid, RunTerms, TransactionInvalid};

/// L-4.3, L-6.2, L-6.4 to L-6.6: the last value that each inequality lets pass, and the first that it does not.
#[test]
fn every_inequality_has_an_edge() {
    let mut world = World::new();
    type Set = fn(&mut RunTerms, u64);
    type Is = fn(&OpenRunInvalid) -> bool;
    let rows: [(u64, u64, Set, Is); 7] = [
        (50, 51, |t, n| t.verdict_span.heights = n, |r| matches!(r, OpenRunInvalid::Unbonding { .. })),
        (13_000, 13_001, |t, n| t.move_span.ms = n, |r| matches!(r, OpenRunInvalid::Unbonding { .. })),
        (
            1_388_778,
            1_388_777,
            |t, n| (t.declared_gain, t.lock) = (Amount(1_000_000), Amount(n)),
            |r| matches!(r, OpenRunInvalid::Deterrence { .. }),
        ),
        (382, 381, |t, n| t.challenge_bond = Amount(n), |r| matches!(r, OpenRunInvalid::Defense { .. })),
        (720, 721, |t, n| t.bounty_cap = Amount(n), |r| matches!(r, OpenRunInvalid::BountyAudits { .. })),
        (
            // A share of the lock that is small enough needs no cap.
            72_000,
            72_100,
            |t, n| (t.bounty_ppm, t.bounty_cap) = (n as u32, Amount(u64::MAX)),
            |r| matches!(r, OpenRunInvalid::BountyAudits { .. }),
        ),
        (251, 250, |t, n| t.verifier_stake = Amount(n), |r| matches!(r, OpenRunInvalid::Laziness { .. })),
    ];
    for (row, (passes, fails, set, is)) in rows.into_iter().enumerate() {
        let mut open = |value| {
            let mut terms = terms();
            set(&mut terms, value);
            world.refusal(SPONSOR, Body::OpenRun(Box::new(OpenRun { terms })))
        };
        assert_eq!(open(passes), None, "row {row}");
        let found = open(fails);
        let Some(TransactionInvalid::OpenRun(reason)) = found else { panic!("row {row}: {found:?}") };
        assert!(is(&reason), "row {row}: {reason}");
    }
}
