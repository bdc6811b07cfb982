//! The economics of a run, computed from its terms and the network's parameters: for people, no rule reads it (L-6.7).

use super::{PPB, PPM, bounty_most, detection_ppb, escape_ppb, pass_ppb};
use crate::amount::{Amount, Span};
use crate::genesis::Params;
use crate::run::RunTerms;
use retrace_model::program::parameter_table;

/// What a replay costs that keeps the digest of every output, against one that does not.
const TRACED_PPM: u128 = 1_100_000;
/// Drawn wrong steps after which one in a thousand escapes if one step in twenty is wrong: ln(1000) / -ln(0.95), up.
const DRAWS_WANTED: u64 = 135;

/// What a run's terms come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Probability that all drawn verifiers of a unit collude, ppb.
    pub pass_ppb: u64,
    /// Probability that one wrong step is found, ppb.
    pub detection_ppb: u64,
    /// Probability that it is not, ppb.
    pub escape_ppb: u64,
    /// Steps of a trainer's own after which, one in twenty being wrong, less than one in a thousand escapes.
    pub steps_to_catch: Option<u64>,
    /// Stake locked for a claim, S.
    pub lock: Amount,
    /// The smallest that deters the declared gain; none if no lock does.
    pub lock_needed: Option<Amount>,
    /// The smallest that covers the insured work that one lie can make void; none if no lock does.
    pub insurance_needed: Option<Amount>,
    /// Stake locked for a dispute.
    pub bond: Amount,
    /// The part of the needed bond that pays replays; none past 64 bits.
    pub replay_price: Option<Amount>,
    /// The part that pays bytes.
    pub lane_price: Amount,
    /// The smallest bond that covers a defense; none past 64 bits.
    pub bond_needed: Option<Amount>,
    /// What a challenger gets for a proved lie.
    pub bounty: Amount,
    /// The most that it may be.
    pub bounty_most: Amount,
    /// Stake without which nobody judges.
    pub verifier_stake: Amount,
    /// The smallest that deters a verdict without a replay; none if no stake does.
    pub verifier_stake_needed: Option<Amount>,
    /// The network's time of unbonding.
    pub unbond: Span,
    /// The shortest that keeps stake in reach of its verdicts.
    pub unbond_needed: Span,
    /// Expected replayed steps per trained step, with their traces, ppm.
    pub replays_ppm: u64,
    /// Expected pay of the verdicts of a segment; none past 64 bits.
    pub audit_pay: Option<Amount>,
    /// The most that it may be; none past 64 bits.
    pub audit_pay_most: Option<Amount>,
    /// Expected bytes of drawn states that a trainer publishes per segment.
    pub published_bytes: u64,
    /// What the sponsor puts aside; none past 64 bits.
    pub escrow: Option<Amount>,
}

impl Report {
    /// The report of terms on a network. The specification must be within its limits.
    pub fn of(terms: &RunTerms, params: &Params) -> Report {
        let (rate, share, verdicts) = (terms.audit_rate_ppm, terms.collusion_ppm, terms.verdicts_min);
        let (defense, detection_ppb) = (terms.defense(params), detection_ppb(rate, share, verdicts));
        let steps = u128::from(terms.spec.steps);
        let drawn_ppm = u128::from(rate) * steps;
        let pay = |units_ppm: u128| {
            let verdicts =
                (units_ppm * u128::from(verdicts)).checked_mul(u128::from(terms.verdict_reward.0))?;
            u64::try_from(verdicts.div_ceil(u128::from(PPM))).ok().map(Amount)
        };
        let boundary_ppm = 2 * u128::from(PPM);
        Report {
            pass_ppb: pass_ppb(share, verdicts),
            detection_ppb,
            escape_ppb: escape_ppb(rate, share, verdicts),
            steps_to_catch: (detection_ppb > 0).then(|| (DRAWS_WANTED * PPB).div_ceil(detection_ppb)),
            lock: terms.lock,
            lock_needed: terms.deterrence().lock_needed(),
            insurance_needed: terms.insurance().lock_needed(),
            bond: terms.challenge_bond,
            replay_price: defense.replay_price(),
            lane_price: defense.lane_price(),
            bond_needed: defense.bond_needed(),
            bounty: terms.bounty(),
            bounty_most: bounty_most(verdicts, terms.verdict_reward),
            verifier_stake: terms.verifier_stake,
            verifier_stake_needed: terms.laziness(params).stake_needed(),
            unbond: params.unbond_span,
            unbond_needed: terms.answer_span(params),
            replays_ppm: (u128::from(rate) * u128::from(verdicts) * TRACED_PPM).div_ceil(u128::from(PPM))
                as u64,
            audit_pay: pay(drawn_ppm + boundary_ppm),
            audit_pay_most: pay(steps * u128::from(PPM) + boundary_ppm),
            published_bytes: published_bytes(terms),
            escrow: terms.escrow(),
        }
    }
}

/// Expected bytes of the states that a drawn unit starts from, the base left out: before each step but the first by
/// rate, before the delta always; parameters and moments of four bytes each (L-5.12).
fn published_bytes(terms: &RunTerms) -> u64 {
    let between = u128::from(terms.spec.steps.saturating_sub(1));
    let states_ppm = u128::from(terms.audit_rate_ppm) * between + u128::from(PPM);
    let elements: u128 = parameter_table(&terms.spec.model).iter().map(|p| u128::from(p.elements())).sum();
    let state = 4 * elements * (1 + terms.spec.optimizer.moments().len() as u128);
    u64::try_from((state * states_ppm).div_ceil(u128::from(PPM))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::amount::{Amount, Span};
    use crate::genesis::Params;
    use crate::tests::fixture::terms;

    /// L-6.7: what the fixture's terms come to, computed by hand.
    #[test]
    fn the_fixture_adds_up() {
        let report = Report::of(&terms(), &Params::default());
        assert_eq!((report.pass_ppb, report.detection_ppb), (111_110_889, 444_444_555));
        assert_eq!(report.escape_ppb, 555_555_445);
        assert_eq!(report.steps_to_catch, Some(304));
        assert_eq!((report.lock, report.lock_needed), (Amount(10_000), Some(Amount(6_834))));
        assert_eq!(report.insurance_needed, Some(Amount(0)), "nothing unverified is merged");
        let prices = (report.replay_price, report.lane_price, report.bond_needed);
        assert_eq!(prices, (Some(Amount(250)), Amount(132), Some(Amount(382))));
        assert_eq!((report.bounty, report.bounty_most), (Amount(700), Amount(720)));
        assert_eq!((report.verifier_stake, report.verifier_stake_needed), (Amount(300), Some(Amount(251))));
        assert_eq!(report.unbond_needed, Span { heights: 75, ms: 75_000 });
        assert_eq!(report.replays_ppm, 1_100_000);
        // Two of four steps, delta and loss, judged twice for 18; at most all six units.
        assert_eq!((report.audit_pay, report.audit_pay_most), (Some(Amount(144)), Some(Amount(216))));
        assert_eq!(report.escrow, terms().escrow());
    }

    /// L-6.7: terms that no run can have give no number rather than a wrong one.
    #[test]
    fn what_does_not_fit_is_none() {
        let mut terms = terms();
        (terms.audit_rate_ppm, terms.segment_reward) = (0, Amount(u64::MAX));
        terms.verdict_reward = Amount(u64::MAX);
        let report = Report::of(&terms, &Params::default());
        assert_eq!((report.steps_to_catch, report.replays_ppm), (None, 0));
        assert_eq!((report.bond_needed, report.audit_pay, report.escrow), (None, None, None));
    }

    /// L-6.7: two and a half states are published in a segment of four steps, twelve bytes a parameter.
    #[test]
    fn published_states() {
        let terms = terms();
        let table = retrace_model::program::parameter_table(&terms.spec.model);
        let elements: u64 = table.iter().map(|parameter| parameter.elements()).sum();
        assert_eq!(Report::of(&terms, &Params::default()).published_bytes, 30 * elements);
    }
}
