//! Retrace's arithmetic: every training step as a pure function with one right answer, down to the bit.
//!
//! Nothing here reads a clock, a disk, a network or a source of entropy. The rules have ids (M-*) in
//! `specs/arithmetic.md` and `specs/learning.md`.

pub mod arithmetic;
pub mod control;
mod define;
mod elementary;
pub mod emulated;
mod execute;
mod hardware;
pub mod hub;
mod kernel;
mod observer;
pub mod op;
pub mod peak;
pub mod plan;
pub mod program;
mod random;
mod schedule;
pub mod selftest;
pub mod soft;
mod spec;
pub mod tokens;
mod update;
mod workspace;

pub use define::{element_value, empty_accumulator, lane_total, next_accumulator};
pub use elementary::{cos, erf, exp, ln, sin, tanh};
pub use execute::{Inputs, Outputs, Words, advance_in, execute, execute_in};
pub use kernel::{Backend, Engine, UnknownBackend, share};
pub use observer::{Observer, PART_UNIT, Parts, Unobserved};
pub use random::{Place, StepId, assigned_tokens, initial_parameters, place};
pub use schedule::StepScalars;
pub use spec::{
    ARITHMETIC_VERSION, Activation, AdamWSpec, Architecture, Decay, F32Bits, GptSpec, LlamaSpec, MlpSpec,
    ModelSpec, OptimizerSpec, OuterSpec, RunSpec, ScheduleSpec, SgdSpec, SpecError,
};
pub use workspace::Workspace;
