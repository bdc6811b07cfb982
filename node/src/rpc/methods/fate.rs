//! `GET /v1/transactions/{id}`: what became of a transaction (W-3.5).

use crate::network::Fate;
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a transaction, as far as this node remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionFate {
    /// Its id.
    pub id: String,
    /// pending, included, refused or unknown.
    pub status: String,
    /// Height of its block, if it is included.
    pub height: Option<u64>,
    /// Why it was refused.
    pub reason: Option<String>,
}

pub(in crate::rpc) fn row() -> Row {
    let says = "What became of a transaction: pending, included, refused or unknown";
    Row::look("/v1/transactions/{id}", says, &[], look)
}

fn look(door: &Door, asked: &Asked) -> Result<TransactionFate, Refused> {
    let id = asked.digest("id")?;
    let (status, height, reason) = match door.board.fate(&id) {
        Fate::Pending => ("pending", None, None),
        Fate::Included { height } => ("included", Some(height.0), None),
        Fate::Refused { reason } => ("refused", None, Some(reason)),
        // The board remembers what this process saw; the history has read the blocks of those before it.
        Fate::Unknown => match door.history.included(&id) {
            Some(height) => ("included", Some(height), None),
            None => ("unknown", None, None),
        },
    };
    Ok(TransactionFate { id: id.to_string(), status: status.into(), height, reason })
}
