//! Flags and environment variables that go before a home's configuration.

use super::{Config, ROLES, role_named};
use libp2p::Multiaddr;
use retrace_ledger::Role;
use retrace_model::Backend;
use retrace_verifier::signature::PeerKey;
use std::net::SocketAddr;

/// What the command line and the environment say about a node.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Overrides {
    /// validator, trainer or verifier; may be given more than once
    #[arg(long, env = "RETRACE_ROLE", value_name = "ROLE", value_delimiter = ',', value_parser = role)]
    pub role: Vec<Role>,
    /// An account that names this node's key as its defense key: its disputes are defended here, whoever has its stake
    /// key; may be given more than once
    #[arg(long, env = "RETRACE_DEFEND", value_name = "ACCOUNT", value_delimiter = ',', value_parser = super::account_in)]
    pub defend: Vec<PeerKey>,
    /// Name of the node, for people
    #[arg(long, env = "RETRACE_NAME", value_name = "NAME")]
    pub name: Option<String>,
    /// Where the public swarm listens, such as /ip4/0.0.0.0/tcp/4100
    #[arg(long, env = "RETRACE_LISTEN", value_name = "ADDR")]
    pub listen: Option<Multiaddr>,
    /// A peer to begin with, such as /ip4/203.0.113.5/tcp/4100/p2p/12D3Koo...; may be given more than once
    #[arg(long, env = "RETRACE_PEER", value_name = "ADDR", value_delimiter = ',')]
    pub peer: Vec<Multiaddr>,
    /// Where the RPC listens, such as 127.0.0.1:4180
    #[arg(long, env = "RETRACE_RPC_LISTEN", value_name = "ADDR")]
    pub rpc: Option<SocketAddr>,
    /// Where the validators' swarm listens
    #[arg(long, env = "RETRACE_CONSENSUS_LISTEN", value_name = "ADDR")]
    pub consensus_listen: Option<Multiaddr>,
    /// Another validator's address in that swarm; may be given more than once
    #[arg(long, env = "RETRACE_CONSENSUS_PEER", value_name = "ADDR", value_delimiter = ',')]
    pub consensus_peer: Vec<Multiaddr>,
    /// reference, portable, avx2 or avx512; the fastest that this machine has if left out
    #[arg(long, env = "RETRACE_BACKEND", value_name = "NAME", value_parser = backend)]
    pub backend: Option<Backend>,
    /// Threads for each op; no number changes a bit
    #[arg(long, env = "RETRACE_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
}

fn role(name: &str) -> Result<Role, String> {
    let known = ROLES.map(|(_, name)| name);
    role_named(name).ok_or_else(|| super::near(name, &known))
}

fn backend(name: &str) -> Result<Backend, String> {
    name.parse().map_err(|e: retrace_model::UnknownBackend| e.to_string())
}

impl Overrides {
    /// Puts what was said over what the file says. A list that was given replaces the file's.
    pub fn over(self, mut config: Config) -> Config {
        fn put<T>(place: &mut T, said: Option<T>) {
            if let Some(said) = said {
                *place = said;
            }
        }
        let list = |said: Vec<Multiaddr>| (!said.is_empty()).then_some(said);
        put(&mut config.node.roles, (!self.role.is_empty()).then_some(self.role));
        put(&mut config.node.defends, (!self.defend.is_empty()).then_some(self.defend));
        put(&mut config.node.name, self.name);
        put(&mut config.node.listen, self.listen);
        put(&mut config.node.peers, list(self.peer));
        put(&mut config.node.rpc, self.rpc);
        put(&mut config.consensus.listen, self.consensus_listen);
        put(&mut config.consensus.peers, list(self.consensus_peer));
        put(&mut config.compute.backend, self.backend.map(Some));
        put(&mut config.compute.threads, self.threads);
        config
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Overrides};
    use clap::Parser;
    use retrace_ledger::Role;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        overrides: Overrides,
    }

    #[test]
    fn flags_go_before_the_file_and_the_rest_stays() {
        let file = Config::parse("[node]\nname = \"from-file\"\n[compute]\nthreads = 3").unwrap();
        let flags = ["retrace", "--role", "trainer", "--role", "verifier", "--rpc", "127.0.0.1:9"];
        let config = Flags::parse_from(flags).overrides.over(file);
        assert_eq!((config.node.name.as_str(), config.compute.threads), ("from-file", 3));
        assert_eq!(config.node.roles, [Role::Trainer, Role::Verifier]);
        assert_eq!(config.node.rpc.port(), 9);
        assert!(Flags::try_parse_from(["retrace", "--role", "trainr"]).is_err());
        let account = "ab".repeat(32);
        let config = Flags::parse_from(["retrace", "--defend", &account]).overrides.over(Config::default());
        assert_eq!((config.node.defends[0].to_string(), config.node.duties()), (account, vec!["defender"]));
        assert!(Flags::try_parse_from(["retrace", "--defend", "ab"]).is_err());
    }
}
