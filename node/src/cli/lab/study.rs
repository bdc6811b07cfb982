//! `retrace lab case-study`: the case study of Lu et al. (arXiv 2312.00843), the paper's detection beside ours (V-4.9).

use super::super::exit::{Exit, Failure};
use super::super::print::say;
use super::steady::Steady;
use super::{failed, text, verdict};
use retrace_verifier::lab::{Studied, case_study};
use serde_json::json;

/// Arguments of `retrace lab case-study`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace lab case-study\n\nSix stages, of which one or two adjacent ones multiply what they pass on by -1 or replace it by noise, forward or backward. The paper's column is what its detection makes of it, per the paper."
)]
pub struct Args {
    /// JSON lines on standard output, the counts last
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut steady = Steady::new("rows played", None);
    let study = case_study(&mut |done| steady.at(done)).map_err(failed)?;
    drop(steady);
    if args.json {
        study.rows.iter().for_each(row);
        let attributed = study.rows.iter().filter(|row| row.attributed).count();
        say!("{}", json!({ "rows": study.rows.len(), "attributed": attributed }));
    } else {
        text(&study);
    }
    Ok(verdict(study.stood()))
}

fn row(row: &Studied) {
    say!(
        "{}",
        json!({
            "what": row.stage.to_string(),
            "stages": row.stages,
            "does": row.does,
            "per_the_paper": row.paper,
            "here": row.ours(),
            "label": row.label,
            "judging_bytes": row.judging_bytes,
            "attributed": row.attributed,
        })
    );
}
