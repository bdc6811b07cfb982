//! Our side of the training steps in `benches/peers`: `step_worker LAYERS WIDTH HEADS CONTEXT BATCH [--threads N]
//! [--backend NAME]`.
//!
//! A GPT over bytes: MLP four times as wide, tied head, AdamW with clipping at 1. `step N` takes N steps from where the
//! last ones ended and answers `{"seconds": ..., "loss": ..., "idle_rss_bytes": ...}`: the mean time of one, the loss of
//! the last, the process's memory before it had a model.
#![allow(clippy::disallowed_methods)] // a measurement reads the clock

use std::io::{BufRead, Write};
use std::time::Instant;

use retrace_model::program::{Program, first_state, step_program};
use retrace_model::{
    Architecture, Decay, Engine, F32Bits, GptSpec, Inputs, ModelSpec, OptimizerSpec, RunSpec, ScheduleSpec,
    StepId, StepScalars, Unobserved, Words, Workspace, advance_in, assigned_tokens, initial_parameters,
    selftest,
};

#[path = "support/options.rs"]
mod options;

/// Bytes that the batches are drawn from.
const SHARD_BYTES: u32 = 1 << 20;
/// More than any measurement asks for.
const STEPS: u32 = 1 << 20;

fn spec([layers, width, heads, context, batch]: [u32; 5]) -> RunSpec {
    let bits = |x: f32| F32Bits(x.to_bits());
    let golden = selftest::golden_spec();
    let OptimizerSpec::AdamW(optimizer) = golden.optimizer else {
        panic!("the golden GPT trains with AdamW")
    };
    RunSpec {
        model: ModelSpec {
            context,
            width,
            layers,
            hidden: 4 * width,
            init_std: bits(0.02),
            architecture: Architecture::Gpt(GptSpec::new(heads)),
            ..golden.model
        },
        batch,
        optimizer: OptimizerSpec::AdamW(optimizer),
        schedule: ScheduleSpec { peak: bits(3e-4), warmup_steps: 0, decay: Decay::Constant },
        steps: STEPS,
        ..golden
    }
}

/// A run, held between steps.
struct Training {
    spec: RunSpec,
    program: Program,
    engine: Engine,
    workspace: Workspace,
    state: Vec<Words>,
    shard: Vec<u8>,
    step: u32,
}

impl Training {
    fn new(spec: RunSpec, engine: Engine) -> Training {
        let state = first_state(&spec, &initial_parameters(&spec));
        let program = step_program(&spec);
        let shard = (0..SHARD_BYTES).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Training { spec, program, engine, workspace: Workspace::default(), state, shard, step: 0 }
    }

    /// Takes a step; the bits of its loss.
    fn step(&mut self) -> u32 {
        let at = StepId { round: 0, slot: 0, step: self.step };
        let tokens = assigned_tokens(&self.spec, &[9; 32], at, std::slice::from_ref(&self.shard))
            .expect("the shard is longer than a sequence");
        let inputs = Inputs { tokens: &tokens, ..Inputs::default() };
        let (scalars, none) = (StepScalars::new(&self.spec, at), &mut Unobserved);
        let (workspace, state) = (&mut self.workspace, &mut self.state);
        let outputs = advance_in(workspace, &self.program, state, inputs, &scalars, &self.engine, none);
        self.workspace.recycle([outputs.batch]);
        self.step += 1;
        outputs.loss
    }
}

/// Bytes of this process that are in memory now; none where the system does not say.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

fn main() {
    let idle = resident_bytes().map_or_else(|| "null".into(), |bytes| bytes.to_string());
    let numbers: Vec<u32> = std::env::args().skip(1).map_while(|word| word.parse().ok()).collect();
    let sizes = numbers.try_into().expect("usage: step_worker LAYERS WIDTH HEADS CONTEXT BATCH [OPTIONS]");
    let mut training = Training::new(spec(sizes), options::engine());
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the driver writes text");
        let count: Option<u32> = line.strip_prefix("step ").and_then(|n| n.parse().ok());
        let count = count.unwrap_or_else(|| panic!("`{line}` is not `step N`"));
        let start = Instant::now();
        let loss = (0..count).fold(0, |_, _| training.step());
        let seconds = start.elapsed().as_secs_f64() / f64::from(count);
        let loss = f32::from_bits(loss);
        println!("{{\"seconds\": {seconds:e}, \"loss\": {loss}, \"idle_rss_bytes\": {idle}}}");
        std::io::stdout().flush().expect("the driver reads");
    }
}
