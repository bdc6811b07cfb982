//! A player that comes back in the middle of a dispute: what it has seen is in the moves that were played (V-4.7).

use super::Player;
use crate::docket::DocketError;
use crate::game::{Game, Refusal, Side, SignedMove};
use crate::signature::PeerKey;
use crate::trace::Trace;
use std::sync::Arc;

/// Moves that do not lead to the game at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The docket does not hold together.
    #[error("{0}")]
    Docket(#[from] DocketError),
    /// A recorded move was refused.
    #[error("recorded move {number} is refused: {refusal}")]
    Refused {
        /// Its number.
        number: u16,
        /// Why.
        refusal: Refusal,
    },
    /// The moves end elsewhere.
    #[error("the recorded moves do not lead to the game at hand")]
    Elsewhere,
}

impl Player {
    /// A player for `side` in a game that stands where `moves`, all that were played so far, have brought it.
    ///
    /// # Errors
    /// Refuses moves that are not the game's: a player that has seen another game would prove under other roots.
    pub fn resume(
        side: Side,
        trace: impl Trace + 'static,
        shards: Arc<Vec<Vec<u8>>>,
        game: &Game,
        moves: &[SignedMove],
    ) -> Result<Player, ResumeError> {
        Player::resume_by(side, trace, shards, game, moves, &[])
    }

    /// The same where moves may be signed by defense keys (V-3.8): any of `defense`, for which the caller vouches.
    ///
    /// # Errors
    /// As [`Player::resume`].
    pub fn resume_by(
        side: Side,
        trace: impl Trace + 'static,
        shards: Arc<Vec<Vec<u8>>>,
        game: &Game,
        moves: &[SignedMove],
        defense: &[PeerKey],
    ) -> Result<Player, ResumeError> {
        let mut player = Player::new(side, trace, shards);
        let mut replayed = Game::open(game.docket().clone())?;
        for signed in moves {
            player.see(&replayed);
            let refused = |refusal| ResumeError::Refused { number: signed.number, refusal };
            replayed.play_by(signed, defense).map_err(refused)?;
        }
        if replayed == *game { Ok(player) } else { Err(ResumeError::Elsewhere) }
    }
}
