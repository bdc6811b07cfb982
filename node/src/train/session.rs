//! The state of a local run, step by step. Nothing is hashed, and no buffer is made anew, between two steps.

use super::evaluate::{HeldOut, held_out};
use super::plan::beacon;
use super::text::Text;
use retrace_model::plan::Recompute;
use retrace_model::program::{Program, step_program};
use retrace_model::{
    Engine, Inputs, Observer, RunSpec, StepId, StepScalars, Unobserved, Words, Workspace, advance_in,
};

/// A run in progress.
pub struct Session<'a> {
    spec: &'a RunSpec,
    text: &'a Text,
    engine: Engine,
    program: Program,
    beacon: [u8; 32],
    workspace: Workspace,
    tokens: Words,
    state: Vec<Words>,
    step: u32,
}

impl<'a> Session<'a> {
    /// A run that has `state` before step `step`, and computes again what `recompute` says instead of keeping it.
    pub fn new(
        spec: &'a RunSpec,
        text: &'a Text,
        engine: Engine,
        recompute: Recompute,
        (state, step): (Vec<Words>, u32),
    ) -> Session<'a> {
        Session {
            spec,
            text,
            engine,
            program: step_program(spec),
            beacon: beacon(spec),
            workspace: Workspace::new(recompute),
            tokens: Words::new(),
            state,
            step,
        }
    }

    /// Steps done.
    pub fn step(&self) -> u32 {
        self.step
    }

    /// Parameters, then what the optimizer keeps.
    pub fn state(&self) -> &[Words] {
        &self.state
    }

    /// Computes with another engine from now on: no bit changes.
    pub fn set_engine(&mut self, engine: Engine) {
        self.engine = engine;
    }

    /// The program of a step.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Does a step and gives the bits of its loss, a binary32 number in nats a token.
    pub fn advance(&mut self) -> u32 {
        self.advance_watched(&mut Unobserved)
    }

    /// [`Session::advance`], with an observer of every output.
    pub fn advance_watched(&mut self, observer: &mut dyn Observer) -> u32 {
        let at = StepId { round: 0, slot: 0, step: self.step };
        let span = u64::from(self.spec.model.context) + 1;
        self.text.draw(&mut self.tokens, &self.beacon, at, self.spec.batch, span);
        let scalars = StepScalars::new(self.spec, at);
        let inputs = Inputs { tokens: &self.tokens, ..Inputs::default() };
        let (workspace, program, state) = (&mut self.workspace, &self.program, &mut self.state);
        let outputs = advance_in(workspace, program, state, inputs, &scalars, &self.engine, observer);
        self.workspace.recycle([outputs.batch]);
        self.step += 1;
        outputs.loss
    }

    /// Loss on the held-out tokens. The buffers of steps are not touched.
    pub fn held_out(&self) -> Option<HeldOut> {
        held_out(self.spec, &self.state, self.text, &self.engine, &mut Workspace::default())
    }
}
