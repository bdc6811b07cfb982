//! A table to play at: moves are signed and posted, and whoever has no legal answer loses by the clock.

use super::{LabError, Trial};
use crate::docket::{Docket, DocketError};
use crate::evidence::Bundle;
use crate::game::{Game, Move, Refusal, Side, SignedMove};
use crate::player::Player;
use ed25519_dalek::SigningKey;

/// One side's answers: the move that is due, or none where it has no answer.
pub(super) type Hand<'a> = &'a mut dyn FnMut(&Game) -> Option<Move>;

/// A dispute that is being played.
pub(super) struct Table<'a> {
    pub game: Game,
    pub moves: Vec<SignedMove>,
    keys: [&'a SigningKey; 2],
    by_side: [u16; 2],
}

impl<'a> Table<'a> {
    pub(super) fn open(docket: Docket, keys: [&'a SigningKey; 2]) -> Result<Table<'a>, DocketError> {
        Ok(Table { game: Game::open(docket)?, moves: Vec::new(), keys, by_side: [0; 2] })
    }

    /// The move as its side signs it.
    pub(super) fn sign(&self, side: Side, body: Move) -> SignedMove {
        SignedMove::new(self.keys[side as usize], self.game.id(), self.game.number(), side, body)
    }

    /// Posts a move as it stands.
    pub(super) fn post(&mut self, signed: SignedMove) -> Result<(), Refusal> {
        self.game.play(&signed)?;
        self.by_side[signed.side as usize] += 1;
        self.moves.push(signed);
        Ok(())
    }

    /// Plays until `stop` holds of the game, or it is over.
    pub(super) fn play_until(
        &mut self,
        hands: [Hand; 2],
        stop: impl Fn(&Game) -> bool,
    ) -> Result<(), LabError> {
        let [accused, challenger] = hands;
        while self.game.outcome().is_none() && !stop(&self.game) {
            let side = self.game.turn();
            let body = match side {
                Side::Accused => accused(&self.game),
                Side::Challenger => challenger(&self.game),
            };
            let body = body.ok_or(LabError::Silent { side })?;
            let signed = self.sign(side, body);
            self.post(signed).map_err(|refusal| LabError::Refused { side, refusal })?;
        }
        Ok(())
    }

    /// What was played, once it is over.
    pub(super) fn trial(self) -> Result<Trial, LabError> {
        let outcome = self.game.outcome().cloned().ok_or(LabError::Unfinished)?;
        Ok(Trial {
            outcome,
            judging_bytes: self.moves.last().map_or(0, SignedMove::bytes),
            posted_bytes: self.game.posted_bytes(),
            moves_a_side: self.by_side[0].max(self.by_side[1]),
            bundle: Bundle::new(self.game.docket().clone(), self.moves),
        })
    }
}

/// Plays two hands to the end of a dispute.
pub(super) fn duel(docket: Docket, hands: [Hand; 2], keys: [&SigningKey; 2]) -> Result<Trial, LabError> {
    let mut table = Table::open(docket, keys)?;
    table.play_until(hands, |_| false)?;
    table.trial()
}

/// Plays two players, accused and challenger, to the end of a dispute.
pub fn play(docket: Docket, players: [Player; 2], keys: [&SigningKey; 2]) -> Result<Trial, LabError> {
    let [mut accused, mut challenger] = players;
    duel(docket, [&mut |game| accused.reply(game), &mut |game| challenger.reply(game)], keys)
}
