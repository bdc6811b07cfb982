//! Where disputes are looked up: at a node, or in the blocks of a home that no node serves.

use crate::cli::args::near;
use crate::cli::exit::Failure;
use crate::cli::remote::{NodeArg, Place, failed};
use crate::cli::view::{self, Replayed};
use crate::rpc::client::{Client, ClientError};
use crate::rpc::methods::dispute::{self, Dispute};
use crate::rpc::methods::disputes::{self, DisputeHead};
use miette::Diagnostic;
use std::path::PathBuf;

/// Digits of ids that are said to people.
pub const DIGITS: usize = 12;
/// Ids that are offered where one is not known.
const OFFERED: usize = 6;

/// Which disputes.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// First digits of their run.
    pub run: Option<String>,
    /// First digits of the disputed claim.
    pub claim: Option<String>,
    /// Only those that are not decided.
    pub open: bool,
}

impl Filter {
    fn takes(&self, head: &DisputeHead) -> bool {
        let begins = |id: &str, prefix: &Option<String>| prefix.as_ref().is_none_or(|p| id.starts_with(p));
        begins(&head.run, &self.run) && begins(&head.claim, &self.claim) && (head.open || !self.open)
    }
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum SourceError {
    #[error("no dispute begins with {prefix}")]
    #[diagnostic(help("{hint}"))]
    Nothing { prefix: String, hint: String },
    #[error("{count} disputes begin with {prefix}")]
    #[diagnostic(help("type more digits"))]
    Ambiguous { prefix: String, count: usize },
    #[error("{text:?} is no beginning of an id")]
    #[diagnostic(help(
        "ids are lowercase hexadecimal digits; `retrace dispute list` tells those of disputes"
    ))]
    NoId { text: String },
}

/// Where disputes are looked up.
pub enum Source {
    /// A node that answers.
    Node(Client),
    /// The blocks of a home.
    Home(Box<Replayed>, PathBuf),
}

impl Source {
    /// What the arguments name.
    pub fn open(node: &NodeArg) -> Result<Source, Failure> {
        Ok(match node.place()? {
            Place::Node(client) => Source::Node(client),
            Place::Home(path) => Source::Home(Box::new(view::open(&path)?), path),
        })
    }

    /// The disputes that a filter takes, the oldest first.
    pub fn heads(&self, filter: &Filter) -> Result<Vec<DisputeHead>, Failure> {
        let mut heads = match self {
            Source::Node(client) => all(client, filter).map_err(failed)?,
            Source::Home(replayed, _) => disputes::heads(replayed.chain.state()),
        };
        heads.retain(|head| filter.takes(head));
        heads.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
        Ok(heads)
    }

    /// The one dispute whose id begins like this.
    pub fn find(&self, prefix: &str) -> Result<Dispute, Failure> {
        if prefix.is_empty() || !prefix.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Failure::input(SourceError::NoId { text: prefix.into() }));
        }
        let known: Vec<String> = self.heads(&Filter::default())?.into_iter().map(|head| head.id).collect();
        let found: Vec<&String> = known.iter().filter(|id| id.starts_with(prefix)).collect();
        let prefix = prefix.to_string();
        match found[..] {
            [id] => self.one(id),
            [] => {
                let hint = nearest(&prefix, &known);
                Err(Failure::input(SourceError::Nothing { prefix, hint }))
            }
            _ => Err(Failure::input(SourceError::Ambiguous { prefix, count: found.len() })),
        }
    }

    fn one(&self, id: &str) -> Result<Dispute, Failure> {
        let gone = || SourceError::Nothing { prefix: id.into(), hint: "it was there a moment ago".into() };
        match self {
            Source::Node(client) => client.dispute(id).map_err(failed),
            Source::Home(replayed, _) => id
                .parse()
                .ok()
                .and_then(|id| dispute::in_blocks(replayed.chain.state(), &replayed.events, &id))
                .ok_or_else(|| Failure::input(gone())),
        }
    }

    /// The command that computes again what a dispute was decided by; none where no arithmetic decided it.
    pub fn again(&self, dispute: &Dispute) -> Option<String> {
        dispute.finding.as_ref()?;
        match self {
            Source::Node(client) => {
                Some(format!("retrace why {} --rpc {}", short(&dispute.head.id), client.url()))
            }
            // A step has three numbers; other units are judged from the evidence that a node gives.
            Source::Home(_, path) if dispute.head.unit.starts_with("step") => {
                Some(format!("retrace replay --home {} --step {}", path.display(), dispute.at))
            }
            Source::Home(_, path) => Some(format!("retrace replay --home {} --all", path.display())),
        }
    }
}

/// The first digits of an id, for people.
pub fn short(id: &str) -> &str {
    id.get(..DIGITS).unwrap_or(id)
}

fn all(client: &Client, filter: &Filter) -> Result<Vec<DisputeHead>, ClientError> {
    let mut query = String::new();
    if filter.open {
        query.push_str("&open=true");
    }
    // A node filters by whole ids; by their first digits we do.
    for (name, id) in [("run", &filter.run), ("claim", &filter.claim)] {
        if let Some(id) = id.as_ref().filter(|id| id.len() == 64) {
            query.push_str(&format!("&{name}={id}"));
        }
    }
    let (mut heads, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = client.disputes(&query, after.as_deref())?;
        heads.extend(page.disputes);
        after = page.next;
        if after.is_none() {
            return Ok(heads);
        }
    }
}

/// A hint at ids that look like what was typed.
fn nearest(prefix: &str, known: &[String]) -> String {
    let cut: Vec<&str> = known.iter().map(|id| id.get(..prefix.len().max(4)).unwrap_or(id)).collect();
    let hint = near(prefix, &cut);
    match cut.len() {
        0 => "there is no dispute yet; `retrace log --follow` tells when one is opened".into(),
        count if hint.starts_with("there are") && count > OFFERED => {
            format!("`retrace dispute list` tells all {count}")
        }
        _ => hint,
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    /// W-3.1: an id with a wrong digit is met with the right one, few are all told, many are counted.
    #[test]
    fn unknown_ids_are_met_with_known_ones() {
        let ids: Vec<String> = ["0c020b157b", "b7d9ffe00a"].map(str::to_string).to_vec();
        assert_eq!(nearest("0c020b16", &ids), "did you mean 0c020b15?");
        assert_eq!(nearest("5555", &ids), "there are: 0c02, b7d9");
        let many: Vec<String> = (0..9).map(|n| format!("{n}{n}{n}{n}")).collect();
        assert_eq!(nearest("abcd", &many), "`retrace dispute list` tells all 9");
        assert!(nearest("abcd", &[]).starts_with("there is no dispute"));
    }
}
