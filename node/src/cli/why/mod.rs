//! `retrace why`: a slash, a dispute or an account's slashes explain themselves, and the evidence is judged here again.

mod case;
mod rejudge;
mod say;

use super::exit::{Exit, Failure};
use super::print::say as tell;
use super::remote::{NodeArg, failed};
use crate::rpc::client::{Client, ClientError};
use crate::rpc::methods::rewards::ChangeWords;
use case::{Case, of_dispute, of_slash};
use miette::Diagnostic;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `retrace why`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace why 120.3 --rpc http://127.0.0.1:4180\n  retrace why 3f2a --home ./devnet --save bundle.bin\n\nExit status: 0 every reason given holds here too, 1 one does not, 2 there is no such thing."
)]
pub struct Args {
    /// A slash (height.position, as `retrace rewards --explain` prints it), a dispute or an account; first digits do
    #[arg(value_name = "SLASH|DISPUTE|ACCOUNT")]
    what: String,
    #[command(flatten)]
    node: NodeArg,
    /// Write the evidence to this file, for `retrace evidence verify` and the Python judge
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum WhyError {
    #[error("no slash, dispute or account begins with {what}")]
    #[diagnostic(help(
        "`retrace log | grep SLASHED` tells of slashes, `retrace rewards ACCOUNT --explain` names them"
    ))]
    Nothing { what: String },
    #[error("{count} things begin with {what}")]
    #[diagnostic(help("type more digits"))]
    Ambiguous { what: String, count: usize },
    #[error("account {key} was never slashed")]
    #[diagnostic(help("`retrace rewards {key} --explain` lists what it was paid"))]
    Spotless { key: String },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let client = args.node.client()?;
    let cases = cases(&client, &args.what)?;
    if let (Some(path), Some(bytes)) = (&args.save, cases.iter().find_map(|case| case.bundle.as_ref())) {
        crate::home::write_whole(path, bytes).map_err(Failure::input)?;
    }
    if args.json {
        let list: Vec<_> = cases.iter().map(|case| say::as_json(case, client.url())).collect();
        tell!("{}", json!({ "reasons": list }));
    } else {
        cases.iter().for_each(|case| say::print(case, client.url(), args.save.as_deref()));
    }
    let all_hold = cases.iter().all(|case| case.verdict.as_ref().is_none_or(|verdict| verdict.holds()));
    Ok(if all_hold { Exit::Yes } else { Exit::No })
}

fn cases(client: &Client, what: &str) -> Result<Vec<Case>, Failure> {
    if what.contains('.') {
        let slash = client.slash(what).map_err(failed)?;
        return Ok(vec![of_slash(client, slash).map_err(failed)?]);
    }
    let found = client.find(what).map_err(failed)?.found;
    let found: Vec<_> =
        found.into_iter().filter(|thing| ["account", "dispute"].contains(&&*thing.kind)).collect();
    match &found[..] {
        [] => Err(Failure::input(WhyError::Nothing { what: what.into() })),
        [one] if one.kind == "dispute" => Ok(vec![of_dispute(client, &one.id).map_err(failed)?]),
        [one] => of_account(client, &one.id),
        more => Err(Failure::input(WhyError::Ambiguous { what: what.into(), count: more.len() })),
    }
}

fn of_account(client: &Client, key: &str) -> Result<Vec<Case>, Failure> {
    let changes = super::rewards::whole(client, key).map_err(failed)?.of.changes;
    let slashes: Vec<ChangeWords> = changes.into_iter().filter(|change| change.kind == "slash").collect();
    let deferred = deferred(client, key).map_err(failed)?;
    if slashes.is_empty() && deferred.is_empty() {
        return Err(Failure::input(WhyError::Spotless { key: key.into() }));
    }
    let cases = slashes.into_iter().map(|slash| of_slash(client, slash));
    let cases = cases.chain(deferred.iter().map(|dispute| of_dispute(client, dispute)));
    cases.collect::<Result<_, _>>().map_err(failed)
}

/// Disputes for which a slash of an account is due and waits.
fn deferred(client: &Client, key: &str) -> Result<Vec<String>, ClientError> {
    let mut found = Vec::new();
    for head in super::runs::all(client)?.iter().filter(|head| head.breaker_on) {
        let breaker = client.run(&head.id)?.breaker;
        let pending = breaker.into_iter().flat_map(|breaker| breaker.pending);
        found.extend(pending.filter(|slash| slash.account == key).map(|slash| slash.dispute));
    }
    Ok(found)
}
