//! What a lie pays and costs, in integers rounded towards refusal (L-6.1 to L-6.3).

use crate::amount::Amount;

/// Parts per million.
pub const PPM: u32 = 1_000_000;
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
}

impl Deterrence {
    /// (1 - lambda) S > G (1 - p_d) / p_d - R, multiplied out so that nothing is rounded (L-6.2).
    ///
    /// Nothing unverified is merged here, so a lie that is caught gains nothing.
    pub fn holds(&self) -> bool {
        let ppm = u128::from(PPM);
        let kept = u128::from(PPM - self.bounty_ppm.min(PPM));
        // Below 2^64 * 2^20 * 2 each, times at most 2^30: no product passes 2^116.
        let loss = kept * u128::from(self.lock.0) + ppm * u128::from(self.reward.0);
        let detected = u128::from(self.detection_ppb.min(PPB));
        let missed = u128::from(PPB) - detected;
        loss * detected > ppm * u128::from(self.gain.0) * missed
    }

    /// The smallest lock for which it holds, or none if no lock of 64 bits does (L-6.2).
    pub fn lock_needed(&self) -> Option<Amount> {
        let holds = |lock: u64| Deterrence { lock: Amount(lock), ..*self }.holds();
        if !holds(u64::MAX) {
            return None;
        }
        let (mut low, mut high) = (0, u64::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        Some(Amount(low))
    }
}
