//! Retrace's judgment: digests, commitments, draws, replay, the dispute game, the referee, evidence.
//!
//! Nothing here opens a socket, keeps an account or stores a byte. The rules have ids (V-*) in `specs/digests.md`
//! and `specs/verification.md`.

pub mod commitment;
pub mod delegation;
pub mod digest;
pub mod docket;
mod draw;
pub mod evidence;
pub mod game;
pub mod hashing;
pub mod lab;
mod pins;
mod player;
mod replay;
mod rerun;
pub mod scale;
pub mod segment;
pub mod signature;
pub mod state;
mod trace;
mod unit;

pub use draw::{PPM, draw_steps};
pub use game::{Finding, Game, Move, Outcome, Refusal, Side, SignedMove};
pub use pins::{ProgramPins, program_pin, program_pins, program_tree, unit_pin};
pub use player::{Player, ResumeError};
pub use replay::{Task, Witness};
pub use rerun::Rerun;
pub use trace::{Outline, Trace};
pub use unit::Unit;
