//! `GET /v1/rewards/{key}`: every change of an account that the ledger made or was asked for, and why (W-3.8).

use super::account::{self, Account};
use crate::rpc::asked::{AFTER, Asked, LIMIT};
use crate::rpc::door::Door;
use crate::rpc::history::{Change, Effect, Entry};
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// An account's changes, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Rewards {
    /// The account now.
    pub account: Account,
    /// Balance in genesis.
    pub genesis_balance: u64,
    /// Stake in genesis.
    pub genesis_bonded: u64,
    /// From this height on no change is missing.
    pub whole_from: u64,
    /// The last height that these changes are from.
    pub upto: u64,
    /// The changes.
    pub changes: Vec<ChangeWords>,
    /// The `after` of the next page; none at the end.
    pub next: Option<u64>,
}

/// One change of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeWords {
    /// Its name: height.position of the event.
    pub id: String,
    /// Height of the block.
    pub height: u64,
    /// The account.
    pub account: String,
    /// reward, slash, received, sent, escrowed, voided, unpaid, bonded, unbonding or unbonded.
    pub kind: String,
    /// adds to, takes from or moves within what balance and stake sum to.
    pub effect: String,
    /// How much.
    pub amount: u64,
    /// Of a slash: the part that went to somebody; the rest is burned.
    pub bounty: Option<u64>,
    /// Why, where the ledger says.
    pub reason: Option<String>,
    /// The other account, where there is one.
    pub other: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// The round.
    pub round: Option<u32>,
    /// The claim.
    pub claim: Option<String>,
    /// The unit.
    pub unit: Option<String>,
    /// The dispute that decided it.
    pub dispute: Option<String>,
}

/// Looks until account and history are of one height.
const LOOKS_MAX: usize = 100;
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/rewards/{key}", "What an account was paid and lost, and why", &[LIMIT, AFTER], look)
}

fn look(door: &Door, asked: &Asked) -> Result<Rewards, Refused> {
    let key = asked.key("key")?;
    let page = asked.page()?;
    let after = page.after_number()?;
    let at_genesis = door.board.genesis().accounts.iter().find(|account| account.key == key);
    for _ in 0..LOOKS_MAX {
        let (found, more) = door.history.of(&key, after, page.limit);
        let coverage = door.history.coverage();
        let (height, account) = door.board.read(|state| {
            let account = state.account(&key).map(|account| account::words(state, &key, account));
            (state.now().map(|now| now.height.0), account)
        });
        let account = account.ok_or_else(|| Refused::unknown("account", key))?;
        // Account and changes are of one height, or their sums would not add up.
        if height != Ok(coverage.upto) {
            std::thread::sleep(LOOK_INTERVAL);
            continue;
        }
        return Ok(Rewards {
            account,
            genesis_balance: at_genesis.map_or(0, |account| account.balance.0),
            genesis_bonded: at_genesis.map_or(0, |account| account.bonded.0),
            whole_from: coverage.from,
            upto: coverage.upto,
            next: found.last().filter(|_| more).map(|(number, _)| *number),
            changes: found.iter().map(|(_, entry)| words(entry)).collect(),
        });
    }
    let hint = "a node that was just started reads its stored events first: try again";
    Err(Refused::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "history_behind",
        "the history is behind the chain",
        hint,
    ))
}

/// A change as the door says it.
pub(in crate::rpc) fn words(entry: &Entry) -> ChangeWords {
    let effect = match entry.change.effect() {
        Effect::Adds => "adds",
        Effect::Takes => "takes",
        Effect::Moves => "moves",
    };
    let bounty = if let Change::Slash { bounty, .. } = entry.change { Some(bounty.0) } else { None };
    ChangeWords {
        id: format!("{}.{}", entry.height, entry.position),
        height: entry.height,
        account: entry.account.to_string(),
        kind: entry.change.name().into(),
        effect: effect.into(),
        amount: entry.amount.0,
        bounty,
        reason: entry.change.reason(),
        other: entry.change.other().map(|key| key.to_string()),
        run: entry.run.map(|id| id.to_string()),
        round: entry.round,
        claim: entry.claim.map(|id| id.to_string()),
        unit: entry.unit.map(|unit| unit.to_string()),
        dispute: entry.dispute.map(|id| id.to_string()),
    }
}
