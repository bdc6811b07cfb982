//! A node as everybody sees it: its place in `devnet.json`, its interface, its log.

use crate::http::{self, Answer};
use serde_json::Value;
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its account, in hexadecimal digits.
    pub account: String,
    /// Its home.
    pub home: PathBuf,
    /// Where its log is.
    pub log: PathBuf,
    /// Where its interface listens.
    pub rpc: SocketAddr,
    /// Its address in the public swarm, with its name there.
    pub swarm: String,
    /// Its address among the validators.
    pub consensus: Option<String>,
    /// Process id, while it runs.
    pub pid: Option<u32>,
    roles: Vec<String>,
}

impl Node {
    /// A node of `devnet.json`.
    #[track_caller]
    pub fn read(said: &Value) -> Node {
        let text = |key: &str| {
            said[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {said}")).to_string()
        };
        let roles = said["roles"].as_array().expect("a list of roles").iter();
        Node {
            name: text("name"),
            account: text("account"),
            home: text("home").into(),
            log: text("log").into(),
            rpc: text("rpc").trim_start_matches("http://").parse().expect("an address with a port"),
            swarm: text("swarm"),
            consensus: said["consensus"].as_str().map(String::from),
            pid: said["pid"].as_u64().and_then(|pid| pid.try_into().ok()),
            roles: roles.filter_map(|role| role.as_str().map(String::from)).collect(),
        }
    }

    /// True where it has this role.
    pub fn is(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// URL of its interface.
    pub fn url(&self) -> String {
        format!("http://{}", self.rpc)
    }

    /// What it answers, if it does, with success.
    pub fn ask(&self, path: &str) -> Option<Value> {
        let answer = http::get(self.rpc, path).ok().filter(|answer| answer.status == 200)?;
        Some(answer.json())
    }

    /// What it answers.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let answer = http::get(self.rpc, path);
        let answer = answer.unwrap_or_else(|error| panic!("{} does not answer {path}: {error}", self.name));
        assert_eq!(answer.status, 200, "{} {path}: {}", self.name, answer.text());
        answer.json()
    }

    /// Submits the bytes of a transaction.
    pub fn submit(&self, bytes: &[u8]) -> io::Result<Answer> {
        http::post(self.rpc, "/v1/transactions", bytes)
    }

    /// Height of its last block; none while it does not answer.
    pub fn height(&self) -> Option<u64> {
        self.ask("/v1/status")?["height"].as_u64()
    }

    /// An account.
    #[track_caller]
    pub fn account(&self, key: &str) -> Value {
        self.get(&format!("/v1/accounts/{key}"))
    }

    /// The only run; none before it is open.
    pub fn run(&self) -> Option<Value> {
        let said = self.ask("/v1/runs")?;
        said["runs"].as_array()?.first().cloned()
    }

    /// A counter of refusals, by kind and reason.
    #[track_caller]
    pub fn refusals(&self, kind: &str, reason: &str) -> u64 {
        let metrics = http::get(self.rpc, "/metrics").expect("metrics").text();
        let (kind, reason) = (format!("kind=\"{kind}\""), format!("reason=\"{reason}\""));
        let lines = metrics.lines().filter(|line| line.starts_with("retrace_refused"));
        let counted = lines.filter(|line| line.contains(&kind) && line.contains(&reason));
        counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }
}

/// The last lines of a log.
pub fn tail(log: &Path, lines: usize) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
