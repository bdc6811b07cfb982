//! One thing of a network, as a node tells it.

use super::What;
use crate::cli::exit::Failure;
use crate::cli::remote::failed;
use crate::cli::runs;
use crate::rpc::client::Client;
use miette::Diagnostic;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug, thiserror::Error, Diagnostic)]
enum OnlineError {
    #[error("which {what}?")]
    #[diagnostic(help("{hint}"))]
    NoId { what: String, hint: String },
    #[error("{text:?} is no number")]
    #[diagnostic(help(
        "blocks and rounds go by number: `retrace show block 12`, `retrace show round RUN 0`"
    ))]
    NoNumber { text: String },
    #[error("nothing of kind {kind} begins with {prefix}")]
    #[diagnostic(help("`retrace runs`, `retrace log` and `retrace status` tell ids"))]
    Nothing { kind: String, prefix: String },
    #[error("{count} things of kind {kind} begin with {prefix}")]
    #[diagnostic(help("type more digits"))]
    Ambiguous { kind: String, prefix: String, count: usize },
    #[error("the network has {count} runs")]
    #[diagnostic(help("`retrace runs` lists them; then `retrace show run ID`"))]
    Runs { count: usize },
}

/// The thing that was asked for.
pub fn thing(client: &Client, what: What, id: &[String]) -> Result<Value, Failure> {
    let first = id.first().ok_or_else(|| no_id(what))?;
    match what {
        What::Run => whole(client.run(&full(client, "run", first)?)),
        What::Account => {
            let key = full(client, "account", first)?;
            whole(client.get::<Value>(&format!("/v1/accounts/{key}")))
        }
        What::Dispute => whole(client.dispute(&full(client, "dispute", first)?)),
        What::Commitment => {
            let id = full(client, "claim", first)?;
            let claim = client.commitment(&id).map_err(failed)?;
            let verdicts = client.verdicts(&id).map_err(failed)?;
            Ok(json!({ "commitment": claim, "units": verdicts.units }))
        }
        What::Block => whole(client.block(number(first)?)),
        What::Round => {
            let round = id.get(1).ok_or_else(|| no_id(what))?;
            let round = u32::try_from(number(round)?).unwrap_or(u32::MAX);
            whole(client.round(&full(client, "run", first)?, round))
        }
    }
}

/// The network's run, if there is one and only one.
pub fn only_run(client: &Client) -> Result<Value, Failure> {
    let all = runs::all(client).map_err(failed)?;
    let [one] = &all[..] else { return Err(Failure::input(OnlineError::Runs { count: all.len() })) };
    let run = client.run(&one.id).map_err(failed)?;
    let rounds = (0..=one.round).filter_map(|n| client.round(&one.id, n).ok());
    Ok(json!({ "run": run, "rounds": rounds.collect::<Vec<_>>() }))
}

fn whole<T: Serialize>(found: Result<T, crate::rpc::client::ClientError>) -> Result<Value, Failure> {
    Ok(json!(found.map_err(failed)?))
}

fn no_id(what: What) -> Failure {
    let (what, hint) = match what {
        What::Run => ("run", "`retrace runs` lists them"),
        What::Round => ("round", "name the run and the round's number: `retrace show round 3f2a 0`"),
        What::Commitment => ("commitment", "`retrace show round RUN 0` lists those of a round"),
        What::Dispute => ("dispute", "`retrace dispute list` tells of them"),
        What::Account => ("account", "`retrace status` lists the validators' accounts"),
        What::Block => ("block", "name its height: `retrace show block 12`"),
    };
    Failure::input(OnlineError::NoId { what: what.into(), hint: hint.into() })
}

fn number(text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| Failure::input(OnlineError::NoNumber { text: text.into() }))
}

/// The whole id of what begins like this.
pub fn full(client: &Client, kind: &str, prefix: &str) -> Result<String, Failure> {
    if prefix.len() == 64 {
        return Ok(prefix.into());
    }
    let found = client.find(prefix).map_err(failed)?.found;
    let ids: Vec<String> =
        found.into_iter().filter(|thing| thing.kind == kind).map(|thing| thing.id).collect();
    let (kind, prefix) = (kind.to_string(), prefix.to_string());
    match ids.len() {
        0 => Err(Failure::input(OnlineError::Nothing { kind, prefix })),
        1 => Ok(ids.into_iter().next().unwrap_or_default()),
        count => Err(Failure::input(OnlineError::Ambiguous { kind, prefix, count })),
    }
}
