//! The terms of a run: what is trained, on what, for what, under which clocks (L-4.1).

use crate::amount::{Amount, Span};
use crate::econ::{Defense, Deterrence, Insurance, Laziness, answer_span, detection_ppb};
use crate::genesis::Params;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::RunSpec;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Shard;

/// When what is not verified yet is merged (L-5.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Merging {
    /// Never: a round waits for its verdicts and disputes.
    Delayed,
    /// As soon as it is drawn and attested. A lie that is found later taints what was made from it.
    Optimistic {
        /// Rounds that may open while an earlier one is not over, A.
        ahead: u8,
        /// Share of its reward that honest work in a tainted round gets, kappa.
        insured_ppm: u32,
    },
}

impl Merging {
    /// Rounds that may open while an earlier one is not over.
    pub fn ahead(self) -> u32 {
        match self {
            Merging::Delayed => 0,
            Merging::Optimistic { ahead, .. } => u32::from(ahead),
        }
    }

    /// Share of its reward that honest work in a tainted round gets, in millionths.
    pub fn insured_ppm(self) -> u32 {
        match self {
            Merging::Delayed => 0,
            Merging::Optimistic { insured_ppm, .. } => insured_ppm,
        }
    }

    /// True if deltas are merged before their verdicts.
    pub fn is_optimistic(self) -> bool {
        matches!(self, Merging::Optimistic { .. })
    }
}

/// What a sponsor declares, once, when it opens a run.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RunTerms {
    /// Model, optimizer, schedule, shape.
    pub spec: RunSpec,
    /// Token shards.
    pub manifest: Vec<Shard>,
    /// Base of round 0: root over initial parameters and zero outer momenta.
    pub initial_base: Digest,
    /// Share of the steps of a segment that are drawn.
    pub audit_rate_ppm: u32,
    /// Verdicts that every drawn unit needs, m.
    pub verdicts_min: u8,
    /// Heights from the end of a round to its draw.
    pub draw_delay: u32,
    /// Paid for a verified segment.
    pub segment_reward: Amount,
    /// Paid for a verdict that the outcome agrees with.
    pub verdict_reward: Amount,
    /// Stake locked for each commitment and each base claim.
    pub lock: Amount,
    /// Stake locked for each dispute by its challenger.
    pub challenge_bond: Amount,
    /// From the opening of a round to its end.
    pub commit_span: Span,
    /// From a draw to the end of its window.
    pub verdict_span: Span,
    /// All the time that a side of a dispute has.
    pub move_span: Span,
    /// Share of a slash that goes to the challenger.
    pub bounty_ppm: u32,
    /// Most that goes to the challenger.
    pub bounty_cap: Amount,
    /// Gain of a lie as the sponsor declares it, G.
    pub declared_gain: Amount,
    /// Share of verifiers that collude as the sponsor declares it, r.
    pub collusion_ppm: u32,
    /// Stake without which a verifier neither is drawn nor judges.
    pub verifier_stake: Amount,
    /// When what is not verified yet is merged.
    pub merging: Merging,
}

impl RunTerms {
    /// Tokens that a sequence of a batch spans: the shard it is in must be as long.
    pub fn sequence_tokens(&self) -> u64 {
        u64::from(self.spec.model.context) + 1
    }

    /// Most that can be paid for one claim: its reward, and `units` units with the needed verdicts (L-4.2).
    fn claim_cost(&self, reward: Amount, units: u64) -> Option<Amount> {
        let verdicts = units.checked_mul(u64::from(self.verdicts_min))?;
        reward.plus(self.verdict_reward.times(verdicts)?)
    }

    /// What the sponsor puts aside: every slot of every round paid, every unit of it drawn (L-4.2).
    pub fn escrow(&self) -> Option<Amount> {
        let units = u64::from(self.spec.steps) + 2;
        let segments = self.claim_cost(self.segment_reward, units)?.times(u64::from(self.spec.slots))?;
        let round = segments.plus(self.claim_cost(Amount::ZERO, 1)?)?;
        round.times(u64::from(self.spec.rounds))
    }

    /// The inequality that the declared gain must not break (L-6.2).
    pub fn deterrence(&self) -> Deterrence {
        Deterrence {
            lock: self.lock,
            bounty_ppm: self.bounty_ppm,
            reward: self.segment_reward,
            gain: self.declared_gain,
            detection_ppb: detection_ppb(self.audit_rate_ppm, self.collusion_ppm, self.verdicts_min),
            is_gain_kept: self.merging.is_optimistic(),
        }
    }

    /// What a lock has to cover of the work that one lie can taint (L-6.8).
    pub fn insurance(&self) -> Insurance {
        Insurance {
            lock: self.lock,
            bounty_ppm: self.bounty_ppm,
            reward: self.segment_reward,
            slots: self.spec.slots,
            ahead: self.merging.ahead(),
            insured_ppm: self.merging.insured_ppm(),
        }
    }

    /// What a challenge costs an honest accused and everybody else (L-6.4).
    pub fn defense(&self, params: &Params) -> Defense {
        let lane_byte_price_ppm = params.lane_byte_price_ppm;
        Defense { reward: self.segment_reward, steps: self.spec.steps, lane_byte_price_ppm }
    }

    /// What a verdict without a replay saves and risks (L-6.6).
    pub fn laziness(&self, params: &Params) -> Laziness {
        let (stake, false_verdict_ppm) = (self.verifier_stake, params.false_verdict_ppm);
        Laziness { stake, false_verdict_ppm, reward: self.segment_reward, steps: self.spec.steps }
    }

    /// From a draw to the end of the last dispute over the claim: how long the stake of verdicts must be in reach (L-4.3).
    pub fn answer_span(&self, params: &Params) -> Span {
        answer_span(params.attest_span, self.verdict_span, self.move_span, params.breaker_span)
    }

    /// What a challenger that proves a lie receives of the lock.
    pub fn bounty(&self) -> Amount {
        self.lock.share(self.bounty_ppm).min(self.bounty_cap)
    }
}
