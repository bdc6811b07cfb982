//! Manifests that no devnet can be made from.

use crate::config::{TableError, role_name};
use crate::home::HomeError;
use retrace_ledger::{Role, Span};
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// What is wrong with a manifest.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Home(#[from] HomeError),
    /// The file is no text.
    #[error("{path} is not UTF-8 text")]
    #[diagnostic(help("a manifest is TOML; `retrace devnet manifest` prints one to begin with"))]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A key or a value.
    #[error("{0}")]
    #[diagnostic(help("{}", .0.hint()))]
    Table(#[from] TableError),
    /// Nobody agrees on blocks.
    #[error("there is no validator")]
    #[diagnostic(help("add [[node]] with role = \"validator\"; four of them go on with one down"))]
    NoValidator,
    /// A run needs more of a role.
    #[error("{found} nodes are {}, {needed} are needed", role_name(*role))]
    #[diagnostic(help(
        "add [[node]] tables of that role, lower run.verdicts, or say open = false under [run]"
    ))]
    TooFew {
        /// Which.
        role: Role,
        /// How many there are.
        found: usize,
        /// How many the run needs.
        needed: usize,
    },
    /// Too many nodes.
    #[error("{found} nodes, at most {most} fit on one machine")]
    #[diagnostic(help("lower the counts"))]
    TooMany {
        /// How many.
        found: usize,
        /// Most.
        most: usize,
    },
    /// A name twice.
    #[error("two nodes are called {name}")]
    #[diagnostic(help("nodes without a name are numbered by role; give each name once"))]
    NameTwice {
        /// The name.
        name: String,
    },
    /// An address twice.
    #[error("two nodes have address {ip}")]
    #[diagnostic(help("leave ip out: every node gets an address of its own"))]
    AddressTwice {
        /// The address.
        ip: Ipv4Addr,
    },
    /// A verifier's strategy of somebody who does not verify.
    #[error("{name} does not verify, and its strategy is a verifier's")]
    #[diagnostic(help("move the strategy to a verifier"))]
    NoVerifier {
        /// The node.
        name: String,
    },
    /// A trainer's strategy of somebody who does not train.
    #[error("{name} does not train, and its strategy is a trainer's")]
    #[diagnostic(help("move the strategy to a trainer"))]
    NoTrainer {
        /// The node.
        name: String,
    },
    /// Stake is free before all that it stands for is decided.
    #[error("stake unbonds in {} heights and {} ms, this run needs {} and {}", found.heights, found.ms, needed.heights, needed.ms)]
    #[diagnostic(help(
        "raise network.unbond, or shorten run.verdict, run.move and network.breaker: it must last a window, five clocks and a breaker"
    ))]
    Unbond {
        /// What the network says.
        found: Span,
        /// What the run needs.
        needed: Span,
    },
    /// Not exactly one time.
    #[error("{key}: one of at, at_height and at_round must be there, and only one")]
    #[diagnostic(help(
        "at = \"10s\" counts from when the run is open; at_height and at_round follow the ledger"
    ))]
    When {
        /// Which perturbation.
        key: String,
    },
    /// A duration of something that has none.
    #[error("{key}: {action} has no end")]
    #[diagnostic(help(
        "kill, stop and pause take `for`; say what ends the others with a perturbation of its own"
    ))]
    Endless {
        /// The key.
        key: String,
        /// The action.
        action: &'static str,
    },
}
