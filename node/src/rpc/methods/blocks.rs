//! `GET /v1/blocks`: heads of blocks, newest or from a height on.

use crate::rpc::asked::{Asked, LIMIT, Parameter};
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{Block, Height};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a header says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlockHead {
    /// Height.
    pub height: u64,
    /// Id.
    pub id: String,
    /// Time, milliseconds since 1970.
    pub time_ms: u64,
    /// Id of the block before.
    pub parent: String,
    /// State root after it.
    pub state_root: String,
    /// Beacon.
    pub beacon: String,
    /// Consensus key of the validator that first proposed it.
    pub proposer: String,
    /// How many transactions it carries.
    pub transactions: u32,
}

/// Heads, lowest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Blocks {
    /// The heads.
    pub blocks: Vec<BlockHead>,
    /// The `from` of the next page; none at the head.
    pub next: Option<u64>,
}

/// Blocks are read whole to tell their heads.
const BLOCKS_MAX: u64 = 50;
const FROM: Parameter = Parameter { name: "from", says: "first height; if left out, the last blocks" };

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/blocks", "Heads of blocks, at most 50 a page", &[FROM, LIMIT], look)
}

/// The head of a block.
pub(in crate::rpc) fn head_words(block: &Block) -> BlockHead {
    let header = &block.header.body;
    BlockHead {
        height: header.height.0,
        id: block.id().to_string(),
        time_ms: header.time_ms,
        parent: header.parent.to_string(),
        state_root: header.state_root.to_string(),
        beacon: retrace_verifier::digest::Digest(header.beacon).to_string(),
        proposer: header.proposer.to_string(),
        transactions: u32::try_from(block.transactions.len()).unwrap_or(u32::MAX),
    }
}

fn look(door: &Door, asked: &Asked) -> Result<Blocks, Refused> {
    let head = door.board.head().height.0;
    let limit = asked.number_of("limit")?.unwrap_or(BLOCKS_MAX).clamp(1, BLOCKS_MAX);
    let newest = head.saturating_sub(limit - 1);
    let from = asked.number_of("from")?.unwrap_or(newest).max(1);
    let end = head.saturating_add(1).min(from.saturating_add(limit));
    let mut blocks = Vec::new();
    for height in from..end {
        let block = door.board.block(Height(height)).map_err(Refused::fault)?;
        blocks.extend(block.map(|(block, _)| head_words(&block)));
    }
    Ok(Blocks { blocks, next: (from <= head && end <= head).then_some(end) })
}
