//! A local run from its first step, or from a checkpoint, to its last checkpoint.

use super::checkpoint::{Carried, Checkpoint, DataRecord, Record, Saved, save};
use super::error::TrainError;
use super::evaluate::HeldOut;
use super::plan::Plan;
use super::session::Session;
use super::text::Text;
use retrace_model::plan::Recompute;
use retrace_model::program::{first_state, parameter_table};
use retrace_model::{Engine, RunSpec, Words, initial_parameters};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often something is done beside training.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Steps between two looks at the held-out tokens.
    pub evaluate_every: Option<u32>,
    /// Steps between two checkpoints.
    pub save_every: Option<u32>,
    /// The step after which the run stops early.
    pub stop_after: Option<u32>,
}

/// A run that is ready to go.
pub struct Job {
    /// What it trains.
    pub spec: RunSpec,
    /// What it trains on.
    pub text: Text,
    /// Where its checkpoints go.
    pub out: PathBuf,
    record: Record,
    state: Vec<Words>,
    carried: Carried,
}

/// Who looks on.
pub trait Watch {
    /// A step is done; its loss in bits a token.
    fn step(&mut self, done: u32, loss: f64);
    /// The held-out tokens were looked at.
    fn evaluated(&mut self, done: u32, held_out: &HeldOut);
    /// A checkpoint was written.
    fn saved(&mut self, done: u32);
    /// True once the run should end early.
    fn stops(&self) -> bool;
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Name of the model.
    pub model: String,
    /// Its parameters.
    pub parameters: u64,
    /// True at the last step, false where it was interrupted.
    pub finished: bool,
    /// Steps done in all.
    pub step: u32,
    /// Steps of the whole run.
    pub steps: u32,
    /// Tokens trained on by this process.
    pub tokens: u64,
    /// Seconds of this process's steps.
    pub seconds: f64,
    /// Tokens of steps a second.
    pub tokens_per_second: f64,
    /// What a token is: a byte, or a token of the model's own.
    pub unit: &'static str,
    /// Loss of this process's first step in bits a token.
    pub loss_first: Option<f64>,
    /// Loss of the last step in bits a token.
    pub loss_last: Option<f64>,
    /// The same as binary32 bits, in nats.
    pub loss_bits: Option<String>,
    /// Loss on held-out tokens in bits a token.
    pub held_out_bits: Option<f64>,
    /// What counting achieves on them.
    pub unigram_bits: Option<f64>,
    /// How many they are.
    pub held_out_tokens: usize,
    /// Where the checkpoint is.
    pub checkpoint: PathBuf,
    /// Root of its state.
    pub state_root: String,
    /// BLAKE3 of its `model.safetensors`.
    pub weights_blake3: String,
    /// BLAKE3 of the data.
    pub data_blake3: String,
    /// The body that computed.
    pub backend: &'static str,
    /// On how many threads.
    pub threads: usize,
}

/// A loss of a program, in bits a token.
fn bits(loss: u32) -> f64 {
    f64::from(f32::from_bits(loss)) / std::f64::consts::LN_2
}

impl Job {
    /// A run from its beginning.
    pub fn start(plan: Plan, text: Text, out: PathBuf, carried: Carried) -> Job {
        let data = DataRecord {
            path: text.path.clone(),
            id_bytes: text.format.width(),
            training_tokens: text.training() as u64,
            held_out_tokens: text.held_out() as u64,
            blake3: text.digest.to_string(),
        };
        let record = Record::new(&plan.name, &plan.spec, data);
        let parameters = plan.parameters.unwrap_or_else(|| initial_parameters(&plan.spec));
        let state = first_state(&plan.spec, &parameters);
        Job { spec: plan.spec, text, out, record, state, carried }
    }

    /// A run that goes on: the same steps on the same data, so the same bits as without the interruption.
    ///
    /// # Errors
    /// Other data than before.
    pub fn resume(checkpoint: Checkpoint, text: Text, out: PathBuf) -> Result<Job, TrainError> {
        let Checkpoint { record, spec, state, carried } = checkpoint;
        let refuse = |reason| TrainError::NoCheckpoint { path: out.clone(), reason };
        let expected = record.data_digest().map_err(refuse)?;
        if text.digest != expected {
            return Err(TrainError::OtherData { path: text.path, found: text.digest, expected });
        }
        Ok(Job { spec, text, out, record, state, carried })
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.record.model
    }

    /// Steps done before.
    pub fn step(&self) -> u32 {
        self.record.step
    }

    /// Parameters of the model.
    pub fn parameters(&self) -> u64 {
        let table = parameter_table(&self.spec.model);
        table.iter().map(|shape| shape.elements()).sum()
    }
}

fn is_due(every: Option<u32>, done: u32) -> bool {
    every.is_some_and(|every| done.is_multiple_of(every))
}

/// Runs a job to its last step, or until whoever watches stops it; either way a checkpoint is written.
///
/// # Errors
/// A loss that is no number, a disk that refuses.
pub fn run(
    job: Job,
    engine: Engine,
    recompute: Recompute,
    pace: Pace,
    watch: &mut dyn Watch,
) -> Result<Outcome, TrainError> {
    let parameters = job.parameters();
    let Job { spec, text, out, record, state, carried } = job;
    let began = record.step;
    let mut session = Session::new(&spec, &text, engine, recompute, (state, began));
    let (mut loss, mut loss_first, mut spent) = (record.loss(), None, Duration::ZERO);
    let last = pace.stop_after.map_or(spec.steps, |step| step.min(spec.steps));
    while session.step() < last && !watch.stops() {
        let since = Instant::now();
        let found = session.advance();
        spent += since.elapsed();
        let done = session.step();
        if !f32::from_bits(found).is_finite() {
            return Err(TrainError::Diverged { step: done });
        }
        loss = Some(found);
        loss_first.get_or_insert(found);
        watch.step(done, bits(found));
        let is_last = done >= last;
        if is_due(pace.evaluate_every, done)
            && !is_last
            && let Some(held_out) = session.held_out()
        {
            watch.evaluated(done, &held_out);
        }
        if is_due(pace.save_every, done) && !is_last {
            save(&out, record.at(done, loss), &spec, session.state(), &carried)?;
            watch.saved(done);
        }
    }
    let step = session.step();
    let Saved { state_root, weights } = save(&out, record.at(step, loss), &spec, session.state(), &carried)?;
    let finished = step == spec.steps;
    // Who interrupts a run does not wait for a measurement.
    let held_out = if finished { session.held_out() } else { None };
    let (tokens, seconds) = (u64::from(step - began) * spec.tokens_per_step(), spent.as_secs_f64());
    Ok(Outcome {
        model: record.model,
        parameters,
        finished,
        step,
        steps: spec.steps,
        tokens,
        seconds,
        tokens_per_second: tokens as f64 / seconds.max(1e-9),
        unit: text.unit(),
        loss_first: loss_first.map(bits),
        loss_last: loss.map(bits),
        loss_bits: loss.map(|loss| format!("{loss:08x}")),
        held_out_bits: held_out.map(|found| found.bits),
        unigram_bits: held_out.map(|found| found.unigram_bits),
        held_out_tokens: held_out.map_or(0, |found| found.tokens),
        checkpoint: out,
        state_root: state_root.to_string(),
        weights_blake3: weights.to_string(),
        data_blake3: text.digest.to_string(),
        backend: engine.backend.name(),
        threads: engine.threads,
    })
}
