//! Why a devnet cannot be made, started or stopped.

use super::manifest::ManifestError;
use super::open_run::OpenError;
use crate::config::ConfigError;
use crate::data::CorpusError;
use crate::home::HomeError;
use crate::init::InitError;
use crate::keys::KeystoreError;
use std::io;
use std::path::PathBuf;

/// A devnet that cannot go on.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DevnetError {
    /// Its files.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Home(#[from] HomeError),
    /// Its manifest.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Manifest(#[from] ManifestError),
    /// A home.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Init(#[from] InitError),
    /// A keystore.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Keystore(#[from] KeystoreError),
    /// A configuration.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Config(#[from] ConfigError),
    /// What is trained on.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Corpus(#[from] CorpusError),
    /// The run.
    #[error("the run cannot be opened: {0}")]
    #[diagnostic(transparent)]
    Open(#[from] OpenError),
    /// Nobody takes the run.
    #[error("no node is ready to take the run")]
    #[diagnostic(help("their logs are in the devnet's folder, under logs"))]
    NobodyReady,
    /// No devnet there.
    #[error("{path} is no devnet: it has no devnet.json")]
    #[diagnostic(help("`retrace devnet start --home DIR` makes one in an empty or missing folder"))]
    NoDevnet {
        /// The folder.
        path: PathBuf,
    },
    /// A record of another version.
    #[error("{path} is of format {found}, this build reads format {expected}")]
    #[diagnostic(help("before 1.0 old formats are refused, never migrated: use the build that wrote it"))]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// What this build reads.
        expected: u32,
    },
    /// The folder was made from another manifest.
    #[error("the devnet in {path} was made from another manifest")]
    #[diagnostic(help(
        "network, nodes and run are fixed when it is made, perturbations may change; name a new folder, or clean this one"
    ))]
    OtherManifest {
        /// The folder.
        path: PathBuf,
    },
    /// It runs already.
    #[error("the devnet in {path} runs already, looked after by process {pid}")]
    #[diagnostic(help("stop it with `retrace devnet stop --home {}`", path.display()))]
    Running {
        /// The folder.
        path: PathBuf,
        /// The supervisor, or a node that was left.
        pid: u32,
    },
    /// The lock or stakes overflow.
    #[error("the lock that deters at this audit rate does not fit 64 bits of value")]
    #[diagnostic(help("raise run.audit_rate"))]
    Terms,
    /// No address or port.
    #[error("{name} cannot listen on {ip}: {source}")]
    #[diagnostic(help(
        "all of 127.0.0.0/8 must be this machine's own, as it is on Linux; or set ip in its [[node]]"
    ))]
    Address {
        /// The node.
        name: String,
        /// Its address.
        ip: std::net::Ipv4Addr,
        /// Why not.
        source: io::Error,
    },
    /// A process cannot be started or signaled.
    #[error("{name} cannot be {what}: {source}")]
    #[diagnostic(help("check the limits of processes and memory, such as `ulimit -u`"))]
    Process {
        /// The node.
        name: String,
        /// What was to be done.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A node ended before it was ready.
    #[error("{name} ended before it was ready, {status}:\n{tail}")]
    #[diagnostic(help("the whole log is {}", log.display()))]
    Died {
        /// The node.
        name: String,
        /// How.
        status: String,
        /// Last lines of its log.
        tail: String,
        /// Its log.
        log: PathBuf,
    },
    /// A node is not ready in time.
    #[error("{name} is not ready after {seconds} s:\n{tail}")]
    #[diagnostic(help("the whole log is {}; on a busy machine start again: the same homes resume", log.display()))]
    NotReady {
        /// The node.
        name: String,
        /// How long was waited.
        seconds: u64,
        /// Last lines of its log.
        tail: String,
        /// Its log.
        log: PathBuf,
    },
}
