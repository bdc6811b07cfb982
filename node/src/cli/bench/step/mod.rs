//! `retrace bench step`: a training step of this machine, its time, its memory, and where they go.

mod clock;
mod measure;
mod memory;
mod peak;
mod peers;
mod report;

use crate::cli::args::{RecomputeArg, WholeMachine};
use crate::cli::exit::{Exit, Failure};
use crate::cli::print::say;
use crate::doctor::StepNeed;
use crate::train::{Asked, Plan, Text, TrainError};
use memory::Memory;
use miette::Diagnostic;
use retrace_model::RunSpec;
use retrace_model::tokens::TokenFormat;
use std::path::{Path, PathBuf};

/// Arguments of `retrace bench step`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace bench step --json\n  retrace bench step --shape wide --threads 2 --steps 25\n  model/benches/peers/run --json > peers.json; retrace bench step --peers peers.json --json\n\nSteps are those of `retrace train --local`: plain, on one thread, traced (every output digested) and on the slower vector backend, one after the other, so that a busy moment disturbs them alike; medians are told. The last line is one JSON object. Its keys step_vs_torch_*, step_wide_vs_torch_* and matmul_vs_best_* are null without --peers: they need PyTorch and others, which model/benches/peers/run sets up."
)]
pub struct Args {
    /// Model of the step
    #[arg(long, value_enum, default_value_t = Shape::Small)]
    shape: Shape,
    /// Times that each kind of step is measured
    #[arg(long, default_value_t = 15, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    steps: u32,
    /// JSON of model/benches/peers/run, whose figures are told beside ours
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
    #[command(flatten)]
    recompute: RecomputeArg,
    #[command(flatten)]
    engine: WholeMachine,
    /// Print one JSON object as the last line of standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

/// Models that are measured, as `retrace train` knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shape {
    /// gpt-small: 4.9 M parameters
    Small,
    /// gpt-wide: 14.8 M parameters
    Wide,
    /// gpt-tiny: to see that it works
    Tiny,
}

impl Shape {
    fn preset(self) -> &'static str {
        match self {
            Shape::Small => "gpt-small",
            Shape::Wide => "gpt-wide",
            Shape::Tiny => "gpt-tiny",
        }
    }
}

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Refused {
    #[error("{path} is no result of the peers: {reason}")]
    #[diagnostic(help("write one with `model/benches/peers/run --json > FILE`"))]
    Peers { path: PathBuf, reason: String },
}

/// What a thread of the engine takes for itself.
const THREAD_BYTES: u64 = 1 << 20;
/// Bytes that are trained on: any will do.
const TEXT_BYTES: u32 = 1 << 20;

/// What is measured: a preset on made-up text.
fn subject(preset: &str) -> Result<(RunSpec, Text), TrainError> {
    let asked = Asked { steps: 1_000_000, seed: 1, batch: None, peak: None };
    let spec = Plan::of_preset(preset, &asked)?.spec;
    let text = (0..TEXT_BYTES).map(|i| (i.wrapping_mul(0x9E37_79B1) >> 24) as u8 & 0x7F).collect();
    let span = u64::from(spec.model.context) + 1;
    let text = Text::new(Path::new("made up"), text, TokenFormat::Bytes, spec.model.vocabulary, span)?;
    Ok((spec, text))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let peers = args.peers.as_deref().map(peers::read).transpose().map_err(Failure::input)?;
    // Before anything of a model is there.
    let idle = memory::resident();
    let engine = args.engine.engine();
    let (spec, text) = subject(args.shape.preset()).map_err(Failure::input)?;
    let recompute = args.recompute.kind();
    let mut session = measure::session(&spec, &text, engine, recompute);
    let planned = StepNeed::of_local_step(&spec, recompute)
        + engine.threads as u64 * THREAD_BYTES
        + u64::from(TEXT_BYTES);
    let memory = Memory::of_steps(&mut session, planned, idle);
    let times = measure::steps(&mut session, &spec, engine, args.steps);
    let rows = clock::Rows::measure(&mut session, engine, args.steps.min(5));
    let peak = peak::multiply_adds_a_second(&engine);
    drop(session);
    let backends = measure::backends();
    let report = report::Report {
        preset: args.shape.preset(),
        spec: &spec,
        engine,
        memory,
        times,
        rows,
        peak,
        backends: backends.map_err(Failure::input)?,
        peers,
    };
    report.lines().iter().for_each(|line| eprintln!("{line}"));
    if args.json {
        say!("{}", report.json());
    }
    Ok(Exit::Yes)
}
