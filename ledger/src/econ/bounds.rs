//! What a challenge, a bounty, a verdict and the way back of stake must be for a run to open (L-4.3, L-6.4 to L-6.6).

use super::{PPM, smallest};
use crate::amount::{Amount, Span};
use crate::limits::{BOUNTY_AUDITS, DISPUTES_AT_ONCE, PRICED_DISPUTE_BYTES};

/// Price of `count` steps where a segment of `steps` is rewarded with `reward`, rounded up (L-6.4). None past 64 bits.
pub fn steps_price(count: u64, reward: Amount, steps: u32) -> Option<Amount> {
    let price = u128::from(count).checked_mul(u128::from(reward.0))?.div_ceil(u128::from(steps.max(1)));
    u64::try_from(price).ok().map(Amount)
}

/// What a defense reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defense {
    /// Reward of a segment, R.
    pub reward: Amount,
    /// Steps of a segment, H.
    pub steps: u32,
    /// Price of a posted byte, in millionths of a unit of value.
    pub lane_byte_price_ppm: u32,
}

impl Defense {
    /// A segment up to the disputed step and that step once more with its trace: H + 1 steps, twice, because half of a
    /// bond is the accused's (L-6.4).
    pub fn replay_price(&self) -> Option<Amount> {
        steps_price(2 * (u64::from(self.steps) + 1), self.reward, self.steps)
    }

    /// What the bytes of a dispute cost those who carry them (L-6.4).
    pub fn lane_price(&self) -> Amount {
        let price = u128::from(PRICED_DISPUTE_BYTES) * u128::from(self.lane_byte_price_ppm);
        // Below 2^17 * 2^32 / 10^6: it fits.
        Amount(price.div_ceil(u128::from(PPM)) as u64)
    }

    /// The smallest bond of a challenge; none past 64 bits (L-6.4).
    pub fn bond_needed(&self) -> Option<Amount> {
        self.replay_price()?.plus(self.lane_price())
    }
}

/// The largest bounty where a drawn unit is judged `verdicts` times for `reward` each (L-6.5).
pub fn bounty_most(verdicts: u8, reward: Amount) -> Amount {
    // Past 64 bits there is no amount that is too large.
    reward.times(BOUNTY_AUDITS * u64::from(verdicts)).unwrap_or(Amount(u64::MAX))
}

/// What one lie can taint, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insurance {
    /// Stake at risk per commitment, S.
    pub lock: Amount,
    /// Share of a slash that may return to the liar's friends, lambda.
    pub bounty_ppm: u32,
    /// Reward of a segment, R.
    pub reward: Amount,
    /// Slots of a round, K.
    pub slots: u16,
    /// Rounds that may stand on an unverified one, A.
    pub ahead: u32,
    /// Share of its reward that tainted work gets, kappa.
    pub insured_ppm: u32,
}

impl Insurance {
    /// (1 - lambda) S >= kappa A K R, in millionths (L-6.8).
    pub fn holds(&self) -> bool {
        let lost = u128::from(PPM - self.bounty_ppm.min(PPM)) * u128::from(self.lock.0);
        let segments = u128::from(self.slots) * u128::from(self.ahead);
        // At most 2^20 * 2^(16 + 3) * 2^64: it fits.
        lost >= u128::from(self.insured_ppm.min(PPM)) * segments * u128::from(self.reward.0)
    }

    /// The smallest lock for which it holds; none past 64 bits (L-6.8).
    pub fn lock_needed(&self) -> Option<Amount> {
        smallest(|lock| Insurance { lock, ..*self }.holds())
    }
}

/// What a verdict without a replay saves and risks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Laziness {
    /// Stake without which nobody judges, S_v.
    pub stake: Amount,
    /// Share of it that a false verdict costs.
    pub false_verdict_ppm: u32,
    /// Reward of a segment, R.
    pub reward: Amount,
    /// Steps of a segment, H.
    pub steps: u32,
}

impl Laziness {
    /// The loss is above the price of a step, multiplied out so that nothing is rounded (L-6.6).
    pub fn is_deterred(&self) -> bool {
        // Below 2^64 * 2^32 * 2^32 and 2^64 * 2^20.
        let loss = u128::from(self.stake.0) * u128::from(self.false_verdict_ppm);
        let risked = loss.checked_mul(u128::from(self.steps));
        risked.is_none_or(|risked| risked > u128::from(PPM) * u128::from(self.reward.0))
    }

    /// The smallest stake for which it is; none if none of 64 bits is enough (L-6.6).
    pub fn stake_needed(&self) -> Option<Amount> {
        smallest(|stake| Laziness { stake, ..*self }.is_deterred())
    }
}

/// How long stake that judged must stay in reach: from the draw to the end of the last dispute over the claim, opened at
/// the last moment, while a breaker was on (L-4.3).
pub fn answer_span(attest: Span, verdict: Span, moves: Span, breaker: Span) -> Span {
    // The accused has a clock for each dispute that runs at once, and their challengers run theirs side by side.
    let clocks = (0..=DISPUTES_AT_ONCE).fold(Span::default(), |sum, _| sum.plus(moves));
    attest.plus(verdict).plus(clocks).plus(breaker)
}

#[cfg(test)]
mod tests {
    use super::{Defense, Laziness, answer_span, bounty_most, steps_price};
    use crate::amount::{Amount, Span};

    /// L-6.4: prices of steps are exact and rounded up once, and the bytes of a dispute are added.
    #[test]
    fn defenses() {
        assert_eq!(steps_price(1, Amount(100), 16), Some(Amount(7)));
        assert_eq!(steps_price(34, Amount(100), 16), Some(Amount(213)));
        assert_eq!(steps_price(u64::MAX, Amount(2), 1), None);
        let rows = [
            (100, 16, 1_000, Some(213 + 132)),
            (100, 4, 1_000, Some(250 + 132)),
            (0, 16_384, 0, Some(0)),
            (0, 4, u32::MAX, Some(562_949_954)),
            (u64::MAX, 4, 0, None),
        ];
        for (reward, steps, lane_byte_price_ppm, expected) in rows {
            let defense = Defense { reward: Amount(reward), steps, lane_byte_price_ppm };
            assert_eq!(defense.bond_needed(), expected.map(Amount), "{reward} {steps}");
        }
    }

    /// L-6.5: twenty audits of a unit.
    #[test]
    fn bounties() {
        assert_eq!(bounty_most(2, Amount(18)), Amount(720));
        assert_eq!(bounty_most(16, Amount(u64::MAX)), Amount(u64::MAX));
    }

    /// L-6.6: the needed stake is the smallest that deters, and where a false verdict costs nothing none does.
    #[test]
    fn lazy_verdicts() {
        let lazy = |stake, false_verdict_ppm, reward, steps| Laziness {
            stake: Amount(stake),
            false_verdict_ppm,
            reward: Amount(reward),
            steps,
        };
        for (ppm, reward, steps, needed) in [
            (100_000, 100, 4, Some(251)),
            (100_000, 100, 16, Some(63)),
            (1_000_000, u64::MAX, 4, Some(1 << 62)),
            (100_000, 0, 4, Some(1)),
            (0, 0, 4, None),
            (1, u64::MAX, 4, None),
        ] {
            let found = lazy(0, ppm, reward, steps).stake_needed();
            assert_eq!(found, needed.map(Amount), "{ppm} {reward} {steps}");
            let Some(needed) = needed else { continue };
            assert!(lazy(needed, ppm, reward, steps).is_deterred());
            assert!(!lazy(needed - 1, ppm, reward, steps).is_deterred());
        }
        assert!(lazy(u64::MAX, u32::MAX, u64::MAX, u32::MAX).is_deterred());
    }

    /// L-4.3: attesting, a window, four clocks of the accused and one of a challenger, a breaker.
    #[test]
    fn answers() {
        let span = |heights| Span { heights, ms: heights * 7 };
        assert_eq!(answer_span(span(1), span(10), span(100), span(1_000)), span(1_511));
    }
}
