//! What a local run trains: a run specification of one slot and one round, and the parameters that it starts from.

use super::error::TrainError;
use super::preset::{PRESETS, Preset};
use crate::config::near;
use retrace_model::{
    ARITHMETIC_VERSION, AdamWSpec, Decay, F32Bits, ModelSpec, OptimizerSpec, OuterSpec, RunSpec,
    ScheduleSpec, SpecError, Words,
};

/// Longest warm-up, in steps; a tenth of a shorter run.
const WARMUP_MAX: u32 = 100;
/// A network's segment has at least and at most so many steps.
const SEGMENT: (u32, u32) = (4, 1 << 14);
/// Peak learning rate for a model from elsewhere.
const PEAK_ELSEWHERE: f32 = 3e-4;
/// Sequences of a step for a model from elsewhere.
const BATCH_ELSEWHERE: u32 = 8;

/// What may be asked for beside the model.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Steps of the run.
    pub steps: u32,
    /// Seeds parameters and data order.
    pub seed: u64,
    /// Sequences of a step, where not the preset's.
    pub batch: Option<u32>,
    /// Peak learning rate, where not the preset's.
    pub peak: Option<f32>,
}

/// A local run before its first step.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the model, for people.
    pub name: String,
    /// Everything that fixes its bits, except the data.
    pub spec: RunSpec,
    /// Parameters to start from, where not the seed's.
    pub parameters: Option<Vec<Words>>,
}

fn bits(x: f32) -> F32Bits {
    F32Bits(x.to_bits())
}

impl Plan {
    /// A run of a preset, from parameters that the seed gives.
    ///
    /// # Errors
    /// A name that is none, sizes outside the limits.
    pub fn of_preset(name: &str, asked: &Asked) -> Result<Plan, TrainError> {
        let Some(preset) = Preset::named(name) else {
            let near = near(name, &PRESETS);
            let hint = format!("{near} (a folder with config.json and model.safetensors is a model, too)");
            return Err(TrainError::NoModel { name: name.into(), hint });
        };
        let (batch, peak) = (asked.batch.unwrap_or(preset.batch), asked.peak.unwrap_or(preset.peak));
        let spec = spec(preset.model, batch, peak, asked)?;
        Ok(Plan { name: name.into(), spec, parameters: None })
    }

    /// A run that goes on from parameters of elsewhere.
    ///
    /// # Errors
    /// Sizes outside the limits.
    pub fn of_model(
        name: &str,
        model: ModelSpec,
        parameters: Vec<Words>,
        asked: &Asked,
    ) -> Result<Plan, TrainError> {
        let (batch, peak) = (asked.batch.unwrap_or(BATCH_ELSEWHERE), asked.peak.unwrap_or(PEAK_ELSEWHERE));
        let spec = spec(model, batch, peak, asked)?;
        Ok(Plan { name: name.into(), spec, parameters: Some(parameters) })
    }
}

fn spec(model: ModelSpec, batch: u32, peak: f32, asked: &Asked) -> Result<RunSpec, TrainError> {
    let optimizer = AdamWSpec {
        beta1: bits(0.9),
        beta2: bits(0.95),
        epsilon: bits(1e-8),
        weight_decay: bits(0.1),
        clip_norm: bits(1.0),
    };
    let warmup_steps = (asked.steps / 10).clamp(1, WARMUP_MAX);
    let schedule = ScheduleSpec { peak: bits(peak), warmup_steps, decay: Decay::Cosine { floor: bits(0.1) } };
    let spec = RunSpec {
        arithmetic_version: ARITHMETIC_VERSION,
        seed: derived("retrace local seed", &asked.seed.to_le_bytes()),
        model,
        batch,
        accumulation: 1,
        optimizer: OptimizerSpec::AdamW(optimizer),
        schedule,
        // There is nothing to merge.
        outer: OuterSpec { learning_rate: bits(1.0), momentum: bits(0.0) },
        steps: asked.steps,
        slots: 1,
        rounds: 1,
    };
    check(&spec).map_err(|source| TrainError::Spec { source })?;
    Ok(spec)
}

/// Checks all limits but that of a segment's steps: nobody replays this run in a dispute.
pub fn check(spec: &RunSpec) -> Result<(), SpecError> {
    let steps = spec.steps.clamp(SEGMENT.0, SEGMENT.1);
    let schedule = ScheduleSpec { warmup_steps: spec.schedule.warmup_steps.min(steps), ..spec.schedule };
    RunSpec { steps, schedule, ..*spec }.check()
}

/// Where the data order of a run comes from: a network's beacon, here the seed.
pub fn beacon(spec: &RunSpec) -> [u8; 32] {
    derived("retrace local data order", &spec.seed)
}

fn derived(purpose: &str, from: &[u8]) -> [u8; 32] {
    blake3::derive_key(purpose, from)
}
