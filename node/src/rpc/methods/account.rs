//! `GET /v1/accounts/{key}`: what a stake key holds.

use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{Moment, State};
use retrace_verifier::signature::PeerKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// The stake key: its name.
    pub key: String,
    /// What it is there for.
    pub role: String,
    /// Free to spend.
    pub balance: u64,
    /// Stake, locked or not.
    pub bonded: u64,
    /// The part of the stake that commitments, bases and disputes have locked.
    pub locked: u64,
    /// Stake on its way back to the balance.
    pub unbonding: u64,
    /// When it is there; none while nothing is on its way.
    pub unbonding_until: Option<LedgerTime>,
    /// Nonce of the last transaction; the next one has one more.
    pub nonce: u64,
    /// Height at which role and keys were registered; 0 in genesis.
    pub since: u64,
    /// The key that may sign its moves in disputes beside its own; none if there is none.
    pub defense_key: Option<String>,
    /// Serial of the delegation that counts, a revocation included; 0 if there never was one.
    pub delegation_serial: u64,
    /// Its other keys.
    pub registered: Option<Keys>,
}

/// A point of ledger time; it is past when the height and the credited time are both above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerTime {
    /// Height.
    pub height: u64,
    /// Credited milliseconds.
    pub credited_ms: u64,
}

/// The keys that an account has registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Keys {
    /// Makes the beacon.
    pub vrf: String,
    /// Signs headers and votes.
    pub consensus: String,
    /// Names the node in the swarm.
    pub node: String,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/accounts/{key}", "What a stake key holds", &[], look)
}

impl From<Moment> for LedgerTime {
    fn from(moment: Moment) -> LedgerTime {
        LedgerTime { height: moment.height.0, credited_ms: moment.credited_ms }
    }
}

/// An account as the door says it.
pub(in crate::rpc) fn words(state: &State, key: &PeerKey, account: &retrace_ledger::Account) -> Account {
    let hex = |bytes: [u8; 32]| PeerKey(bytes).to_string();
    Account {
        key: key.to_string(),
        role: format!("{:?}", account.role).to_lowercase(),
        balance: account.balance.0,
        bonded: account.bonded.0,
        locked: account.locked.0,
        unbonding: account.unbonding.0,
        unbonding_until: (account.unbonding.0 > 0).then(|| account.unbonding_until.into()),
        nonce: account.nonce,
        since: account.since.0,
        defense_key: state.defense_key(key).map(|key| key.to_string()),
        delegation_serial: state.delegation(key).map_or(0, |signed| signed.delegation.serial),
        registered: account.registered.map(|keys| Keys {
            vrf: hex(keys.vrf.0),
            consensus: keys.consensus.to_string(),
            node: hex(keys.node),
        }),
    }
}

fn look(door: &Door, asked: &Asked) -> Result<Account, Refused> {
    let key = asked.key("key")?;
    let found = door.board.read(|state| state.account(&key).map(|account| words(state, &key, account)));
    found.ok_or_else(|| Refused::unknown("account", key))
}
