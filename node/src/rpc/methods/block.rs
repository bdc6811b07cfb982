//! `GET /v1/blocks/{height}` and `/bytes`: one block with what is in it, what it did and who signed it.

use super::blocks::{BlockHead, head_words};
use super::events::block_words;
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{Block, Certificate, Signable, Transaction, Unchecked, encode, encoded_len};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A block.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FullBlock {
    /// Its header.
    pub head: BlockHead,
    /// Its transactions, in order.
    pub transactions: Vec<TransactionHead>,
    /// The round of agreement in which it was decided.
    pub round: u32,
    /// Consensus keys of those whose precommits certify it.
    pub signers: Vec<String>,
    /// What happened in it: as `/v1/events` says it.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Value>,
}

/// What a transaction is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionHead {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: String,
    /// Who signed it.
    pub signer: String,
    /// Its nonce.
    pub nonce: u64,
    /// Its bytes with the signature.
    pub bytes: u64,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/blocks/{height}", "A block: header, transactions, signers, events", &[], look)
}

pub(in crate::rpc) fn bytes() -> Row {
    let says = "A block's canonical bytes (L-1.1)";
    Row::bytes("/v1/blocks/{height}/bytes", says, "application/octet-stream", look_bytes)
}

fn find(door: &Door, asked: &Asked) -> Result<(Block, Certificate), Refused> {
    let height = asked.height("height")?;
    let found = door.board.block(height).map_err(Refused::fault)?;
    found.ok_or_else(|| Refused::unknown("block", height))
}

fn look(door: &Door, asked: &Asked) -> Result<FullBlock, Refused> {
    let (block, certificate) = find(door, asked)?;
    let height = block.header.body.height;
    let events = door.board.events(height).map_err(Refused::fault)?;
    Ok(FullBlock {
        head: head_words(&block),
        transactions: block.transactions.iter().map(transaction_words).collect(),
        round: certificate.round,
        signers: certificate.signatures.iter().map(|one| one.validator.to_string()).collect(),
        events: block_words(height.0, &events),
    })
}

fn look_bytes(door: &Door, asked: &Asked) -> Result<Vec<u8>, Refused> {
    find(door, asked).map(|(block, _)| encode(&block))
}

fn transaction_words(wire: &Unchecked<Transaction>) -> TransactionHead {
    TransactionHead {
        id: wire.body.id().to_string(),
        kind: wire.body.body.kind().into(),
        signer: wire.body.signer.to_string(),
        nonce: wire.body.nonce,
        bytes: encoded_len(wire) as u64,
    }
}
