//! One range of blocks from one peer: bounded, parsed, then checked as far as can be without the chain.

use super::super::limits::BLOCKS_ANSWER_MAX;
use super::super::refused::{Refused, Unanswered};
use super::super::shared::Shared;
use super::super::wire::{Blocks, BlocksAnswer, Channel, Sealed};
use super::window::Order;
use retrace_ledger::{Certificate, CheckedBlock, Height, decode, encode};

/// A block whose signatures hold, with a certificate that is said to be its own.
pub(in super::super) struct Checked {
    pub(in super::super) block: CheckedBlock,
    pub(in super::super) certificate: Certificate,
}

/// What came for an order.
pub(super) enum Fetched {
    /// Some of the blocks, from the first one on.
    Blocks {
        /// At least one.
        blocks: Vec<Checked>,
        /// Bytes of the answer.
        bytes: usize,
    },
    /// The peer has none of them, although it said so.
    Missing,
    /// No answer, or "later".
    Nothing {
        /// True if none came in time: less should be asked for.
        is_late: bool,
    },
    /// Something else.
    Lie(Refused),
}

/// Asks a peer for its range, and checks what comes on a worker.
pub(super) async fn fetch(shared: &Shared, order: &Order) -> Fetched {
    let question = Blocks { from: order.from, count: order.count };
    let answer = match shared.ask_bytes(order.peer, Channel::Blocks, encode(&question)).await {
        Ok(answer) => answer,
        Err(unanswered) => return Fetched::Nothing { is_late: unanswered == Unanswered::Late },
    };
    // Not on a shared worker: others' questions must not keep this node from following.
    let checked = tokio::task::spawn_blocking(move || check(&question, &answer)).await;
    checked.unwrap_or(Fetched::Nothing { is_late: false })
}

fn check(question: &Blocks, answer: &[u8]) -> Fetched {
    let sealed = match decode(answer, BLOCKS_ANSWER_MAX as usize) {
        Ok(BlocksAnswer::Blocks(sealed)) => sealed,
        Ok(BlocksAnswer::Busy) => return Fetched::Nothing { is_late: false },
        Err(_) => return Fetched::Lie(Refused::Malformed),
    };
    if sealed.is_empty() {
        return Fetched::Missing;
    }
    if sealed.len() > question.count as usize {
        return Fetched::Lie(Refused::BlocksOther);
    }
    let heights = question.from.0..;
    let checked = sealed.into_iter().zip(heights).map(|(sealed, height)| check_one(sealed, Height(height)));
    match checked.collect::<Result<Vec<Checked>, Refused>>() {
        Ok(blocks) => Fetched::Blocks { blocks, bytes: answer.len() },
        Err(refused) => Fetched::Lie(refused),
    }
}

/// What can be seen without the chain comes first, what is dear last.
fn check_one(sealed: Sealed, height: Height) -> Result<Checked, Refused> {
    let Sealed { block, certificate } = sealed;
    if block.header.body.height != height {
        return Err(Refused::BlocksOther);
    }
    if certificate.height != height || certificate.block != block.id() {
        return Err(Refused::BlockUnproved);
    }
    let block = CheckedBlock::check(block).map_err(|_| Refused::BlockInvalid)?;
    Ok(Checked { block, certificate })
}
