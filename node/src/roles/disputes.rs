//! A role's side of its disputes: one automatic player each, asked whenever its move is due (W-5.4).

use super::RoleError;
use super::moves::SignedMoves;
use super::open::Open;
use super::past::Past;
use super::seats::Seats;
use crate::network::Board;
use ed25519_dalek::SigningKey;
use retrace_ledger::{Body, DisputeStatus, Height, Play, State};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};
use retrace_verifier::{Game, Player, Side, SignedMove, Trace};
use std::sync::Arc;

/// The players of one role, by dispute, and the disputes that it follows.
#[derive(Debug, Default)]
pub(super) struct Disputes {
    players: Seats<Player>,
    open: Open,
}

/// A dispute in which this role's move is due.
pub(super) struct Due {
    pub id: Digest,
    pub side: Side,
    pub game: Game,
    pub opened: Height,
}

impl Disputes {
    /// All disputes in which `peer` is to move, in any run and round; the one that waits longest first.
    pub(super) fn due(&mut self, board: &Board, peer: &PeerKey) -> Vec<Due> {
        self.due_for(board, &[*peer], peer)
    }

    /// The same for all of `parties`, whose moves `signer` signs; they are the same in every call.
    pub(super) fn due_for(&mut self, board: &Board, parties: &[PeerKey], signer: &PeerKey) -> Vec<Due> {
        let signed = sign_state(board, signer);
        for id in self.open.follow(board, parties, || signed.disputes()) {
            self.players.remove(&id);
            signed.forget(&id);
        }
        board.read(|state| waiting(state, self.open.ids(), parties))
    }

    /// Sends the due move again, if it was signed: a process that was killed between signing and hearing of its block
    /// must not contradict itself. None if nothing was signed; false if it was not taken in.
    pub(super) fn said(board: &Board, key: &SigningKey, due: &Due) -> Result<Option<bool>, RoleError> {
        let signed = sign_state(board, &peer_key(key)).get(&due.id, due.game.number(), due.side)?;
        Ok(signed.map(|signed| board.submit(key, Body::Play(Box::new(Play { signed }))).is_some()))
    }

    /// Answers the first of these that can be answered; an error where there are some, and none can be. False where answers
    /// were not taken in: the next block is time enough to send them again.
    pub(super) fn first_of(
        due: Vec<Due>,
        mut answer: impl FnMut(&Due) -> Result<bool, RoleError>,
    ) -> Result<bool, RoleError> {
        let mut failed = None;
        for due in due {
            match answer(&due) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    /// Disputes come before other work, and one that cannot be answered yet holds up none of it.
    pub(super) fn before(
        answered: Result<bool, RoleError>,
        work: impl FnOnce() -> Result<bool, RoleError>,
    ) -> Result<bool, RoleError> {
        match answered {
            Ok(true) => Ok(true),
            Ok(false) => work(),
            Err(error) => work()?.then_some(true).ok_or(error),
        }
    }

    /// True once there is a player for this dispute: its run is made only once.
    pub(super) fn knows(&self, due: &Due) -> bool {
        self.players.has(&due.id)
    }

    /// Seats a player with its side's own run; what it has to remember of the dispute is in the chain's blocks.
    pub(super) fn seat(
        &mut self,
        board: &Board,
        due: &Due,
        trace: impl Trace + 'static,
        shards: Arc<Vec<Vec<u8>>>,
    ) -> Result<(), RoleError> {
        let Past { moves, keys } = Past::of(board, due)?;
        let player = Player::resume_by(due.side, trace, shards, &due.game, &moves, &keys)?;
        self.players.seat(due.id, player);
        Ok(())
    }

    /// Plays the due move; false if it was not taken in.
    pub(super) fn play(&mut self, board: &Board, key: &SigningKey, due: &Due) -> Result<bool, RoleError> {
        let reply = self.players.ask(&due.id).and_then(|player| player.reply(&due.game));
        let body = reply.ok_or(RoleError::State { what: "a move that this player can answer" })?;
        let signed = SignedMove::new(key, due.id, due.game.number(), due.side, body);
        sign_state(board, &peer_key(key)).put(&signed)?;
        Ok(board.submit(key, Body::Play(Box::new(Play { signed }))).is_some())
    }
}

fn sign_state(board: &Board, peer: &PeerKey) -> SignedMoves {
    SignedMoves::new(board.home().path().join("moves").join(peer.to_string()))
}

/// Those of `open` in which one of the parties is to move; the one that waits longest first.
fn waiting<'a>(state: &State, open: impl Iterator<Item = &'a Digest>, parties: &[PeerKey]) -> Vec<Due> {
    let mut found = Vec::new();
    for id in open {
        let Some(record) = state.dispute(id).filter(|record| record.status == DisputeStatus::Open) else {
            continue;
        };
        let Some(game) = state.game(id) else { continue };
        let side = game.turn();
        let to_move = if side == Side::Accused { record.accused } else { record.challenger };
        if parties.contains(&to_move) {
            let due = Due { id: *id, side, game: game.clone(), opened: record.opened.height };
            let clock = match side {
                Side::Accused => state.defense(&record.claim).map(|defense| defense.clock),
                Side::Challenger => Some(record.clock),
            };
            let since = clock.and_then(|clock| clock.since).unwrap_or(record.opened);
            found.push((since.height, due));
        }
    }
    found.sort_by_key(|(since, due)| (*since, due.id));
    found.into_iter().map(|(_, due)| due).collect()
}
