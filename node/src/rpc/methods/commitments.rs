//! `GET /v1/commitments`: the commitments of a run, by round and slot, all or those of one round or trainer.

use super::commitment::{Commitment, words};
use crate::rpc::asked::{AFTER, Asked, LIMIT, Parameter};
use crate::rpc::door::Door;
use crate::rpc::limits::SCAN_MAX;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::State;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Commitments, by round and slot.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Commitments {
    /// The commitments.
    pub commitments: Vec<Commitment>,
    /// The `after` of the next page, as round.slot; none at the end.
    pub next: Option<String>,
}

const RUN: Parameter = Parameter { name: "run", says: "the run; must be given" };
const ROUND: Parameter = Parameter { name: "round", says: "only those of this round" };
const TRAINER: Parameter = Parameter { name: "trainer", says: "only those of this trainer" };

pub(in crate::rpc) fn row() -> Row {
    let says = "Commitments of a run, by round and slot";
    Row::look("/v1/commitments", says, &[RUN, ROUND, TRAINER, LIMIT, AFTER], look)
}

/// A slot of a run: round, then slot.
type Place = (u32, u16);

struct Filter {
    run: Digest,
    round: Option<u32>,
    trainer: Option<PeerKey>,
    after: Option<Place>,
    limit: usize,
}

fn look(door: &Door, asked: &Asked) -> Result<Commitments, Refused> {
    let run = asked.digest_of("run")?.ok_or_else(|| Refused::parameter("run", "", "the id of a run"))?;
    let round = asked.number_of("round")?.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let page = asked.page()?;
    let after = page.after.as_deref().map(place).transpose()?;
    let trainer = asked.digest_of("trainer")?.map(|digest| PeerKey(digest.0));
    let filter = Filter { run, round, trainer, after, limit: page.limit };
    let found = door.board.read(|state| scan(state, &filter));
    found.ok_or_else(|| Refused::unknown("run", run))
}

fn place(text: &str) -> Result<Place, Refused> {
    let parsed =
        text.split_once('.').and_then(|(round, slot)| Some((round.parse().ok()?, slot.parse().ok()?)));
    parsed.ok_or_else(|| Refused::parameter("after", text, "round.slot, like 3.1"))
}

/// Goes through slots in order, so many and no more: a cursor says where to go on, found something or not.
fn scan(state: &State, filter: &Filter) -> Option<Commitments> {
    let last = state.progress(&filter.run)?.round;
    let first = filter.round.unwrap_or(filter.after.map_or(0, |(round, _)| round));
    let last = filter.round.map_or(last, |round| round.min(last));
    let (mut commitments, mut scanned) = (Vec::new(), 0);
    for number in first..=last {
        // A run's table of rounds has no gaps: the first one that is missing has not opened yet.
        let Some(round) = state.round(&filter.run, number) else { break };
        for (slot, one) in (0u16..).zip(&round.slots) {
            if filter.after.is_some_and(|after| (number, slot) <= after) {
                continue;
            }
            scanned += 1;
            let is_his = filter.trainer.is_none() || one.trainer == filter.trainer;
            let found = one.commitment.filter(|_| is_his);
            commitments.extend(found.and_then(|id| Some(words(&id, state.claim(&id)?))));
            if commitments.len() == filter.limit || scanned == SCAN_MAX {
                return Some(Commitments { commitments, next: Some(format!("{number}.{slot}")) });
            }
        }
    }
    Some(Commitments { commitments, next: None })
}

#[cfg(test)]
mod tests {
    use super::place;

    /// W-3.4: a cursor that no page gave is refused.
    #[test]
    fn cursors_are_places() {
        assert_eq!(place("3.1"), Ok((3, 1)));
        for text in ["", "3", "3.", ".1", "3.1.1", "-1.0", "3.70000"] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
