//! Whose rules a game is played by: the real ones, or ones with a fault.
//!
//! A game has no door for tests. Its canonical bytes are public, so a faulty rule takes it apart into what they
//! hold, and puts it together again.

use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Docket, Frame};
use retrace_verifier::game::Phase;
use retrace_verifier::{Game, Outcome, Refusal, SignedMove};

/// Plays one move.
pub trait Rules: Send + Sync {
    fn play(&self, game: &mut Game, signed: &SignedMove) -> Result<(), Refusal>;
}

/// The rules as they are.
pub struct Law;

impl Rules for Law {
    fn play(&self, game: &mut Game, signed: &SignedMove) -> Result<(), Refusal> {
        game.play(signed)
    }
}

/// What the canonical bytes of a game hold, in their order.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Parts {
    pub docket: Docket,
    pub id: Digest,
    pub frame: Frame,
    pub ops: Option<Digest>,
    pub phase: Phase,
    pub number: u16,
    pub posted_bytes: u64,
    pub outcome: Option<Outcome>,
}

impl Parts {
    pub fn of(game: &Game) -> Parts {
        borsh::from_slice(&borsh::to_vec(game).unwrap()).expect("the fields of a game, in their order")
    }

    pub fn game(&self) -> Game {
        borsh::from_slice(&borsh::to_vec(self).unwrap()).unwrap()
    }
}

/// Changes a game's parts in place.
pub fn change(game: &mut Game, with: impl FnOnce(&mut Parts)) {
    let mut parts = Parts::of(game);
    with(&mut parts);
    *game = parts.game();
}

/// Goes on with `phase`, as if the last move had been a legal one.
pub fn go_on(game: &mut Game, phase: Phase) {
    change(game, |parts| {
        parts.phase = phase;
        parts.number += 1;
    });
}
