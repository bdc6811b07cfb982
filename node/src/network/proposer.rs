//! The only validator of a network in one process: a block when there is work, and a heartbeat when there is none.

use super::Board;
use retrace_ledger::{BlockError, Certificate, CommitSignature, ProposerSecrets, Signed, Vote, VoteKind};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest time without a block.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// Shortest time between two blocks.
const INTERVAL: Duration = Duration::from_millis(10);

/// Proposes, votes for and applies blocks until the board is stopped.
pub fn propose_until_stopped(board: &Board, secrets: &ProposerSecrets) {
    while !board.is_stopped() {
        board.wait_for_pending(HEARTBEAT);
        if let Err(error) = propose_once(board, secrets) {
            board.fail("proposer", &error.to_string());
            board.stop();
        }
        std::thread::sleep(INTERVAL);
    }
}

/// The next block, decided by the one vote there is.
pub fn propose_once(board: &Board, secrets: &ProposerSecrets) -> Result<(), BlockError> {
    let time_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
    let block = board.build(secrets, time_ms)?;
    let (height, id, validator) = (block.header().height, block.id(), block.header().proposer);
    let (network, kind, round) = (board.network(), VoteKind::Precommit, 0);
    let vote = Vote { network, height, round, kind, block: Some(id), validator };
    let signatures = Signed::sign(vote, &secrets.signing)
        .map(|signed| CommitSignature { validator, signature: signed.wire().signature });
    let certificate = Certificate { height, round, block: id, signatures: signatures.into_iter().collect() };
    board.apply(&block, &certificate)
}
