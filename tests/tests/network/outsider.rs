//! A node that no manifest names: a home by `init`, one peer's address, a process of its own.

use crate::{
    net::{Network, text},
    node::Node,
};
use retrace_tests::binary::retrace;
use serde_json::json;
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
};

/// Makes a home from genesis and one peer's address, on a loopback address that no devnet has.
#[track_caller]
pub fn init(network: &Network, name: &str, role: Option<&str>, peer: &Node) -> Node {
    let (home, passphrase) = (network.beside(name), network.beside(&format!("{name}.passphrase")));
    fs::write(&passphrase, "correct horse battery staple\n").expect("a passphrase");
    let ip = Ipv4Addr::new(127, 0, 77, 1);
    let (swarm, rpc) = (free_port(ip), free_port(ip));
    let (listen, rpc) = (format!("/ip4/{ip}/tcp/{swarm}"), format!("{ip}:{rpc}"));
    let (home, genesis, passphrase) = (text(&home), network.fact("/genesis"), text(&passphrase));
    let places = ["--home", &home, "--genesis", &genesis, "--passphrase-file", &passphrase, "--name", name];
    let addresses = ["--peer", &peer.swarm, "--listen", &listen, "--rpc", &rpc, "--json"];
    let roles: Vec<&str> = role.into_iter().flat_map(|role| ["--role", role]).collect();
    let made = retrace(&[&["init"], &places[..], &addresses, &roles].concat()).exits(0).json();
    Node::read(&json!({
        "name": name, "account": made["account"], "home": home, "log": text(&network.beside(&format!("{name}.log"))),
        "rpc": rpc, "swarm": format!("{listen}/p2p/{}", made["peer_id"].as_str().expect("a name")),
        "roles": made["roles"],
    }))
}

fn free_port(ip: Ipv4Addr) -> u16 {
    let listener = TcpListener::bind((ip, 0)).expect("a free port");
    listener.local_addr().expect("a bound address").port()
}
