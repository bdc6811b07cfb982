//! The manifest: a network, its nodes, a run and what is done to them, as one TOML file.
//!
//! What each key means is in `specs/devnet.md`. Reading is strict: an unknown key, a node that is named twice or a
//! perturbation of nobody is refused before anything is written.

mod error;
mod network;
mod node;
mod perturb;
mod run;

pub use error::ManifestError;
pub use network::NetworkPlan;
pub use node::NodePlan;
pub use perturb::{Action, Perturbation, When};

use super::terms::RunPlan;
use crate::config::{Section, TableError};
use crate::home::read_bounded;
use retrace_ledger::{Role, Span};
use std::path::Path;

/// What `retrace devnet start` does without a manifest.
pub const DEFAULT: &str = include_str!("default.toml");
/// Longest manifest.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Most nodes of a devnet.
pub const NODES_MAX: usize = 64;
/// Most perturbations.
const PERTURBATIONS_MAX: usize = 1024;

/// A devnet as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The network.
    pub network: NetworkPlan,
    /// Its nodes, in order.
    pub nodes: Vec<NodePlan>,
    /// The run that the devnet's sponsor opens.
    pub run: RunPlan,
    /// What is done to nodes while it runs.
    pub perturbations: Vec<Perturbation>,
}

impl Manifest {
    /// Reads a file; gives the text as well.
    pub fn load(path: &Path) -> Result<(Manifest, String), ManifestError> {
        let bytes = read_bounded(path, FILE_BYTES_MAX)?;
        let text = String::from_utf8(bytes).map_err(|_| ManifestError::NotText { path: path.into() })?;
        Ok((Manifest::parse(&text)?, text))
    }

    /// Reads a text.
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        let mut root = Section::parse(text)?;
        let (mut network, unbond) = network::read(root.section("network")?)?;
        let nodes = node::read_all(root.sections("node", NODES_MAX)?)?;
        let run = run::read(root.section("run")?, &nodes)?;
        let needed = run.unbond_needed(&network.params);
        network.params.unbond_span = span(unbond, needed)?;
        let wanted = root.sections("perturb", PERTURBATIONS_MAX)?;
        root.end()?;
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        let perturbations = wanted.into_iter().map(|section| perturb::read(section, &names));
        let perturbations = perturbations.collect::<Result<_, _>>()?;
        let manifest = Manifest { network, nodes, run, perturbations };
        manifest.check()?;
        Ok(manifest)
    }

    /// What no single key can say.
    fn check(&self) -> Result<(), ManifestError> {
        if self.count(Role::Validator) == 0 {
            return Err(ManifestError::NoValidator);
        }
        if !self.run.open {
            return Ok(());
        }
        for (role, needed) in [(Role::Trainer, 1), (Role::Verifier, usize::from(self.run.verdicts_min))] {
            let found = self.count(role);
            if found < needed {
                return Err(ManifestError::TooFew { role, found, needed });
            }
        }
        let params = &self.network.params;
        let (unbond, needed) = (params.unbond_span, self.run.unbond_needed(params));
        if unbond.heights < needed.heights || unbond.ms < needed.ms {
            return Err(ManifestError::Unbond { found: unbond, needed });
        }
        Ok(())
    }

    /// Nodes of a role.
    pub fn count(&self, role: Role) -> usize {
        self.nodes.iter().filter(|node| node.roles.contains(&role)).count()
    }

    /// The same devnet, whatever is done to it?
    pub fn is_same_network(&self, other: &Manifest) -> bool {
        (&self.network, &self.nodes, &self.run) == (&other.network, &other.nodes, &other.run)
    }
}

/// `{ heights = 20, seconds = 60 }`: what is left out is taken from `default`.
fn span(mut table: Section, default: Span) -> Result<Span, TableError> {
    let heights = table.whole("heights", 1, 1 << 24)?.map_or(default.heights, |n| n as u64);
    let ms = table.whole("seconds", 1, 1 << 30)?.map_or(default.ms, |n| n as u64 * 1000);
    table.end()?;
    Ok(Span { heights, ms })
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT, Manifest};
    use crate::strategy::Strategy;
    use retrace_ledger::{Role, Span};

    #[test]
    fn the_default_is_the_network_of_the_demo() {
        let manifest = Manifest::parse(DEFAULT).unwrap();
        let count = |role| manifest.count(role);
        assert_eq!((count(Role::Validator), count(Role::Trainer), count(Role::Verifier)), (4, 3, 2));
        let liars: Vec<_> =
            manifest.nodes.iter().filter_map(|n| Some((n.name.as_str(), n.strategy?))).collect();
        assert_eq!(liars, [("trainer-2", Strategy::PoisonedGradient)]);
        assert!(manifest.run.open && manifest.perturbations.is_empty());
        assert_eq!(manifest.run.slots, 3);
    }

    const ALL: &str = "[[node]]\nrole = \"validator\"\n[[node]]\nrole = \"trainer\"\n[[node]]\nrole = \"verifier\"\ncount = 2\n";

    #[test]
    fn each_mistake_has_its_name() {
        let perturb = |text: &str| format!("{ALL}[[perturb]]\n{text}");
        let node = |text: &str| format!("{ALL}[[node]]\n{text}");
        let rows = [
            (String::new(), "there is no validator"),
            ("[[node]]\nrole = \"validator\"".into(), "0 nodes are trainer"),
            (format!("{ALL}[netwrk]"), "there is no key netwrk"),
            (node("count = 2"), "node[4].role is missing"),
            (node("role = \"miner\""), "node[4].role is \"miner\""),
            (node("role = \"trainer\"\ncount = 0"), "node[4].count is 0, it must be 1 to 64"),
            (node("role = \"trainer\"\ncount = 64"), "68 nodes, at most 64"),
            (node("role = \"trainer\"\nname = \"validator-1\""), "two nodes are called validator-1"),
            (node("role = \"trainer\"\nname = \"Bob\""), "node[4].name is \"Bob\""),
            (node("role = \"trainer\"\nname = \"faucet\""), "node[4].name is \"faucet\""),
            (node("role = \"verifier\"\nstrategy = \"stale-step\""), "verifier-3 does not train"),
            (node("role = \"trainer\"\nstrategy = \"false-challenge\""), "trainer-2 does not verify"),
            (node("role = \"trainer\"\nstrategy = \"stale\""), "node[4].strategy is \"stale\""),
            (node("role = \"trainer\"\nip = \"10.0.0.1\""), "node[4].ip is \"10.0.0.1\""),
            (node("role = \"trainer\"\nip = \"127.9.9.9\"\ncount = 2"), "two nodes have address 127.9.9.9"),
            (format!("{ALL}[run]\naudit_rate = 2"), "run.audit_rate is \"2\""),
            (format!("{ALL}[run]\npreset = \"huge\""), "run.preset is \"huge\""),
            (format!("{ALL}[run]\nverdicts = 3"), "2 nodes are verifier, 3 are needed"),
            (format!("{ALL}[network]\nunbond = {{ seconds = 1 }}"), "stake unbonds in"),
            (
                perturb("at = \"1s\"\nnode = \"trainer-9\"\naction = \"kill\""),
                "perturb[1].node is \"trainer-9\"",
            ),
            (perturb("at = \"1s\"\nnode = \"x-*\"\naction = \"kill\""), "perturb[1].node is \"x-*\""),
            (perturb("at = \"soon\"\nnode = \"trainer-1\"\naction = \"kill\""), "perturb[1].at is \"soon\""),
            (perturb("node = \"trainer-1\"\naction = \"kill\""), "perturb[1]: one of"),
            (
                perturb("at = \"1s\"\nat_height = 3\nnode = \"trainer-1\"\naction = \"kill\""),
                "perturb[1]: one of",
            ),
            (perturb("at = \"1s\"\naction = \"kill\""), "perturb[1].node is missing"),
            (perturb("at = \"1s\"\nnode = \"trainer-1\""), "perturb[1].action is missing"),
            (perturb("at = \"1s\"\nnode = \"trainer-1\"\naction = \"hit\""), "perturb[1].action is \"hit\""),
            (
                perturb("at = \"1s\"\nnode = \"trainer-1\"\naction = \"resume\"\nfor = \"2s\""),
                "perturb[1].for: resume has no end",
            ),
        ];
        for (text, expected) in rows {
            let found = Manifest::parse(&text).unwrap_err().to_string();
            assert!(found.starts_with(expected), "{text}\nsaid {found:?}, not {expected:?}");
        }
    }

    /// L-4.3, L-5.17: unless a manifest says otherwise stake unbonds for exactly as long as run and breaker need it.
    #[test]
    fn stake_answers_for_a_breaker_too() {
        let network = "[network]\nattest = { heights = 1, seconds = 2 }\nbreaker = { heights = 3, seconds = 5 }\nbreaker_share = 0.2";
        let run = "[run]\nverdict = { heights = 10, seconds = 20 }\nmove = { heights = 100, seconds = 200 }";
        let params = Manifest::parse(&format!("{ALL}{network}\n{run}")).unwrap().network.params;
        assert_eq!((params.breaker_ppm, params.breaker_span), (200_000, Span { heights: 3, ms: 5_000 }));
        assert_eq!(params.unbond_span, Span { heights: 514, ms: 1_027_000 });
        let short = format!("{ALL}{network}\nunbond = {{ heights = 513 }}\n{run}");
        assert!(Manifest::parse(&short).unwrap_err().to_string().contains("this run needs 514"));
    }

    #[test]
    fn nodes_are_numbered_by_role_and_share_what_their_table_says() {
        let text =
            format!("{ALL}[[node]]\nrole = \"trainer\"\ncount = 2\nstake = 7\nstrategy = \"wrong-rate\"");
        let manifest = Manifest::parse(&text).unwrap();
        let names: Vec<_> = manifest.nodes.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["validator-1", "trainer-1", "verifier-1", "verifier-2", "trainer-2", "trainer-3"]);
        assert_eq!(manifest.nodes[5].stake, Some(7));
        assert_eq!(manifest.run.slots, 3, "a slot for every trainer");
        let again = format!(
            "{text}\n[[perturb]]\nat_round = 1\nnode = \"trainer-*\"\naction = \"kill\"\nfor = \"5s\""
        );
        let again = Manifest::parse(&again).unwrap();
        assert!(manifest.is_same_network(&again) && manifest != again);
        assert_eq!(again.perturbations[0].nodes, [1, 4, 5]);
    }
}
