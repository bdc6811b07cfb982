//! `GET /v1/status`: which network this is, how far this node is, who validates, whom it is connected to.

use crate::rpc::asked::Asked;
use crate::rpc::door::{Door, PeerInfo};
use crate::rpc::limits::TIP_AGE_MS_MAX;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{Fault, Now, State};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// Where a node stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The network's id.
    pub network: String,
    /// Its name.
    pub network_name: String,
    /// True where dishonest strategies may exist.
    pub test_network: bool,
    /// This node.
    pub node: Node,
    /// Height of the last block; 0 before the first.
    pub height: u64,
    /// Its id.
    pub block: String,
    /// The state root after it.
    pub state_root: String,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// Ledger time: what all blocks have credited, in milliseconds.
    pub credited_ms: u64,
    /// How long ago the last block's time was, by this machine's clock, in milliseconds.
    pub tip_age_ms: u64,
    /// The node is behind, or the network has halted: what it says may be old.
    pub catching_up: bool,
    /// Transactions wait for a block.
    pub has_pending: bool,
    /// Peers that it is connected to.
    pub peers: Vec<Peer>,
    /// Validators of the next height, in the order in which they propose.
    pub validators: Vec<Validator>,
    /// Stake of all of them.
    pub total_power: u64,
}

/// A node, as it says of itself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Name that its operator gave it.
    pub name: String,
    /// Its account, by which it acts.
    pub account: String,
    /// What it does.
    pub roles: Vec<String>,
    /// Version of the program.
    pub version: String,
    /// Process.
    pub pid: u32,
}

/// A peer in the public swarm.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Peer {
    /// Its id.
    pub peer_id: String,
    /// Its address.
    pub address: String,
    /// Height of its last block, as it says: nothing proves it.
    pub height: u64,
    /// True if this node opened the connection.
    pub is_outbound: bool,
}

/// A validator of the next height.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Validator {
    /// Its account.
    pub account: String,
    /// The key that it votes with.
    pub consensus: String,
    /// Stake.
    pub power: u64,
    /// It was passed over lately and stands at the end.
    pub absent: bool,
    /// Up to this height.
    pub absent_until: u64,
    /// How often it was passed over since it last proposed.
    pub misses: u32,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/status", "Where this node and its network stand", &[], look)
}

/// Milliseconds since a block's time, by this machine's clock.
pub(in crate::rpc) fn age_ms(time_ms: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX).saturating_sub(time_ms)
}

/// True when the last block is too old for an answer to be news.
pub(in crate::rpc) fn is_behind(door: &Door) -> bool {
    let time_ms = door.board.read(|state| state.now().map(|now| now.time_ms));
    time_ms.map_or(true, |time_ms| age_ms(time_ms) > TIP_AGE_MS_MAX)
}

fn look(door: &Door, _: &Asked) -> Result<Status, Refused> {
    let genesis = door.board.genesis();
    let (mut head, (mut now, mut validators)) = (door.board.head(), door.board.read(standing));
    // A block may come between the two looks: both are to be of one height.
    while now.as_ref().is_ok_and(|now| now.height != head.height) {
        (head, (now, validators)) = (door.board.head(), door.board.read(standing));
    }
    let now = now.map_err(Refused::fault)?;
    let tip_age_ms = age_ms(now.time_ms);
    let peers = (door.peers)().into_iter();
    Ok(Status {
        network: door.board.network().to_string(),
        network_name: genesis.name.clone(),
        test_network: genesis.test_network,
        node: Node {
            name: door.about.name.clone(),
            account: door.about.account.clone(),
            roles: door.about.roles.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
        },
        height: head.height.0,
        block: head.id.to_string(),
        state_root: head.state_root.to_string(),
        time_ms: now.time_ms,
        credited_ms: now.credited_ms,
        tip_age_ms,
        catching_up: tip_age_ms > TIP_AGE_MS_MAX,
        has_pending: door.board.has_pending(),
        peers: peers.map(peer_words).collect(),
        total_power: validators.iter().fold(0, |sum, one| sum.saturating_add(one.power)),
        validators,
    })
}

fn standing(state: &State) -> (Result<Now, Fault>, Vec<Validator>) {
    (state.now().copied(), validators(state))
}

fn peer_words(peer: PeerInfo) -> Peer {
    let PeerInfo { peer_id, address, height, is_outbound } = peer;
    Peer { peer_id, address, height, is_outbound }
}

fn validators(state: &State) -> Vec<Validator> {
    let set = state.validators();
    let words = |one: &retrace_ledger::Validator| {
        let turns = state.turns(&one.account);
        Validator {
            account: one.account.to_string(),
            consensus: one.consensus.to_string(),
            power: one.power,
            absent: turns.is_absent(set.height()),
            absent_until: turns.absent_until.0,
            misses: turns.misses,
        }
    };
    set.iter().map(words).collect()
}
