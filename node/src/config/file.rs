//! `config.toml` read and written: bounded, strict, whole or not at all.

use super::{Config, Expected, ROLES, Section, TableError, account_named, role_name, role_named};
use crate::home::{HomeError, read_bounded, write_whole};
use crate::strategy::{STRATEGIES, Strategy};
use libp2p::Multiaddr;
use retrace_model::Backend;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Name of the file in a home.
pub const CONFIG_FILE: &str = "config.toml";
/// Longest file.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Most peers of a list.
const PEERS_MAX: usize = 256;
/// Most accounts that a node defends.
const DEFENDS_MAX: usize = 16;
/// Longest text of a value.
const TEXT_BYTES_MAX: usize = 1024;
const MIB_MAX: i64 = 1 << 16;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ConfigError {
    /// The file cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Home(#[from] HomeError),
    /// The file is no text.
    #[error("{path} is not UTF-8 text")]
    #[diagnostic(help("write it again; `retrace init` makes one with all the defaults"))]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// Something in it.
    #[error("{path}: {source}")]
    #[diagnostic(help("{}", source.hint()))]
    Table {
        /// The file.
        path: PathBuf,
        /// What.
        source: TableError,
    },
    /// A liar on a network that does not say it is a test.
    #[error("strategy {strategy} is refused: network {network} is no test network")]
    #[diagnostic(help(
        "strategies exist only where genesis says test_network; remove [test] from config.toml"
    ))]
    NotATestNetwork {
        /// What was asked for.
        strategy: Strategy,
        /// The network's name.
        network: String,
    },
}

impl Config {
    /// Reads the configuration of a home.
    pub fn load(home: &Path) -> Result<Config, ConfigError> {
        let path = home.join(CONFIG_FILE);
        let bytes = read_bounded(&path, FILE_BYTES_MAX)?;
        let text = String::from_utf8(bytes).map_err(|_| ConfigError::NotText { path: path.clone() })?;
        Config::parse(&text).map_err(|source| ConfigError::Table { path, source })
    }

    /// Writes the configuration of a home.
    pub fn save(&self, home: &Path) -> Result<(), ConfigError> {
        let head =
            "# This node's configuration. A flag goes before the environment, and that before this file.\n\n";
        Ok(write_whole(&home.join(CONFIG_FILE), format!("{head}{}", self.table()).as_bytes())?)
    }

    /// Reads the text of a configuration; what it leaves out has its default.
    pub fn parse(text: &str) -> Result<Config, TableError> {
        let mut config = Config::default();
        let mut root = Section::parse(text)?;
        read_node(&mut config, root.section("node")?)?;
        let mut consensus = root.section("consensus")?;
        set(&mut config.consensus.listen, address(&mut consensus, "listen")?);
        set(&mut config.consensus.peers, addresses(&mut consensus, "peers")?);
        consensus.end()?;
        let mut storage = root.section("storage")?;
        set(&mut config.storage.cache_mib, storage.whole("cache_mib", 1, MIB_MAX)?.map(|n| n as u32));
        let buffer = storage.whole("write_buffer_mib", 1, MIB_MAX)?;
        set(&mut config.storage.write_buffer_mib, buffer.map(|n| n as u32));
        storage.end()?;
        let mut compute = root.section("compute")?;
        let backends: Vec<&str> = Backend::available().iter().map(|b| b.name()).collect();
        config.compute.backend =
            compute.choice("backend", Expected::OneOf(&backends), |name| name.parse().ok())?;
        set(&mut config.compute.threads, compute.whole("threads", 1, 64)?.map(|n| n as u16));
        compute.end()?;
        let mut keys = root.section("keys")?;
        config.passphrase_file = keys.text("passphrase_file", TEXT_BYTES_MAX)?.map(PathBuf::from);
        keys.end()?;
        let mut test = root.section("test")?;
        let strategies = STRATEGIES.map(|(_, name, _)| name);
        config.strategy = test.choice("strategy", Expected::OneOf(&strategies), |name| name.parse().ok())?;
        test.end()?;
        root.end()?;
        Ok(config)
    }

    fn table(&self) -> Table {
        let text = |text: &dyn ToString| Value::String(text.to_string());
        let list = |items: &[Multiaddr]| Value::Array(items.iter().map(|item| text(item)).collect());
        let roles = self.node.roles.iter().map(|role| text(&role_name(*role)));
        let defends: Vec<Value> = self.node.defends.iter().map(|account| text(account)).collect();
        let mut root = Table::new();
        let mut section = |name: &str, rows: Vec<(&str, Option<Value>)>| {
            let rows = rows.into_iter().filter_map(|(key, value)| Some((key.to_string(), value?)));
            root.insert(name.into(), Value::Table(rows.collect()));
        };
        let node = vec![
            ("name", Some(text(&self.node.name))),
            ("roles", Some(Value::Array(roles.collect()))),
            ("defends", (!defends.is_empty()).then_some(Value::Array(defends))),
            ("listen", Some(text(&self.node.listen))),
            ("peers", Some(list(&self.node.peers))),
            ("rpc", Some(text(&self.node.rpc))),
        ];
        section("node", node);
        let listen = Some(text(&self.consensus.listen));
        section("consensus", vec![("listen", listen), ("peers", Some(list(&self.consensus.peers)))]);
        let mib = |n: u32| Some(Value::Integer(i64::from(n)));
        let (cache, buffer) = (mib(self.storage.cache_mib), mib(self.storage.write_buffer_mib));
        section("storage", vec![("cache_mib", cache), ("write_buffer_mib", buffer)]);
        let backend = self.compute.backend.map(|backend| text(&backend));
        let threads = Some(Value::Integer(i64::from(self.compute.threads)));
        section("compute", vec![("backend", backend), ("threads", threads)]);
        let file = self.passphrase_file.as_ref().map(|path| text(&path.display()));
        section("keys", vec![("passphrase_file", file)]);
        section("test", vec![("strategy", self.strategy.map(|strategy| text(&strategy)))]);
        root.retain(|_, value| value.as_table().is_none_or(|table| !table.is_empty()));
        root
    }
}

fn read_node(config: &mut Config, mut node: Section) -> Result<(), TableError> {
    set(&mut config.node.name, node.text("name", 64)?);
    let names = ROLES.map(|(_, name)| name);
    if let Some(roles) = node.texts("roles", ROLES.len())? {
        let read = |role| node.chosen("roles", role, Expected::OneOf(&names), role_named);
        config.node.roles = roles.into_iter().map(read).collect::<Result<_, _>>()?;
    }
    if let Some(accounts) = node.texts("defends", DEFENDS_MAX)? {
        let read = |account| node.chosen("defends", account, ACCOUNT, account_named);
        config.node.defends = accounts.into_iter().map(read).collect::<Result<_, _>>()?;
    }
    set(&mut config.node.listen, address(&mut node, "listen")?);
    set(&mut config.node.peers, addresses(&mut node, "peers")?);
    set(
        &mut config.node.rpc,
        node.choice::<SocketAddr>("rpc", Expected::Like("127.0.0.1:4180"), |t| t.parse().ok())?,
    );
    node.end()
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// What an account looks like, for hints.
const ACCOUNT: Expected<'_> = Expected::Like("64 hexadecimal digits, as `retrace keys show` prints them");
/// What a multiaddress looks like, for hints.
const EXAMPLE: Expected<'_> = Expected::Like("/ip4/127.0.0.1/tcp/4100");

fn address(section: &mut Section, name: &'static str) -> Result<Option<Multiaddr>, TableError> {
    section.choice(name, EXAMPLE, |text| text.parse().ok())
}

fn addresses(section: &mut Section, name: &'static str) -> Result<Option<Vec<Multiaddr>>, TableError> {
    let Some(items) = section.texts(name, PEERS_MAX)? else { return Ok(None) };
    let read = |item| section.chosen(name, item, EXAMPLE, |text| text.parse().ok());
    items.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError, TableError};
    use crate::strategy::Strategy;
    use retrace_ledger::Role;

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.save(folder.path()).unwrap();
        assert_eq!(Config::load(folder.path()).unwrap(), config);
        config.node.name = "tra\"iner\n".into();
        config.node.roles = vec![Role::Trainer, Role::Verifier];
        config.node.defends = vec![super::account_named(&"ab".repeat(32)).unwrap()];
        config.node.peers = vec!["/ip4/127.1.2.3/tcp/9".parse().unwrap()];
        config.passphrase_file = Some("../passphrase".into());
        config.strategy = Some(Strategy::WrongRate);
        config.compute.backend = Some(retrace_model::Backend::Portable);
        config.save(folder.path()).unwrap();
        assert_eq!(Config::load(folder.path()).unwrap(), config);
    }

    #[test]
    fn each_refusal_names_the_key() {
        let rows = [
            ("[node]\nlissten = \"\"", "there is no key node.lissten", "did you mean listen?"),
            ("[nodes]\n", "there is no key nodes", "did you mean node?"),
            ("[node]\nroles = [\"trainr\"]", "node.roles is \"trainr\"", "did you mean trainer?"),
            ("[node]\nrpc = \"localhost\"", "node.rpc is \"localhost\"", "write it like 127.0.0.1:4180"),
            ("[node]\nlisten = \"1.2.3.4:5\"", "node.listen is \"1.2.3.4:5\"", "write it like /ip4/"),
            ("[node]\ndefends = [\"ab\"]", "node.defends is \"ab\"", "write it like 64 hex"),
            ("[node]\npeers = 7", "node.peers must be a list of texts, it is integer", "change the value"),
            ("[storage]\ncache_mib = 0", "storage.cache_mib is 0, it must be 1 to 65536", "change"),
            ("[compute]\nthreads = 65", "compute.threads is 65, it must be 1 to 64", "change"),
            ("[compute]\nbackend = \"avx\"", "compute.backend is \"avx\"", ""),
            ("[test]\nstrategy = \"stale\"", "test.strategy is \"stale\"", "did you mean stale-step?"),
            ("name", "line 1: ", "the file is TOML"),
        ];
        for (text, error, hint) in rows {
            let found = Config::parse(text).unwrap_err();
            assert!(found.to_string().starts_with(error), "{text}: {found}");
            let helped = found.hint();
            assert!(helped.starts_with(hint), "{text}: {helped}");
        }
    }

    #[test]
    fn files_are_bounded_text() {
        let folder = tempfile::tempdir().unwrap();
        let write = |bytes: &[u8]| {
            std::fs::write(folder.path().join("config.toml"), bytes).unwrap();
            Config::load(folder.path()).unwrap_err()
        };
        assert!(matches!(write(&[b'#'; 70_000]), ConfigError::Home(_)));
        assert!(matches!(write(&[0xFF]), ConfigError::NotText { .. }));
        let long = format!("[node]\nname = \"{}\"", "x".repeat(65));
        let found = write(long.as_bytes());
        assert!(matches!(found, ConfigError::Table { source: TableError::TooLong { .. }, .. }), "{found}");
    }
}
