//! Training on this machine alone: the engine's own steps over a file, with checkpoints that other tools load.
//!
//! ```text
//! preset or folder --> Plan --+
//!                             +--> Session: step, step, step --> checkpoint folder (whole or not there)
//! file ------------> Text ----+                                       |
//!                             ^---------------- resume <--------------+
//! ```
//!
//! A step is that of a network's run, so its bits are the same on every backend and number of threads.

mod checkpoint;
mod error;
mod evaluate;
mod plan;
mod preset;
mod run;
mod session;
mod spec;
mod text;

pub use checkpoint::{Checkpoint, Loaded, check_free, load};
pub use error::TrainError;
pub use evaluate::HeldOut;
pub use plan::{Asked, Plan};
pub use preset::PRESETS;
pub use run::{Job, Outcome, Pace, Watch, run};
pub use session::Session;
pub use spec::spec_named;
pub use text::Text;
