//! Whether the bytes that were sent as a block are one that may be voted for (W-1.4, W-1.9).

use super::Ledger;
use super::assembly::Assembled;
use super::context::{Init, PartRefused, ValidatorSet};
use retrace_ledger::limits::BLOCK_BYTES_MAX;
use retrace_ledger::{Block, BlockError, CheckedBlock, Fault, decode};
use retrace_verifier::digest::Digest;
use std::time::{SystemTime, UNIX_EPOCH};

/// How far a header's time may be from our clock, in milliseconds.
pub const CLOCK_MS: u64 = 2000;

/// What became of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are a block that may be voted for.
    Valid(Box<CheckedBlock>),
    /// They are the announced block, and it must not be voted for.
    Invalid,
    /// The ledger went on meanwhile: nothing can be said of it any more.
    Late,
}

/// Our clock, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Whether a stream may begin: its sender is a validator of this height and has signed the beginning.
pub fn welcome(init: &Init, network: &Digest, set: &ValidatorSet) -> Result<(), PartRefused> {
    if !set.contains(&init.sender) {
        return Err(PartRefused::Sender);
    }
    init.verify(network).map_err(|_| PartRefused::Signature)
}

/// The block in the bytes, if they are the announced ones. What fails here is the sender's doing and says nothing
/// of the block with this id: somebody else may send it whole.
pub fn open(assembled: &Assembled) -> Result<CheckedBlock, PartRefused> {
    let Assembled { init, bytes } = assembled;
    if Digest::from(blake3::hash(bytes)) != init.content {
        return Err(PartRefused::Content);
    }
    let block: Block = decode(bytes, BLOCK_BYTES_MAX).map_err(|_| PartRefused::Block)?;
    if block.id() != init.value.block.0 || block.header.body.height.0 != init.height.0 {
        return Err(PartRefused::Block);
    }
    CheckedBlock::check(block).map_err(|_| PartRefused::Block)
}

/// Whether the block may be voted for: its time is near our clock, the ledger finds it valid, and no dispute is left out.
pub fn judge(ledger: &dyn Ledger, init: &Init, block: CheckedBlock, now_ms: u64) -> Result<Verdict, Fault> {
    if !is_timely(block.header().time_ms, now_ms, init.valid_round.is_some()) {
        return Ok(Verdict::Invalid);
    }
    let verdict = check(ledger, block)?;
    match verdict {
        Verdict::Valid(block) if init.valid_round.is_none() => complete(ledger, block),
        // Two thirds found nothing missing in a block that is proposed again.
        other => Ok(other),
    }
}

/// Refuses a block that leaves out a dispute (W-1.9). Only a vote depends on it: a decided block is never asked.
fn complete(ledger: &dyn Ledger, block: Box<CheckedBlock>) -> Result<Verdict, Fault> {
    let Some(omitted) = ledger.omission(&block)? else { return Ok(Verdict::Valid(block)) };
    ledger.refused("proposal", "omission");
    tracing::warn!(block = %block.id(), %omitted, "a block leaves out a dispute transaction that was held for long");
    Ok(Verdict::Invalid)
}

/// Whether the ledger finds the block valid.
pub fn check(ledger: &dyn Ledger, block: CheckedBlock) -> Result<Verdict, Fault> {
    match ledger.check(&block) {
        Ok(()) => Ok(Verdict::Valid(Box::new(block))),
        Err(BlockError::Invalid(_)) if ledger.head().height >= block.header().height => Ok(Verdict::Late),
        Err(BlockError::Invalid(reason)) => {
            tracing::warn!(block = %block.id(), %reason, "a block is invalid");
            Ok(Verdict::Invalid)
        }
        Err(BlockError::Fault(fault)) => Err(fault),
    }
}

/// A block that is proposed again was timely once, as two thirds have said: it may be old, and never of the future.
fn is_timely(time_ms: u64, now_ms: u64, is_again: bool) -> bool {
    let is_too_late = time_ms > now_ms.saturating_add(CLOCK_MS);
    let is_too_early = time_ms.saturating_add(CLOCK_MS) < now_ms;
    !is_too_late && (is_again || !is_too_early)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W-1.4: two seconds either way; a block that is proposed again may be older.
    #[test]
    fn header_time_is_bounded_by_the_clock() {
        let timely = |time, is_again| is_timely(time, 10_000, is_again);
        assert!(timely(8_000, false) && timely(12_000, false));
        assert!(!timely(7_999, false) && !timely(12_001, false));
        assert!(timely(1, true) && !timely(12_001, true));
        assert!(is_timely(u64::MAX, u64::MAX, false));
    }
}
