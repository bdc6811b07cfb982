//! `retrace train`: training on this machine alone, with the engine that a network's trainers use.

mod bar;
mod job;

use super::args::{RecomputeArg, WholeMachine};
use super::exit::{Exit, Failure};
use super::print::say;
use crate::devnet::Interrupts;
use crate::train::{Job, Outcome, Pace, TrainError, run as train};
use bar::Bar;
use miette::Diagnostic;
use std::path::PathBuf;

/// Arguments of `retrace train`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace train --local --model gpt-small --data book.txt --steps 2000 --out ./book\n  retrace train --local --resume ./book\n  retrace train --local --model ./gpt2 --data ids.bin --steps 500 --eval-every 50\n\nModels: gpt-small (6 layers, width 256, 8 heads, context 256, batch 8: 4.9 M parameters), gpt-wide (2 layers, width 768, 12 heads, batch 4: 14.8 M), llama-small (6 layers, width 256, 8 heads over 4 of keys and values), and gpt-tiny, llama-tiny, mlp-tiny, which take seconds; or a folder in Hugging Face's layout with a GPT-2 or a Llama.\n\nThe file is trained on as bytes; for a model with more than 256 token ids it holds little-endian ids, 2 bytes each, or 4 above 65,536. Its last twentieth is held out. The checkpoint is a folder that transformers loads, and --resume. Backend and threads change no bit of it, nor does an interruption. Ctrl-C saves and stops."
)]
pub struct Args {
    /// Train here, without any network; to train for a network, `retrace start --role trainer`
    #[arg(long)]
    local: bool,
    /// A preset, or a folder with config.json and model.safetensors to go on from
    #[arg(long, value_name = "NAME|DIR", required_unless_present = "resume")]
    model: Option<String>,
    /// What to train on; with --resume, where the same file is now
    #[arg(long, value_name = "FILE", required_unless_present = "resume")]
    data: Option<PathBuf>,
    /// How the file holds token ids, where that does not follow from the model
    #[arg(long, value_enum, value_name = "FORMAT")]
    ids: Option<Ids>,
    /// Steps of the run: a warm-up, then half a cosine down to a tenth of the learning rate
    #[arg(long, value_name = "N", required_unless_present = "resume", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    steps: Option<u32>,
    /// A new folder for the checkpoint; one named after the model if left out, the resumed one with --resume
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on from a checkpoint: model, steps, seed, batch and learning rate are its own
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model", "steps", "seed", "batch", "learning_rate", "ids"])]
    resume: Option<PathBuf>,
    /// Seeds initial parameters and the order of the data
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Sequences of a step, instead of the preset's
    #[arg(long, value_name = "B", value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: Option<u32>,
    /// Peak learning rate, instead of the preset's
    #[arg(long, value_name = "RATE", value_parser = rate)]
    learning_rate: Option<f32>,
    /// Steps between two looks at the held-out loss; only at the end if left out
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    eval_every: Option<u32>,
    /// Steps between two checkpoints, the last of which is kept; 0 for none before the end
    #[arg(long, default_value_t = 500, value_name = "K")]
    save_every: u32,
    /// Save and stop after this step of the run, to go on later with --resume
    #[arg(long, value_name = "STEP", value_parser = clap::value_parser!(u32).range(1..))]
    stop_after: Option<u32>,
    #[command(flatten)]
    recompute: RecomputeArg,
    #[command(flatten)]
    engine: WholeMachine,
    /// Print one JSON object as the last line of standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

/// How a file holds token ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Ids {
    /// A byte is an id
    Bytes,
    /// Two bytes, little-endian
    U16,
    /// Four bytes, little-endian
    U32,
}

/// What this command does not do.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Refused {
    #[error("`retrace train` trains on this machine alone, and only where --local says so")]
    #[diagnostic(help(
        "add --local; to train for a network, make a home with `retrace init --role trainer` and run \
         `retrace start --role trainer`"
    ))]
    NotLocal,
    #[error("signals cannot be heard: {0}")]
    #[diagnostic(help("without them a run could not be stopped and saved"))]
    Signals(std::io::Error),
}

fn rate(text: &str) -> Result<f32, String> {
    let rate: f32 = text.parse().map_err(|_| "not a number".to_string())?;
    if rate > 0.0 && rate <= 1.0 { Ok(rate) } else { Err("not above 0 and at most 1".into()) }
}

/// Failures of the input are usage, those of the run are not.
fn failure(error: TrainError) -> Failure {
    match error {
        TrainError::Diverged { .. } | TrainError::Unwritable { .. } => Failure::work(error),
        other => Failure::input(other),
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    if !args.local {
        return Err(Failure::input(Refused::NotLocal));
    }
    let engine = args.engine.engine();
    let job = job::job(args).map_err(failure)?;
    let interrupts = Interrupts::listen().map_err(|source| Failure::work(Refused::Signals(source)))?;
    introduce(&job, args);
    let save_every = Some(args.save_every).filter(|every| *every > 0);
    let pace = Pace { evaluate_every: args.eval_every, save_every, stop_after: args.stop_after };
    let mut bar = Bar::new(&job, &interrupts);
    let outcome = train(job, engine, args.recompute.kind(), pace, &mut bar);
    drop(bar);
    let outcome = outcome.map_err(failure)?;
    summarize(&outcome);
    if args.json {
        say!("{}", serde_json::to_string(&outcome).unwrap_or_default());
    }
    let as_asked = outcome.finished || args.stop_after == Some(outcome.step);
    Ok(if as_asked { Exit::Yes } else { Exit::No })
}

fn introduce(job: &Job, args: &Args) {
    let engine = args.engine.engine();
    let (spec, text) = (&job.spec, &job.text);
    eprintln!("retrace train: {}, {} parameters", job.name(), job.parameters());
    eprintln!(
        "  data     {} ({} {}s to train on, {} held out)",
        text.path.display(),
        text.training(),
        text.unit(),
        text.held_out()
    );
    eprintln!(
        "  run      {} steps of {} tokens, learning rate {:e} after {} steps",
        spec.steps,
        spec.tokens_per_step(),
        f32::from_bits(spec.schedule.peak.0),
        spec.schedule.warmup_steps
    );
    if job.step() > 0 {
        eprintln!("  resumed  after step {}", job.step());
    }
    eprintln!("  engine   {} backend, {} thread(s)", engine.backend, engine.threads);
    eprintln!("  out      {}", job.out.display());
}

/// What it came to: on standard error with `--json`, so that standard output has one line.
fn summarize(o: &Outcome) {
    let unit = o.unit;
    if o.finished {
        eprintln!("finished after {:.1} s of steps, {:.0} {unit}s/s", o.seconds, o.tokens_per_second);
    } else {
        eprintln!("stopped after step {} of {}; the checkpoint is whole", o.step, o.steps);
    }
    if let (Some(first), Some(last)) = (o.loss_first, o.loss_last) {
        eprintln!("loss       {first:.3} -> {last:.3} bits/{unit}");
    }
    if let (Some(held_out), Some(unigram)) = (o.held_out_bits, o.unigram_bits) {
        eprintln!(
            "held out   {held_out:.3} bits/{unit} on {} {unit}s (their unigram entropy: {unigram:.3})",
            o.held_out_tokens
        );
    } else if o.finished {
        eprintln!("held out   nothing: the file is short");
    }
    eprintln!("checkpoint {}", o.checkpoint.display());
    eprintln!("weights    BLAKE3 {} (model.safetensors)", o.weights_blake3);
    eprintln!("state      {}", o.state_root);
    if !o.finished {
        eprintln!("go on      retrace train --local --resume {}", o.checkpoint.display());
    }
}
