//! A devnet's folder: made from a manifest once, and opened again by every later start.
//!
//! ```text
//! devnet.json      what runs where
//! manifest.toml    what it was made from
//! genesis.bin      for whoever joins
//! passphrase       opens every keystore here; only the owner reads it
//! lock             held by the supervisor
//! nodes/NAME/      a node's home, as `retrace init` makes it
//! sponsor/         a home with the sponsor's keystore
//! faucet/          a home with the faucet's keystore
//! logs/NAME.log    what a node wrote to standard output and error
//! ```

use super::address::{Reserved, address};
use super::cast::Cast;
use super::manifest::{Manifest, NodePlan};
use super::record::{NodeRecord, Phase, Purse, Record};
use super::wiring::{base_config, purse_config, set_addresses, write_addresses};
use super::{DevnetError, Lock};
use crate::config::{Config, role_name};
use crate::home::{Home, disk, write_whole};
use crate::init::NewHome;
use crate::keys::{Keystore, Passphrase, WORK_FACTOR_DEVNET};
use retrace_ledger::{Genesis, Role, encode};
use std::net::Ipv4Addr;
use std::path::Path;

/// A folder that is ready for its processes: everything is written, every port is bound.
pub struct Prepared {
    /// Held until the devnet ends.
    pub lock: Lock,
    /// What `devnet.json` says.
    pub record: Record,
    /// Ports of the nodes.
    pub reserved: Vec<Reserved>,
}

/// Makes a devnet in an empty or missing folder.
pub fn make(manifest: &Manifest, text: &str, folder: &Path) -> Result<Prepared, DevnetError> {
    Home::check_free(folder)?;
    for name in ["nodes", "logs"] {
        std::fs::create_dir_all(folder.join(name)).map_err(disk(folder))?;
    }
    let lock = Lock::take(folder)?;
    let cast = Cast::new(manifest)?;
    let genesis = cast.genesis(manifest)?;
    let passphrase = Passphrase::random()?;
    passphrase.save(&folder.join("passphrase"))?;
    write_whole(&folder.join("genesis.bin"), &encode(&genesis))?;
    write_whole(&folder.join("manifest.toml"), text.as_bytes())?;
    let mut reserved = Vec::new();
    let mut nodes = Vec::new();
    for (at, (plan, keys)) in manifest.nodes.iter().zip(&cast.nodes).enumerate() {
        let ip = plan.ip.unwrap_or_else(|| address(folder, at));
        let ports = reserve(&plan.name, ip, None)?;
        nodes.push(node_record(folder, plan, keys, ip, &ports));
        reserved.push(ports);
    }
    let purse =
        |name: &str, keys: &Keystore| Purse { home: folder.join(name), account: keys.account().to_string() };
    let record = Record {
        format: Record::format(),
        phase: Phase::Prepared,
        name: genesis.name.clone(),
        network: genesis.network().to_string(),
        genesis: folder.join("genesis.bin"),
        passphrase_file: folder.join("passphrase"),
        sponsor: purse("sponsor", &cast.sponsor),
        faucet: purse("faucet", &cast.faucet),
        supervisor: None,
        run: None,
        nodes,
    };
    make_homes(&record, manifest, &cast, &genesis, &passphrase)?;
    record.save(folder)?;
    Ok(Prepared { lock, record, reserved })
}

/// Opens a devnet that was made before: the same keys and, where they are free, the same ports.
pub fn reopen(manifest: &Manifest, folder: &Path) -> Result<Prepared, DevnetError> {
    let lock = Lock::take(folder)?;
    let mut record = Record::load(folder)?;
    if !Manifest::load(&folder.join("manifest.toml"))?.0.is_same_network(manifest) {
        return Err(DevnetError::OtherManifest { path: folder.into() });
    }
    // A supervisor that was killed has left its nodes: they hold the databases.
    let left =
        record.nodes.iter().find_map(|node| node.pid.filter(|pid| super::process::is_ours(*pid, &node.home)));
    if let Some(pid) = left {
        return Err(DevnetError::Running { path: folder.into(), pid });
    }
    let mut reserved = Vec::new();
    for (plan, node) in manifest.nodes.iter().zip(&mut record.nodes) {
        let ports = reserve(&node.name, node.ip, Some(node.ports))?;
        node.listen_on(ports.ports(), plan.roles.contains(&Role::Validator));
        node.pid = None;
        reserved.push(ports);
    }
    (record.phase, record.supervisor) = (Phase::Prepared, None);
    write_addresses(&record)?;
    record.save(folder)?;
    Ok(Prepared { lock, record, reserved })
}

/// Binds a node's ports.
pub fn reserve(
    name: &str,
    ip: Ipv4Addr,
    before: Option<super::address::Ports>,
) -> Result<Reserved, DevnetError> {
    Reserved::new(ip, before).map_err(|source| DevnetError::Address { name: name.into(), ip, source })
}

fn node_record(
    folder: &Path,
    plan: &NodePlan,
    keys: &Keystore,
    ip: Ipv4Addr,
    reserved: &Reserved,
) -> NodeRecord {
    let mut node = NodeRecord {
        name: plan.name.clone(),
        roles: plan.roles.iter().map(|role| role_name(*role).into()).collect(),
        pid: None,
        home: folder.join("nodes").join(&plan.name),
        log: folder.join("logs").join(format!("{}.log", plan.name)),
        account: keys.account().to_string(),
        peer_id: keys.peer_id(),
        ip,
        ports: reserved.ports(),
        rpc: String::new(),
        swarm: String::new(),
        consensus: None,
    };
    node.listen_on(reserved.ports(), plan.roles.contains(&Role::Validator));
    node
}

fn make_homes(
    record: &Record,
    manifest: &Manifest,
    cast: &Cast,
    genesis: &Genesis,
    passphrase: &Passphrase,
) -> Result<(), DevnetError> {
    let make = |home: &Path, keys: &Keystore, config: &Config| {
        NewHome { genesis, keys, passphrase, work_factor: WORK_FACTOR_DEVNET, config }.make(home)
    };
    for (at, (plan, keys)) in manifest.nodes.iter().zip(&cast.nodes).enumerate() {
        let mut config = base_config(record, &plan.name);
        config.node.roles = plan.roles.clone();
        config.compute.backend = plan.backend;
        config.compute.threads = plan.threads;
        config.strategy = plan.strategy;
        set_addresses(record, at, &mut config);
        make(&record.nodes[at].home, keys, &config)?;
    }
    for (purse, keys, name) in
        [(&record.sponsor, &cast.sponsor, "sponsor"), (&record.faucet, &cast.faucet, "faucet")]
    {
        make(&purse.home, keys, &purse_config(record, name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::manifest::{DEFAULT, Manifest};
    use super::{make, reopen};
    use crate::config::Config;
    use crate::devnet::DevnetError;
    use crate::home::HomeError;
    use crate::keys::{FILE_NAME, Keystore, Passphrase};
    use retrace_ledger::Role;

    #[test]
    fn a_devnet_is_made_once_and_opened_again_with_the_same_keys_and_ports() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let manifest = Manifest::parse(DEFAULT).unwrap();
        let made = make(&manifest, DEFAULT, &folder).unwrap();
        let (record, passphrase) =
            (made.record.clone(), Passphrase::from_file(&folder.join("passphrase")).unwrap());
        assert!(matches!(reopen(&manifest, &folder), Err(DevnetError::Running { .. })), "it is looked after");
        drop(made);
        assert!(matches!(
            make(&manifest, DEFAULT, &folder),
            Err(DevnetError::Home(HomeError::NotEmpty { .. }))
        ));
        assert_eq!(reopen(&manifest, &folder).unwrap().record, record);
        for node in &record.nodes {
            let keys = Keystore::load(&node.home.join(FILE_NAME), &passphrase).unwrap();
            assert_eq!(
                (keys.account().to_string(), keys.peer_id()),
                (node.account.clone(), node.peer_id.clone())
            );
        }
        let mut other = manifest.clone();
        other.run.rounds += 1;
        assert!(matches!(reopen(&other, &folder), Err(DevnetError::OtherManifest { .. })));
    }

    #[test]
    fn everybody_begins_with_addresses_of_validators_and_nobody_with_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let manifest = Manifest::parse(DEFAULT).unwrap();
        let record = make(&manifest, DEFAULT, &folder).unwrap().record;
        for (node, plan) in record.nodes.iter().zip(&manifest.nodes) {
            let config = Config::load(&node.home).unwrap();
            assert_eq!((&config.node.name, config.strategy), (&plan.name, plan.strategy));
            assert_eq!(config.rpc_url(), node.rpc);
            assert_eq!(config.node.peers.len(), 3);
            assert!(config.node.peers.iter().all(|peer| !peer.to_string().contains(&node.peer_id)));
            let validates = plan.roles == [Role::Validator];
            assert_eq!(config.consensus.peers.len(), if validates { 3 } else { 0 });
        }
        let sponsor = Config::load(&record.sponsor.home).unwrap();
        assert_eq!(sponsor.rpc_url(), record.nodes[0].rpc);
    }
}
