//! A role's side of its disputes: one automatic player each, asked whenever its move is due (W-5.4).

use super::{RoleError, View};
use crate::network::Board;
use ed25519_dalek::SigningKey;
use retrace_ledger::{Body, DisputeStatus, Play};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};
use retrace_verifier::{Game, Player, Side, SignedMove, Witness};
use std::collections::BTreeMap;
use std::sync::Arc;

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
}

impl Disputes {
    /// The first dispute of the current claims in which `peer` is to move.
    pub(super) fn due(board: &Board, view: &View, peer: &PeerKey) -> Option<Due> {
        let ids = view.claims.iter().flat_map(|(_, record)| record.disputes.iter());
        board.read(|state| {
            for id in ids {
                let record = state.dispute(id)?;
                let game = state.game(id)?;
                let side = game.turn();
                let to_move = if side == Side::Accused { record.accused } else { record.challenger };
                if record.status == DisputeStatus::Open && to_move == *peer {
                    return Some(Due { id: *id, side, game: game.clone() });
                }
            }
            None
        })
    }

    /// True once there is a player for this dispute: its witness is made only once.
    pub(super) fn knows(&self, due: &Due) -> bool {
        self.players.contains_key(&due.id)
    }

    /// Seats a player with what its side's own run gave.
    pub(super) fn seat(&mut self, due: &Due, witness: Witness, shards: Arc<Vec<Vec<u8>>>) {
        self.players.insert(due.id, Player::new(due.side, witness, shards));
    }

    /// Plays the due move.
    pub(super) fn play(&mut self, board: &Board, key: &SigningKey, due: &Due) -> Result<(), RoleError> {
        debug_assert_eq!(due.game.key(due.side), peer_key(key));
        let reply = self.players.get_mut(&due.id).and_then(|player| player.reply(&due.game));
        let body = reply.ok_or(RoleError::State { what: "a move that this player can answer" })?;
        let signed = SignedMove::new(key, due.id, due.game.number(), due.side, body);
        board.submit(key, Body::Play(Box::new(Play { signed })));
        Ok(())
    }
}
