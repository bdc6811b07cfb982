//! `retrace doctor`: what a role will need of this machine, before it starts.

use super::args::EngineArgs;
use super::exit::{Exit, Failure};
use super::print::say;
use crate::config::{Config, ROLES, near, role_named};
use crate::devnet::{Preset, RunPlan};
use crate::doctor::{Question, forecast};
use crate::train::spec_named;
use retrace_ledger::Role;
use std::path::PathBuf;

/// Arguments of `retrace doctor`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace doctor --role trainer --preset small\n  retrace doctor --run gpt-small\n\nExit status 0: nothing to mind; 1: read the warnings. `retrace selftest` checks that the bits are right."
)]
pub struct Args {
    /// Where the home is or will be
    #[arg(long, env = "RETRACE_HOME", value_name = "DIR", default_value = ".")]
    home: PathBuf,
    /// validator, trainer or verifier; may be given more than once; those of the home's config.toml if left out
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Vec<Role>,
    /// Forecast for a run of this size
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Forecast a step's peak memory: a model of `retrace train`, a checkpoint, or a file with a run specification
    #[arg(long, value_name = "SPEC")]
    run: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

fn role(name: &str) -> Result<Role, String> {
    role_named(name).ok_or_else(|| near(name, &ROLES.map(|(_, name)| name)))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let has_config = args.home.join(crate::config::CONFIG_FILE).exists();
    let config =
        if has_config { Config::load(&args.home).map_err(Failure::input)? } else { Config::default() };
    let roles = if args.role.is_empty() { config.node.roles.clone() } else { args.role.clone() };
    let plan = args.preset.map(|preset| RunPlan { preset, ..RunPlan::default() });
    let terms = plan.and_then(|plan| plan.terms([0; 32], Vec::new()));
    let spec = args.run.as_deref().map(spec_named).transpose().map_err(Failure::input)?;
    let forecast = forecast(&Question {
        home: &args.home,
        roles: &roles,
        storage_mib: config.storage.cache_mib + config.storage.write_buffer_mib,
        engine: args.engine.engine(),
        run: terms.as_ref(),
        step: spec.as_ref(),
    });
    if args.json {
        say!("{}", serde_json::to_string(&forecast).unwrap_or_default());
    } else {
        forecast.lines().iter().for_each(|line| say!("{line}"));
    }
    Ok(if forecast.warnings.is_empty() { Exit::Yes } else { Exit::No })
}
