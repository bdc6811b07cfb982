//! Automatic players: each answers from its own run of the unit (V-4.7).

mod accused;
mod chain;
mod challenger;
mod operands;

use crate::digest::Node;
use crate::digest::NodeValue;
use crate::game::{Game, Move, Phase, Side};
use crate::replay::Witness;
use std::sync::Arc;

/// One side of a dispute, played from a witness.
#[derive(Debug)]
pub struct Player {
    side: Side,
    witness: Witness,
    /// The manifest's shards, for operands that are tokens.
    shards: Arc<Vec<Vec<u8>>>,
    /// Openings of the list in dispute, seen so far.
    opened: Vec<(Node, Vec<NodeValue>)>,
}

impl Player {
    /// A player for `side` that knows what its own run gave.
    pub fn new(side: Side, witness: Witness, shards: Arc<Vec<Vec<u8>>>) -> Player {
        Player { side, witness, shards, opened: Vec::new() }
    }

    /// Which side this player plays.
    pub fn side(&self) -> Side {
        self.side
    }

    /// The move that is due from this side; none when it is not this side's turn or it has no answer.
    pub fn reply(&mut self, game: &Game) -> Option<Move> {
        if game.outcome().is_some() || game.turn() != self.side {
            return None;
        }
        if let Phase::ChooseList { node, children, .. } = game.phase() {
            self.opened.push((*node, children.clone()));
        }
        match self.side {
            Side::Accused => accused::reply(&self.witness, game.phase()),
            Side::Challenger => challenger::reply(self, game),
        }
    }
}
