//! Where breakers are looked up: at a node, or in the blocks of a home that no node serves.

use crate::cli::exit::Failure;
use crate::cli::remote::{NodeArg, Place, failed};
use crate::cli::show::full;
use crate::cli::{runs, view};
use crate::rpc::client::{Client, ClientError};
use crate::rpc::methods::amnesties::{RunBreaker, run_breaker};
use miette::Diagnostic;

#[derive(Debug, thiserror::Error, Diagnostic)]
enum SourceError {
    #[error("no run begins with {prefix}")]
    #[diagnostic(help("`retrace breaker list` and `retrace runs` tell ids"))]
    Nothing { prefix: String },
    #[error("{count} runs begin with {prefix}")]
    #[diagnostic(help("type more digits"))]
    Ambiguous { prefix: String, count: usize },
}

/// The breakers of all runs, whether they ever went on or not.
pub fn all(node: &NodeArg) -> Result<Vec<RunBreaker>, Failure> {
    match node.place()? {
        Place::Node(client) => {
            let heads = runs::all(&client).map_err(failed)?;
            let all = heads.iter().map(|head| whole(&client, &head.id));
            all.collect::<Result<_, _>>().map_err(failed)
        }
        Place::Home(path) => {
            let replayed = view::open(&path)?;
            let state = replayed.chain.state();
            Ok(state.runs().filter_map(|(id, _)| run_breaker(state, &id, None, usize::MAX)).collect())
        }
    }
}

/// The breaker of the one run whose id begins like this.
pub fn one(node: &NodeArg, prefix: &str) -> Result<RunBreaker, Failure> {
    if let Place::Node(client) = node.place()? {
        return whole(&client, &full(&client, "run", prefix)?).map_err(failed);
    }
    let mut found: Vec<RunBreaker> = all(node)?;
    found.retain(|breaker| breaker.run.starts_with(prefix));
    let (count, prefix) = (found.len(), prefix.to_string());
    match found.pop() {
        Some(breaker) if count == 1 => Ok(breaker),
        Some(_) => Err(Failure::input(SourceError::Ambiguous { prefix, count })),
        None => Err(Failure::input(SourceError::Nothing { prefix })),
    }
}

/// A node's word on a run's breaker, with all its slashes.
pub fn whole(client: &Client, run: &str) -> Result<RunBreaker, ClientError> {
    let mut breaker = client.breaker(run, None)?;
    while let Some(after) = breaker.next {
        let page = client.breaker(run, Some(after))?;
        breaker.slashes.extend(page.slashes);
        breaker.next = page.next.filter(|next| *next > after);
    }
    Ok(breaker)
}
