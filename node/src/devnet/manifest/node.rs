//! `[[node]]`: one or several nodes that are alike.

use super::{ManifestError, NODES_MAX};
use crate::config::{Expected, ROLES, Section, TableError, role_name, role_named};
use crate::strategy::{STRATEGIES, Strategy};
use retrace_ledger::Role;
use retrace_model::Backend;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Names of the devnet itself.
const RESERVED: [&str; 2] = ["faucet", "sponsor"];
const NAME_BYTES_MAX: usize = 32;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlan {
    /// Its name, and that of its folder.
    pub name: String,
    /// What it does; the first one is its account's role. Empty for a node that only follows.
    pub roles: Vec<Role>,
    /// How it lies, if it does.
    pub strategy: Option<Strategy>,
    /// Bonded at genesis; what the role needs if none.
    pub stake: Option<u64>,
    /// Backend; the fastest if none.
    pub backend: Option<Backend>,
    /// Threads for each op.
    pub threads: u16,
    /// Its address; one of its own if none.
    pub ip: Option<Ipv4Addr>,
}

impl NodePlan {
    /// The role of its account.
    pub fn account_role(&self) -> Role {
        self.roles.first().copied().unwrap_or(Role::Auditor)
    }
}

pub(super) fn read_all(sections: Vec<Section>) -> Result<Vec<NodePlan>, ManifestError> {
    let mut nodes: Vec<NodePlan> = Vec::new();
    for section in sections {
        let (plan, named, count) = read(section)?;
        for at in 1..=count {
            let name = match &named {
                Some(name) if count == 1 => name.clone(),
                Some(name) => format!("{name}-{at}"),
                None => numbered(&nodes, plan.account_role()),
            };
            nodes.push(NodePlan { name, ..plan.clone() });
        }
    }
    check(&nodes)?;
    Ok(nodes)
}

/// The next node of its role that has no name of its own.
fn numbered(nodes: &[NodePlan], role: Role) -> String {
    let before = nodes.iter().filter(|node| node.account_role() == role).count();
    format!("{}-{}", role_name(role), before + 1)
}

fn check(nodes: &[NodePlan]) -> Result<(), ManifestError> {
    if nodes.len() > NODES_MAX {
        return Err(ManifestError::TooMany { found: nodes.len(), most: NODES_MAX });
    }
    let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for node in nodes {
        if !names.insert(&node.name) {
            return Err(ManifestError::NameTwice { name: node.name.clone() });
        }
        if let Some(ip) = node.ip.filter(|ip| !addresses.insert(*ip)) {
            return Err(ManifestError::AddressTwice { ip });
        }
        if let Some(role) = node.strategy.map(Strategy::role).filter(|role| !node.roles.contains(role)) {
            let name = node.name.clone();
            return Err(match role {
                Role::Verifier => ManifestError::NoVerifier { name },
                _ => ManifestError::NoTrainer { name },
            });
        }
    }
    Ok(())
}

fn read(mut section: Section) -> Result<(NodePlan, Option<String>, usize), TableError> {
    let names = ROLES.map(|(_, name)| name);
    let roles = match section.texts("roles", ROLES.len())? {
        Some(listed) => listed,
        None => section.texts("role", 1)?.ok_or_else(|| TableError::Missing { key: section.key("role") })?,
    };
    // A node that only follows says so with an empty list.
    let role = |name| section.chosen("role", name, Expected::OneOf(&names), role_named);
    let roles = roles.into_iter().map(role).collect::<Result<Vec<_>, _>>()?;
    let example =
        Expected::Like("trainer-1: lowercase letters, digits and dashes, and not faucet or sponsor");
    let named = section.choice("name", example, |name| is_name(name).then(|| name.to_string()))?;
    let count = section.whole("count", 1, NODES_MAX as i64)?.unwrap_or(1) as usize;
    let strategies = STRATEGIES.map(|(_, name, _)| name);
    let strategy = section.choice("strategy", Expected::OneOf(&strategies), |name| name.parse().ok())?;
    let stake = section.whole("stake", 0, i64::MAX)?.map(|stake| stake as u64);
    let backends: Vec<&str> = Backend::available().iter().map(|b| b.name()).collect();
    let backend = section.choice("backend", Expected::OneOf(&backends), |name| name.parse().ok())?;
    let threads = section.whole("threads", 1, 64)?.map_or(1, |threads| threads as u16);
    let loopback = |text: &str| text.parse::<Ipv4Addr>().ok().filter(Ipv4Addr::is_loopback);
    let ip = section.choice("ip", Expected::Like("127.9.8.7"), loopback)?;
    section.end()?;
    Ok((NodePlan { name: String::new(), roles, strategy, stake, backend, threads, ip }, named, count))
}

fn is_name(name: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_letter) && !RESERVED.contains(&name)
}
