//! `retrace demo`: the main job, from an empty folder to a re-judgeable conviction.

use super::args::{EngineArgs, near};
use super::exit::{Exit, Failure};
use super::print::say;
use super::terminal::Terminal;
use crate::data::{Corpus, dictionary, from_paths};
use crate::demo::{self, Liar, Outcome, PEERS, Plan, Preset, SetupError};
use crate::home::Home;
use crate::strategy::{STRATEGIES, Strategy, UnknownStrategy};
use retrace_ledger::Role;
use retrace_verifier::PPM;
use std::path::PathBuf;

/// Arguments of `retrace demo`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace demo\n  retrace demo --in-process --seed 7 --liar trainer-2:wrong-rate --home /tmp/my-run --json\n\nStrategies: poisoned-gradient, stale-step, wrong-delta, wrong-batch, wrong-rate, false-loss, wrong-base, two-traces.\nTrainers: trainer-1, trainer-2, trainer-3. Everything stays on this machine."
)]
pub struct Args {
    /// Seeds keys and initial parameters; the network's id and its draws also depend on the time of the start
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// A new folder for blocks, blobs and evidence; one in the temporary folder if left out
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Text files or folders to train on, instead of the dictionary
    #[arg(long, value_name = "PATH", num_args = 1..)]
    data: Vec<PathBuf>,
    /// Which trainer lies, and how
    #[arg(long, value_name = "NAME:STRATEGY", default_value = "trainer-2:poisoned-gradient")]
    liar: String,
    /// Nobody lies
    #[arg(long, conflicts_with = "liar")]
    honest: bool,
    /// Share of the steps that verifiers replay, 0 to 1
    #[arg(long, default_value_t = 0.25, value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    audit_rate: f64,
    /// Size of the model
    #[arg(long, value_enum, default_value_t = Preset::Small)]
    preset: Preset,
    /// Rounds of the run
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Steps of each segment, H
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(4..=1024))]
    steps: u32,
    /// Everybody in one process, with a ledger of one validator: smaller, and without a network
    #[arg(long)]
    in_process: bool,
    #[command(flatten)]
    engine: EngineArgs,
    /// Print one JSON object as the last line of standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_string())?;
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err("not between 0 and 1".into()) }
}

fn liar(text: &str) -> Result<Liar, SetupError> {
    let trainers = STRATEGIES.iter().filter(|(strategy, ..)| strategy.role() == Role::Trainer);
    let strategies: Vec<&str> = trainers.map(|(_, name, _)| *name).collect();
    let (name, strategy) = text.split_once(':').unwrap_or((text, "poisoned-gradient"));
    if !PEERS.contains(&name) {
        return Err(SetupError::NoSuchPeer { name: name.into(), hint: near(name, &PEERS) });
    }
    let unknown = |source| SetupError::NoSuchStrategy { source, hint: near(strategy, &strategies) };
    let found: Strategy = strategy.parse().map_err(unknown)?;
    if found.role() != Role::Trainer {
        return Err(unknown(UnknownStrategy { name: strategy.into() }));
    }
    Ok(Liar { name: name.into(), strategy: found })
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let liar = if args.honest { None } else { Some(liar(&args.liar).map_err(Failure::input)?) };
    let corpus = corpus(&args.data)?;
    let plan = Plan {
        seed: args.seed,
        home: args.home.clone().unwrap_or_else(fresh_home),
        liar,
        audit_rate_ppm: (args.audit_rate * f64::from(PPM)).round() as u32,
        preset: args.preset,
        rounds: args.rounds,
        steps: args.steps,
        engine: args.engine.engine(),
    };
    Home::check_free(&plan.home).map_err(Failure::input)?;
    introduce(&plan, &corpus, args.in_process);
    let mut terminal = Terminal::new();
    let outcome = match args.in_process {
        true => demo::run(&plan, corpus, &mut terminal),
        false => demo::run_processes(&plan, corpus, &mut terminal),
    };
    drop(terminal);
    let outcome = outcome.map_err(|error| match error {
        SetupError::Home(_) | SetupError::NoSuchPeer { .. } | SetupError::Terms => Failure::input(error),
        other => Failure::work(other),
    })?;
    if args.json {
        say!("{}", serde_json::to_string(&outcome).unwrap_or_default());
    } else {
        summarize(&outcome);
    }
    let agree = outcome.network_of.as_ref().is_none_or(|network| network.validators_agree);
    Ok(if agree { Exit::Yes } else { Exit::No })
}

fn corpus(paths: &[PathBuf]) -> Result<Corpus, Failure> {
    if paths.is_empty() { dictionary() } else { from_paths(paths) }.map_err(Failure::input)
}

/// A folder that is nobody's yet.
fn fresh_home() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("retrace-demo-").tempdir();
    folder.map_or_else(|_| PathBuf::from("retrace-demo"), tempfile::TempDir::keep)
}

fn introduce(plan: &Plan, corpus: &Corpus, in_process: bool) {
    let spec = plan.spec();
    let form = match in_process {
        true => "one process, a ledger of one validator, roles on threads",
        false => "4 validators, 3 trainers, 2 verifiers and an observer, each a process or a node of its own",
    };
    eprintln!("retrace demo: {form}");
    eprintln!("  text     {} ({} bytes, 64 KiB held out)", corpus.source, corpus.training_bytes());
    eprintln!(
        "  run      {} rounds, {} slots, {} steps a segment, {} tokens a step, {} backend",
        spec.rounds,
        spec.slots,
        spec.steps,
        spec.tokens_per_step(),
        plan.engine.backend
    );
    match &plan.liar {
        Some(liar) => eprintln!("  liar     {} by {}", liar.name, liar.strategy),
        None => eprintln!("  liar     nobody"),
    }
    eprintln!("  audits   {:.3} % of steps, every delta, loss and merge", plan.audit_rate_ppm as f64 / 1e4);
    eprintln!("  home     {}", plan.home.display());
}

fn summarize(o: &Outcome) {
    say!("\nfinished in {:.1} s at height {}", o.seconds, o.height);
    say!(
        "loss       {:.3} -> {:.3} bits/byte on 64 KiB held out (that text's unigram entropy: {:.3})",
        o.loss_first,
        o.loss_last,
        o.unigram_bits_per_byte
    );
    say!("work       {} segments, {} steps, {} tokens", o.commitments, o.steps, o.tokens);
    say!("audits     {} match, {} mismatch", o.audits.matches, o.audits.mismatch);
    say!("escape     one wrong step goes unseen with probability {:.4}", o.escape_probability);
    for d in &o.disputes {
        summarize_dispute(d);
    }
    for s in &o.slashed {
        let burned = s.amount - s.bounty;
        let to = s.bounty_to.as_deref().unwrap_or("nobody");
        say!("slashed    {} lost {} ({}): {} to {to}, {burned} burned", s.peer, s.amount, s.reason, s.bounty);
    }
    for (peer, amount) in &o.rewards {
        say!("paid       {peer} got {amount}");
    }
    if let Some(network) = &o.network_of {
        let heights: Vec<u64> = network.heights.values().copied().collect();
        let (low, high) = (heights.iter().min().unwrap_or(&0), heights.iter().max().unwrap_or(&0));
        let verdict = if network.validators_agree { "agree on every block" } else { "DO NOT AGREE" };
        say!(
            "network    {} processes at heights {low} to {high}; the validators {verdict}",
            network.processes.len()
        );
    }
    say!("checkpoint {}", o.checkpoint_root);
    say!("home       {}", o.home);
    match &o.evidence_file {
        Some(file) => {
            // The binary as it was started: whoever ran `make demo` has no `retrace` on the path.
            let binary = std::env::current_exe().map_or("retrace".into(), |path| path.display().to_string());
            say!("evidence   {file}\nre-judge   {binary} evidence verify {file}");
            say!("           python3 specs/judge/judge.py {file}");
        }
        None => say!("evidence   none: nobody was convicted"),
    }
}

fn summarize_dispute(d: &crate::demo::DisputeReport) {
    let slot = d.slot.map_or(String::new(), |slot| format!("{slot}."));
    let step = d.step.as_str().map_or_else(|| d.step.to_string(), str::to_string);
    let ending = match &d.overtaken_by {
        Some(_) => "settled by the other dispute".to_string(),
        None => format!("won by the {}", d.winner),
    };
    say!("dispute    {} against {}: {ending}", d.challenger, d.accused);
    say!("           at {}.{slot}{step}, {} moves, {} bytes in all", d.round, d.moves, d.posted_bytes);
    let (Some(op), Some(tensor), Some(index)) = (&d.op, &d.tensor, &d.index) else { return };
    let link = d.link.map_or(String::new(), |link| format!(", link {link} of its chain"));
    say!("           {op} in {tensor}, element {index:?}{link}");
    say!(
        "           claimed {}, right {}, {} ULP apart; judged in {} us from {} bytes",
        d.claimed_bits.as_deref().unwrap_or("-"),
        d.right_bits.as_deref().unwrap_or("-"),
        d.ulp_distance.map_or("NaN:".into(), |ulp| ulp.to_string()),
        d.judge_us.unwrap_or_default(),
        d.evidence_bytes
    );
}
