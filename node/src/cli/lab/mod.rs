//! `retrace lab`: attacks on the dispute game, played for real on this machine and by nobody else.

mod disputes;
mod forge;
mod griefing;
mod sizes;
mod steady;
mod study;

use super::exit::{Exit, Failure};
use super::print::say;
use clap::Subcommand;

/// Arguments of `retrace lab`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace lab disputes --lies 1000 --seed 7 --json\n\nNothing of it runs in a network, and what is told or played follows from the seed alone. With --json the last line of standard output is one object.\n\nExit status 0: every lie was convicted and nobody honest lost; 1: not, and what failed is named; 2: usage."
)]
pub struct Args {
    #[command(subcommand)]
    attack: Attack,
}

#[derive(Debug, Subcommand)]
enum Attack {
    /// Tell random lies about every op at every place of a step, and convict each at its element
    Disputes(disputes::Args),
    /// Let false challengers, by the thousand, dispute honest work on a ledger
    Griefing(griefing::Args),
    /// Play the published attacks on proof of learning, each by its name
    Forge(forge::Args),
    /// Play the case study of Lu et al. (2023), with the paper's detection beside ours
    CaseStudy(study::Args),
    /// Play one dispute over each of ten ops, from a toy to seven billion parameters: the evidence stays as small
    Sizes(sizes::Args),
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.attack {
        Attack::Disputes(args) => disputes::run(args),
        Attack::Griefing(args) => griefing::run(args),
        Attack::Forge(args) => forge::run(args),
        Attack::CaseStudy(args) => study::run(args),
        Attack::Sizes(args) => sizes::run(args),
    }
}

/// The lab could not go on: an error of its own, and no answer.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the lab cannot go on: {what}")]
#[diagnostic(help("nothing was proved either way; the same seed repeats it"))]
struct LabFailed {
    what: String,
}

/// Turns the lab's own errors into a failure.
fn failed(what: impl std::fmt::Display) -> Failure {
    Failure::work(LabFailed { what: what.to_string() })
}

/// Prints a report as it writes itself.
fn text(report: &impl std::fmt::Display) {
    report.to_string().lines().for_each(|line| say!("{line}"));
}

/// The exit status of what stood or did not.
fn verdict(stood: bool) -> Exit {
    if stood { Exit::Yes } else { Exit::No }
}
