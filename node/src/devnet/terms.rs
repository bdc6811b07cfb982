//! What a devnet's run trains, under which clocks, and what its parties must stake.

use retrace_ledger::econ::{Deterrence, Insurance, answer_span, bounty_most, detection_ppb};
use retrace_ledger::{Amount, Merging, Params, RunTerms, Span};
use retrace_model::{
    ARITHMETIC_VERSION, AdamWSpec, Architecture, Decay, F32Bits, GptSpec, ModelSpec, OptimizerSpec,
    OuterSpec, RunSpec, ScheduleSpec,
};
use retrace_verifier::docket::Shard;
use retrace_verifier::state::{StateKind, root_of};
use std::path::PathBuf;

/// What a lie is declared to gain, in units of value.
const DECLARED_GAIN: u64 = 1_000;
/// Share of verifiers that is declared to collude: one third.
pub const COLLUSION_PPM: u32 = 333_333;
/// Lock where a lie is declared to gain nothing.
const LOCK_MIN: u64 = 5_000;
/// Paid for a verdict that the outcome agrees with.
const VERDICT_REWARD: Amount = Amount(5);
/// Stake without which nobody judges.
const VERIFIER_STAKE: Amount = Amount(1_000);

/// Size of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// Three layers of width 64, context 64: what the demo trains
    Small,
    /// Two layers of width 16, context 32: small enough to replay on the reference backend
    Tiny,
}

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<Preset> {
        [Preset::Small, Preset::Tiny].into_iter().find(|preset| preset.name() == name)
    }

    /// The name as flags and manifests spell it.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Small => "small",
            Preset::Tiny => "tiny",
        }
    }

    /// Sequences of a step, and the model.
    fn shape(self) -> (u32, ModelSpec) {
        let (context, width, heads, layers, hidden, batch) = match self {
            Preset::Small => (64, 64, 4, 3, 256, 8),
            Preset::Tiny => (32, 16, 2, 2, 64, 4),
        };
        let model = ModelSpec {
            vocabulary: 256,
            context,
            width,
            layers,
            hidden,
            init_std: bits(0.04),
            dropout: bits(0.0),
            tied: true,
            architecture: Architecture::Gpt(GptSpec::new(heads)),
        };
        (batch, model)
    }
}

fn bits(x: f32) -> F32Bits {
    F32Bits(x.to_bits())
}

/// A run as a manifest or a demo asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPlan {
    /// Opened by the devnet's sponsor once the network stands.
    pub open: bool,
    /// Size of the model.
    pub preset: Preset,
    /// Rounds.
    pub rounds: u32,
    /// Steps a segment.
    pub steps: u32,
    /// Slots a round.
    pub slots: u16,
    /// Share of steps drawn, parts per million.
    pub audit_rate_ppm: u32,
    /// Verdicts that every drawn unit needs.
    pub verdicts_min: u8,
    /// Heights from the end of a round to its draw.
    pub draw_delay: u32,
    /// From the opening of a round to its end.
    pub commit_span: Span,
    /// From a draw to the end of its window.
    pub verdict_span: Span,
    /// All the time that a side of a dispute has.
    pub move_span: Span,
    /// When what is not verified yet is merged.
    pub merging: Merging,
    /// Text files or folders to train on; the dictionary if none.
    pub data: Vec<PathBuf>,
}

impl Default for RunPlan {
    fn default() -> RunPlan {
        let span = |heights, seconds: u64| Span { heights, ms: seconds * 1000 };
        RunPlan {
            open: true,
            preset: Preset::Small,
            rounds: 8,
            steps: 16,
            slots: 3,
            audit_rate_ppm: 250_000,
            verdicts_min: 2,
            draw_delay: 2,
            commit_span: span(20, 60),
            verdict_span: span(16, 60),
            move_span: span(12, 45),
            merging: Merging::Delayed,
            data: Vec::new(),
        }
    }
}

impl RunPlan {
    /// What the run trains, from parameters that `seed` gives.
    pub fn spec(&self, seed: [u8; 32]) -> RunSpec {
        let (batch, model) = self.preset.shape();
        let optimizer = OptimizerSpec::AdamW(AdamWSpec {
            beta1: bits(0.9),
            beta2: bits(0.95),
            epsilon: bits(1e-8),
            weight_decay: bits(0.01),
            clip_norm: bits(1.0),
        });
        let decay = Decay::Cosine { floor: bits(0.2) };
        RunSpec {
            arithmetic_version: ARITHMETIC_VERSION,
            seed,
            model,
            batch,
            accumulation: 1,
            optimizer,
            schedule: ScheduleSpec { peak: bits(4e-3), warmup_steps: self.steps.min(4), decay },
            outer: OuterSpec { learning_rate: bits(0.7), momentum: bits(0.6) },
            steps: self.steps,
            slots: self.slots,
            rounds: self.rounds,
        }
    }

    fn deterrence(&self) -> Deterrence {
        let detection_ppb = detection_ppb(self.audit_rate_ppm, COLLUSION_PPM, self.verdicts_min);
        let gain = if detection_ppb == 0 { Amount::ZERO } else { Amount(DECLARED_GAIN) };
        let (lock, is_gain_kept) = (Amount(LOCK_MIN), self.merging.is_optimistic());
        Deterrence { lock, bounty_ppm: 100_000, reward: Amount(100), gain, detection_ppb, is_gain_kept }
    }

    fn insurance(&self) -> Insurance {
        let Deterrence { lock, bounty_ppm, reward, .. } = self.deterrence();
        let (ahead, insured_ppm) = (self.merging.ahead(), self.merging.insured_ppm());
        Insurance { lock, bounty_ppm, reward, slots: self.slots, ahead, insured_ppm }
    }

    /// The smallest round lock that deters the declared gain at this audit rate and covers insured work; none if 64 bits
    /// hold none.
    pub fn lock(&self) -> Option<Amount> {
        let needed = self.deterrence().lock_needed()?.max(self.insurance().lock_needed()?);
        Some(Amount(needed.0.checked_next_multiple_of(1_000)?.max(LOCK_MIN)))
    }

    /// A lock for each commitment and base that it may answer for at once, and half of one: in a delayed run, where nobody has
    /// both at once, a trainer can afford one lie, since what is left of its stake does not carry another commitment.
    pub fn trainer_stake(&self) -> Option<Amount> {
        let lock = self.lock()?;
        let claims = match self.merging {
            Merging::Delayed => 1,
            Merging::Optimistic { ahead, .. } => u64::from(ahead) + 2,
        };
        lock.times(claims)?.plus(Amount(lock.0 / 2))
    }

    /// A verifier carries several challenges at a time.
    pub fn verifier_stake(&self) -> Option<Amount> {
        self.lock()?.times(4)
    }

    /// How long stake must stay in reach after it is unbonded: from a draw to the end of the disputes that were opened at
    /// the last moment of its window, while a breaker was on (L-4.3).
    pub fn unbond_needed(&self, params: &Params) -> Span {
        answer_span(params.attest_span, self.verdict_span, self.move_span, params.breaker_span)
    }

    /// Terms of the run on these shards; none if the lock fits no 64 bits.
    pub fn terms(&self, seed: [u8; 32], manifest: Vec<Shard>) -> Option<RunTerms> {
        let spec = self.spec(seed);
        let deterrence = self.deterrence();
        Some(RunTerms {
            initial_base: root_of(StateKind::Outer, &spec, &crate::roles::initial_base(&spec)),
            spec,
            manifest,
            audit_rate_ppm: self.audit_rate_ppm,
            verdicts_min: self.verdicts_min,
            draw_delay: self.draw_delay,
            segment_reward: deterrence.reward,
            verdict_reward: VERDICT_REWARD,
            lock: self.lock()?,
            challenge_bond: Amount(500),
            commit_span: self.commit_span,
            verdict_span: self.verdict_span,
            move_span: self.move_span,
            bounty_ppm: deterrence.bounty_ppm,
            bounty_cap: bounty_most(self.verdicts_min, VERDICT_REWARD),
            declared_gain: deterrence.gain,
            collusion_ppm: COLLUSION_PPM,
            verifier_stake: VERIFIER_STAKE,
            merging: self.merging,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::RunPlan;
    use retrace_ledger::{Amount, Merging};

    #[test]
    fn a_lock_deters_at_every_audit_rate_that_there_is() {
        for audit_rate_ppm in [0, 1, 35_000, 250_000, 1_000_000] {
            let plan = RunPlan { audit_rate_ppm, ..RunPlan::default() };
            let terms = plan.terms([1; 32], Vec::new()).unwrap();
            assert!(terms.deterrence().holds() && terms.lock >= Amount(5_000), "{audit_rate_ppm}");
            let stake = plan.trainer_stake().unwrap();
            assert!(terms.lock <= stake && stake < terms.lock.plus(terms.lock).unwrap());
        }
    }

    /// L-6.2, L-6.8: and where deltas are merged before their verdicts; a trainer has a lock for every round at once.
    #[test]
    fn a_lock_deters_where_the_gain_is_kept() {
        for audit_rate_ppm in [35_000, 250_000, 1_000_000] {
            let merging = Merging::Optimistic { ahead: 3, insured_ppm: 1_000_000 };
            let plan = RunPlan { audit_rate_ppm, merging, slots: 64, ..RunPlan::default() };
            let terms = plan.terms([1; 32], Vec::new()).unwrap();
            assert!(terms.deterrence().holds() && terms.insurance().holds(), "{audit_rate_ppm}");
            assert!(terms.deterrence().is_gain_kept);
            let needed = terms.lock.times(5).unwrap();
            assert!(needed <= plan.trainer_stake().unwrap());
        }
    }
}
