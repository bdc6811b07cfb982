//! Disputes over one op at any size: real digests over whole operands, of which nothing is kept (V-4.10).
//!
//! ```text
//! run specification -> its step's real program -> one row of it
//! operands, output  -> words that follow from their index, hashed piece by piece with BLAKE3
//! the accused       -> one accumulator of one element is wrong; what follows from it is computed rightly
//! both players      -> every move from those sources; the Game judges, and the bundle convicts on its own
//! ```
//!
//! Other outputs, and all other elements of this one, are arbitrary: a dispute never looks at them. So the challenger
//! does not search for the lie by comparing runs (V-4.7), it is told where it is; all of its proofs are real.

mod chain;
mod moves;
mod row;
mod scene;
mod size;
mod sizes;
mod table;
mod tensor;

pub use row::{Layout, ROWS, RowName, choose};
pub use scene::{Scene, SceneError, Sources};
pub use size::{SIZES, Size};
pub use sizes::{AtSize, Measured, Options, ScaleError, Sizes, sizes};
pub use tensor::{Source, Words};

use crate::evidence::Bundle;
use crate::game::{Game, Outcome, Side, SignedMove};
use crate::lab::{ENVELOPE_BYTES, LabError, posted_bytes};

/// A dispute over one op, played to its end.
#[derive(Clone, Debug)]
pub struct Played {
    /// How it ended.
    pub outcome: Outcome,
    /// The game as the last move found it, and that move: what a ledger does to judge.
    pub judging: (Game, SignedMove),
    /// Moves of the accused and of the challenger.
    pub moves: [u16; 2],
    /// Bytes of all transactions of the dispute, its opening included.
    pub posted_bytes: u64,
    /// Its evidence.
    pub bundle: Bundle,
}

impl Played {
    /// Bytes of the transaction that carries the last move.
    pub fn judging_bytes(&self) -> u64 {
        self.judging.1.bytes() + ENVELOPE_BYTES
    }
}

/// Plays a scene's dispute to its end.
pub fn play(scene: &Scene) -> Result<Played, LabError> {
    let mut game = Game::open(scene.docket.clone())?;
    let mut signed_moves = Vec::new();
    let mut moves = [0; 2];
    loop {
        let side = game.turn();
        let body = scene.reply(&game).ok_or(LabError::Silent { side })?;
        let signed = SignedMove::new(scene.key(side), game.id(), game.number(), side, body);
        let before = game.clone();
        game.play(&signed).map_err(|refusal| LabError::Refused { side, refusal })?;
        moves[usize::from(side == Side::Challenger)] += 1;
        signed_moves.push(signed.clone());
        if let Some(outcome) = game.outcome() {
            let bundle = Bundle::new(scene.docket.clone(), signed_moves);
            return Ok(Played {
                outcome: outcome.clone(),
                judging: (before, signed),
                moves,
                posted_bytes: posted_bytes(&bundle, game.posted_bytes()),
                bundle,
            });
        }
    }
}
