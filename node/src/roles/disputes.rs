//! A role's side of its disputes: one automatic player each, asked whenever its move is due (W-5.4).

use super::RoleError;
use super::moves::SignedMoves;
use crate::network::Board;
use ed25519_dalek::SigningKey;
use retrace_ledger::{Body, DisputeStatus, Height, Play, State};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};
use retrace_verifier::{Game, Player, Side, SignedMove, Trace};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most players at once. Each may hold the outputs that its dispute has come to; one that has to go is made again.
const PLAYERS_MAX: usize = 4;

/// The players of one role, by dispute.
#[derive(Debug, Default)]
pub(super) struct Disputes {
    players: BTreeMap<Digest, Player>,
}

/// A dispute in which this role's move is due.
pub(super) struct Due {
    pub id: Digest,
    pub side: Side,
    pub game: Game,
    opened: Height,
}

impl Disputes {
    /// All disputes in which `peer` is to move, in any run and round; the one that waits longest first.
    pub(super) fn due(&mut self, board: &Board, peer: &PeerKey) -> Vec<Due> {
        let (due, ended) = board.read(|state| {
            let ended: Vec<Digest> = self.players.keys().copied().filter(|id| !is_open(state, id)).collect();
            (waiting(state, peer), ended)
        });
        for id in ended {
            self.players.remove(&id);
            sign_state(board, peer).forget(&id);
        }
        due
    }

    /// Sends the due move again, if it was signed: a process that was killed between signing and hearing of its block
    /// must not contradict itself. False if nothing was signed.
    pub(super) fn said(board: &Board, key: &SigningKey, due: &Due) -> Result<bool, RoleError> {
        let signed = sign_state(board, &peer_key(key)).get(&due.id, due.game.number(), due.side)?;
        let found = signed.is_some();
        if let Some(signed) = signed {
            board.submit(key, Body::Play(Box::new(Play { signed })));
        }
        Ok(found)
    }

    /// Answers the first of these that can be answered; an error where there are some, and none can be.
    pub(super) fn first_of(
        due: Vec<Due>,
        mut answer: impl FnMut(&Due) -> Result<(), RoleError>,
    ) -> Result<bool, RoleError> {
        let mut failed = None;
        for due in due {
            match answer(&due) {
                Ok(()) => return Ok(true),
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
        self.players.contains_key(&due.id)
    }

    /// Seats a player with its side's own run; what it has to remember of the dispute is in the chain's blocks.
    pub(super) fn seat(
        &mut self,
        board: &Board,
        due: &Due,
        trace: impl Trace + 'static,
        shards: Arc<Vec<Vec<u8>>>,
    ) -> Result<(), RoleError> {
        let moves = played(board, due)?;
        let parties = [Side::Accused, Side::Challenger].map(|side| due.game.key(side));
        let keys = board.read(|state| parties.map(|party| state.defense_key(&party)));
        let keys: Vec<PeerKey> = keys.into_iter().flatten().collect();
        let player = Player::resume_by(due.side, trace, shards, &due.game, &moves, &keys)?;
        if self.players.len() >= PLAYERS_MAX {
            self.players.pop_first();
        }
        self.players.insert(due.id, player);
        Ok(())
    }

    /// Plays the due move.
    pub(super) fn play(&mut self, board: &Board, key: &SigningKey, due: &Due) -> Result<(), RoleError> {
        debug_assert_eq!(due.game.key(due.side), peer_key(key));
        let reply = self.players.get_mut(&due.id).and_then(|player| player.reply(&due.game));
        let body = reply.ok_or(RoleError::State { what: "a move that this player can answer" })?;
        let signed = SignedMove::new(key, due.id, due.game.number(), due.side, body);
        sign_state(board, &peer_key(key)).put(&signed)?;
        board.submit(key, Body::Play(Box::new(Play { signed })));
        Ok(())
    }
}

fn sign_state(board: &Board, peer: &PeerKey) -> SignedMoves {
    SignedMoves::new(board.home().path().join("moves").join(peer.to_string()))
}

fn is_open(state: &State, dispute: &Digest) -> bool {
    state.dispute(dispute).is_some_and(|record| record.status == DisputeStatus::Open)
}

fn waiting(state: &State, peer: &PeerKey) -> Vec<Due> {
    let mut found = Vec::new();
    for (id, record) in state.disputes() {
        if record.status != DisputeStatus::Open || (record.accused != *peer && record.challenger != *peer) {
            continue;
        }
        let Some(game) = state.game(&id) else { continue };
        let side = game.turn();
        let to_move = if side == Side::Accused { record.accused } else { record.challenger };
        if to_move == *peer {
            let due = Due { id, side, game: game.clone(), opened: record.opened.height };
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

/// The moves that brought the game where it is, from the blocks since it was opened.
fn played(board: &Board, due: &Due) -> Result<Vec<SignedMove>, RoleError> {
    let (mut moves, mut height) = (Vec::new(), due.opened);
    while moves.len() < usize::from(due.game.number()) {
        let Some((block, _)) = board.block(height)? else { break };
        for wire in block.transactions {
            match wire.body.body {
                Body::Play(play) if play.signed.dispute == due.id => moves.push(play.signed),
                _ => {}
            }
        }
        height = height.after(1);
    }
    moves.truncate(usize::from(due.game.number()));
    Ok(moves)
}
