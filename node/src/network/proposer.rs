//! The one proposer: a block when there is work, and a heartbeat when there is none.

use super::{Board, Notice};
use crate::home::HomeError;
use retrace_ledger::{Body, CheckedBlock, ProposerSecrets};
use retrace_verifier::SignedMove;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest time without a block.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// Shortest time between two blocks.
const INTERVAL: Duration = Duration::from_millis(10);

/// Proposes and applies blocks until the board is stopped. Every block is on disk before anybody hears of it.
pub fn propose_until_stopped(board: &Board, secrets: &ProposerSecrets) {
    while !board.is_stopped() {
        let pending = board.take_pending(HEARTBEAT);
        if let Err(error) = propose(board, secrets, pending) {
            board.tell(Notice::Failed { role: "proposer".into(), reason: error.to_string() });
            board.stop();
        }
        std::thread::sleep(INTERVAL);
    }
}

fn propose(
    board: &Board,
    secrets: &ProposerSecrets,
    pending: Vec<retrace_ledger::Signed<retrace_ledger::Transaction>>,
) -> Result<(), HomeError> {
    // An invalid transaction is dropped: two verifiers may settle one claim, and the second one comes too late.
    let taken: Vec<_> = pending.iter().map(|signed| signed.id()).collect();
    let time_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
    let (block, events, judge_us, dropped) = board.advance(&taken, |chain| {
        let fault = |e: String| HomeError::Damaged { path: board.home().path().to_path_buf(), what: e };
        let proposal = chain.propose(secrets, time_ms, pending).map_err(|e| fault(e.to_string()))?;
        let bytes = borsh::to_vec(&proposal.block.wire()).unwrap_or_default();
        let judge_us = time_judges(chain.state(), &proposal.block);
        board.home().append_block(&bytes)?;
        let events = chain.apply(&proposal.block).map_err(|e| fault(e.to_string()))?;
        Ok((proposal.block, events, judge_us, proposal.dropped))
    })?;
    // A run that is refused never begins, and nobody here would wait for anything else.
    for (signed, reason) in dropped {
        if matches!(signed.body().body, Body::OpenRun(_)) {
            board.tell(Notice::Failed { role: "sponsor".into(), reason: reason.to_string() });
        }
    }
    let moves = moves_of(&block);
    board.tell(Notice::Block { height: block.header().height, events, moves, judge_us });
    Ok(())
}

fn moves_of(block: &CheckedBlock) -> Vec<SignedMove> {
    let moves = block.transactions().iter().filter_map(|signed| match &signed.body().body {
        Body::Play(play) => Some(play.signed.clone()),
        _ => None,
    });
    moves.collect()
}

/// Judges each judging move of the block once more beside the ledger, to say how long that takes.
fn time_judges(
    state: &retrace_ledger::State,
    block: &CheckedBlock,
) -> Vec<(retrace_verifier::digest::Digest, u64)> {
    let judges = moves_of(block).into_iter().filter(|m| matches!(m.body, retrace_verifier::Move::Judge(_)));
    let timed = judges.filter_map(|signed| {
        let mut game = state.game(&signed.dispute)?.clone();
        let start = Instant::now();
        game.play(&signed).ok()?;
        Some((signed.dispute, start.elapsed().as_micros() as u64))
    });
    timed.collect()
}
