//! `GET /v1/slashes` and `/v1/slashes/{id}`: stake that was slashed, whose, why and by which dispute (W-3.8).

use super::rewards::{ChangeWords, words};
use crate::rpc::asked::{AFTER, Asked, LIMIT};
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Slashes, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Slashes {
    /// From this height on none is missing.
    pub whole_from: u64,
    /// The slashes.
    pub slashes: Vec<ChangeWords>,
    /// The `after` of the next page; none at the end.
    pub next: Option<u64>,
}

pub(in crate::rpc) fn list() -> Row {
    Row::look("/v1/slashes", "Stake that was slashed, oldest first", &[LIMIT, AFTER], look_all)
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/slashes/{id}", "One slash, by its name: height.position", &[], look)
}

fn look_all(door: &Door, asked: &Asked) -> Result<Slashes, Refused> {
    let page = asked.page()?;
    let (found, more) = door.history.slashes(page.after_number()?, page.limit);
    let next = found.last().filter(|_| more).map(|(number, _)| *number);
    let slashes = found.iter().map(|(_, entry)| words(entry)).collect();
    Ok(Slashes { whole_from: door.history.coverage().from, slashes, next })
}

fn look(door: &Door, asked: &Asked) -> Result<ChangeWords, Refused> {
    let id = asked.word("id");
    let place = id.split_once('.').and_then(|(height, at)| Some((height.parse().ok()?, at.parse().ok()?)));
    let (height, position) =
        place.ok_or_else(|| Refused::parameter("id", id, "height.position, like 120.3"))?;
    let found = door.history.at(height, position);
    let slash = found.filter(|entry| entry.change.is_slash());
    slash.map(|entry| words(&entry)).ok_or_else(|| Refused::unknown("slash", id))
}
