//! `GET /v1/find/{prefix}`: what begins with these digits, so that people need not type sixty-four.

use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::limits::SCAN_MAX;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::State;
use retrace_verifier::digest::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Things whose id begins like this; at most twenty of each kind.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// The things.
    pub found: Vec<Thing>,
}

/// A thing with an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Thing {
    /// account, run, claim or dispute.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// Most things of one kind.
const KIND_MAX: usize = 20;
/// Fewest digits that are worth a look.
const DIGITS_MIN: usize = 4;

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/find/{prefix}", "Accounts, runs, claims and disputes whose id begins like this", &[], look)
}

fn look(door: &Door, asked: &Asked) -> Result<Found, Refused> {
    let prefix = asked.word("prefix");
    let is_hex = prefix.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex || !(DIGITS_MIN..=64).contains(&prefix.len()) {
        return Err(Refused::parameter("prefix", prefix, "4 to 64 lowercase hexadecimal digits"));
    }
    let take = |kind: &str, ids: &mut dyn Iterator<Item = String>| -> Vec<Thing> {
        let begins = ids.filter(|id| id.starts_with(prefix)).take(KIND_MAX);
        begins.map(|id| Thing { kind: kind.into(), id }).collect()
    };
    let found = door.board.read(|state| {
        [
            take("account", &mut state.accounts().map(|(key, _)| key.to_string())),
            take("run", &mut state.runs().map(|(id, _)| id.to_string())),
            take("claim", &mut claims(state).take(SCAN_MAX).map(|id| id.to_string())),
            take("dispute", &mut state.disputes().map(|(id, _)| id.to_string())),
        ]
    });
    Ok(Found { found: found.into_iter().flatten().collect() })
}

/// Commitments and standing base claims, by run and round.
fn claims(state: &State) -> impl Iterator<Item = Digest> {
    let rounds = state.runs().flat_map(move |(run, _)| {
        let last = state.progress(&run).map_or(0, |progress| progress.round);
        (0..=last).filter_map(move |number| state.round(&run, number))
    });
    rounds.flat_map(|round| round.commitments().chain(round.standing))
}
