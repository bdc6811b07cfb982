//! Automatic players: each answers from its own run of the unit (V-4.7).

mod accused;
mod chain;
mod challenger;
mod operands;
mod own;
mod resume;

pub use resume::ResumeError;

use crate::digest::Node;
use crate::digest::NodeValue;
use crate::game::{Game, Move, Phase, Side};
use crate::trace::Trace;
use own::Own;
use std::sync::Arc;

/// One side of a dispute, played from its own run.
#[derive(Debug)]
pub struct Player {
    side: Side,
    own: Own,
    /// The manifest's shards, for operands that are tokens.
    shards: Arc<Vec<Vec<u8>>>,
    /// Openings of the list in dispute, seen so far.
    opened: Vec<(Node, Vec<NodeValue>)>,
}

impl Player {
    /// A player for `side` that knows what its own run gave, in a game that begins.
    pub fn new(side: Side, trace: impl Trace + 'static, shards: Arc<Vec<Vec<u8>>>) -> Player {
        Player { side, own: Own::new(Box::new(trace)), shards, opened: Vec::new() }
    }

    /// Which side this player plays.
    pub fn side(&self) -> Side {
        self.side
    }

    /// How often the unit, or a part of it, was run for this player so far.
    pub fn runs(&self) -> u32 {
        self.own.trace().runs()
    }

    /// The move that is due from this side; none when it is not this side's turn or it has no answer.
    pub fn reply(&mut self, game: &Game) -> Option<Move> {
        if game.outcome().is_some() || game.turn() != self.side {
            return None;
        }
        self.see(game);
        match self.side {
            Side::Accused => accused::reply(&mut self.own, game.phase()),
            Side::Challenger => challenger::reply(self, game),
        }
    }

    /// Keeps what the accused has opened of the list in dispute.
    fn see(&mut self, game: &Game) {
        let Phase::ChooseList { node, children, .. } = game.phase() else { return };
        if self.opened.last().is_none_or(|(last, _)| last != node) {
            self.opened.push((*node, children.clone()));
        }
    }
}
