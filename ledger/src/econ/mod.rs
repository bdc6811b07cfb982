//! What a lie pays and costs, in integers rounded towards refusal (L-6.1 to L-6.3).

mod bounds;
mod report;

pub use bounds::{Defense, Insurance, Laziness, answer_span, bounty_most, steps_price};
pub use report::Report;

use crate::amount::Amount;

pub use retrace_verifier::PPM;
/// Parts per billion: probabilities.
pub const PPB: u64 = 1_000_000_000;

/// Probability that every drawn verifier of a unit colludes: share^verdicts, rounded up at each factor (L-6.1).
///
/// Exactly `verdicts` verifiers are drawn for a unit, so the sum over how many were drawn has one addend.
pub fn pass_ppb(collusion_ppm: u32, verdicts: u8) -> u64 {
    let share = u128::from(collusion_ppm.min(PPM));
    let mut pass = u128::from(PPB);
    for _ in 0..verdicts {
        pass = (pass * share).div_ceil(u128::from(PPM));
    }
    pass as u64
}

/// Probability that one wrong step is drawn and judged by somebody honest: p (1 - p_pass), rounded down (L-6.1).
pub fn detection_ppb(audit_rate_ppm: u32, collusion_ppm: u32, verdicts: u8) -> u64 {
    let rate = u128::from(audit_rate_ppm.min(PPM));
    let honest = u128::from(PPB - pass_ppb(collusion_ppm, verdicts));
    (rate * honest / u128::from(PPM)) as u64
}

/// Probability that one wrong step escapes: 1 - p (1 - p_pass), rounded up (L-6.1).
pub fn escape_ppb(audit_rate_ppm: u32, collusion_ppm: u32, verdicts: u8) -> u64 {
    PPB - detection_ppb(audit_rate_ppm, collusion_ppm, verdicts)
}

/// Probability that `steps` wrong steps all escape, rounded up at each product (L-6.1).
pub fn escape_all_ppb(escape_one_ppb: u64, steps: u32) -> u64 {
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b)).div_ceil(u128::from(PPB)) as u64;
    let (mut result, mut square, mut left) = (PPB, escape_one_ppb.min(PPB), steps);
    while left > 0 {
        if left & 1 == 1 {
            result = times(result, square);
        }
        square = times(square, square);
        left >>= 1;
    }
    result
}

/// What the inequality of a run reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deterrence {
    /// Stake at risk per commitment, S.
    pub lock: Amount,
    /// Share of a slash that may return to the liar's friends, lambda.
    pub bounty_ppm: u32,
    /// Reward of a segment, R: lost when caught.
    pub reward: Amount,
    /// Declared gain of a lie, G.
    pub gain: Amount,
    /// Probability of detection, p_d.
    pub detection_ppb: u64,
    /// True if the gain is kept when the lie is caught: deltas are merged before their verdicts.
    pub is_gain_kept: bool,
}

impl Deterrence {
    /// (1 - lambda) S > G (1 - p_d) / p_d - R, or G / p_d where the gain is kept, multiplied out so that nothing is
    /// rounded (L-6.2).
    pub fn holds(&self) -> bool {
        let ppm = u128::from(PPM);
        let kept = u128::from(PPM - self.bounty_ppm.min(PPM));
        // Below 2^64 * 2^20 * 2 each, times at most 2^30: no product passes 2^116.
        let loss = kept * u128::from(self.lock.0) + ppm * u128::from(self.reward.0);
        let detected = u128::from(self.detection_ppb.min(PPB));
        let gained = u128::from(PPB) - if self.is_gain_kept { 0 } else { detected };
        // Where a lie gains nothing there is nothing to deter.
        self.gain == Amount::ZERO || loss * detected > ppm * u128::from(self.gain.0) * gained
    }

    /// The smallest lock for which it holds, or none if no lock of 64 bits does (L-6.2).
    pub fn lock_needed(&self) -> Option<Amount> {
        smallest(|lock| Deterrence { lock, ..*self }.holds())
    }
}

/// The smallest amount for which a condition holds that holds for all larger ones, if it holds for any of 64 bits.
fn smallest(holds: impl Fn(Amount) -> bool) -> Option<Amount> {
    if !holds(Amount(u64::MAX)) {
        return None;
    }
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(Amount(middle)) { high = middle } else { low = middle + 1 }
    }
    Some(Amount(low))
}

#[cfg(test)]
mod tests {
    use super::{Deterrence, PPB, PPM, detection_ppb, escape_all_ppb, escape_ppb, pass_ppb};
    use crate::amount::Amount;
    use proptest::prelude::*;

    fn deterrence(lock: u64, gain: u64, detection_ppb: u64) -> Deterrence {
        let (lock, reward, gain) = (Amount(lock), Amount(100), Amount(gain));
        Deterrence { lock, bounty_ppm: 100_000, reward, gain, detection_ppb, is_gain_kept: false }
    }

    /// L-6.1: a third colluding, two verdicts: 11.1 %, rounded up; the share of drawn steps bounds detection.
    #[test]
    fn probabilities() {
        assert_eq!(pass_ppb(333_333, 2), 111_110_889);
        assert_eq!((pass_ppb(0, 1), pass_ppb(PPM, 9), pass_ppb(1, 16)), (0, PPB, 1));
        assert_eq!(detection_ppb(35_000, 333_333, 2), 31_111_118);
        assert_eq!(escape_ppb(35_000, 333_333, 2), PPB - 31_111_118);
        assert_eq!(escape_all_ppb(500_000_000, 3), 125_000_000);
        assert_eq!((escape_all_ppb(7, 0), escape_all_ppb(PPB, 9), escape_all_ppb(0, 1)), (PPB, PPB, 0));
        assert_eq!(escape_all_ppb(1, 1_000), 1, "never rounded to nothing");
    }

    /// L-6.2: without detection no lock deters a gain, and the needed lock is the smallest that does.
    #[test]
    fn locks() {
        assert_eq!(deterrence(0, 1, 0).lock_needed(), None);
        assert_eq!(deterrence(0, 0, PPB).lock_needed(), Some(Amount(0)));
        let needed = deterrence(0, 1_000_000, 31_111_118).lock_needed().unwrap();
        assert!(deterrence(needed.0, 1_000_000, 31_111_118).holds());
        assert!(!deterrence(needed.0 - 1, 1_000_000, 31_111_118).holds());
        // Where a gain is kept, one that is surely caught has to be outweighed too: 0.9 S > 1,000,000 - 100.
        let kept = Deterrence { is_gain_kept: true, ..deterrence(0, 1_000_000, PPB) };
        assert_eq!(
            (deterrence(0, 1_000_000, PPB).lock_needed(), kept.lock_needed()),
            (Some(Amount(0)), Some(Amount(1_111_001)))
        );
    }

    proptest! {
        /// L-6.1, L-6.2: rounding is towards refusal, sums never overflow, and more at risk never deters less.
        #[test]
        fn rounded_towards_refusal(
            lock in any::<u64>(), reward in any::<u64>(), gain in any::<u64>(), bounty_ppm in 0..=PPM,
            rate in 0..=PPM, share in 0..=PPM, verdicts in 1u8..=16, is_gain_kept in any::<bool>(),
        ) {
            let detection_ppb = detection_ppb(rate, share, verdicts);
            prop_assert!(pass_ppb(share, verdicts) <= pass_ppb(share, verdicts - 1));
            prop_assert!(u128::from(detection_ppb) * u128::from(PPM) <= u128::from(rate) * u128::from(PPB));
            let (lock, reward, gain) = (Amount(lock), Amount(reward), Amount(gain));
            let terms = Deterrence { lock, bounty_ppm, reward, gain, detection_ppb, is_gain_kept };
            if terms.holds() {
                let more = Deterrence { lock: Amount(lock.0.saturating_add(1)), ..terms };
                prop_assert!(more.holds());
            }
        }
    }
}
