//! Loss on the held-out end, for people: nothing here is hashed or agreed on.

use super::text::Text;
use retrace_model::program::evaluation_program;
use retrace_model::{Engine, Inputs, RunSpec, StepScalars, Unobserved, Words, Workspace, execute_in};

/// Most tokens that are evaluated.
const TOKENS_MAX: usize = 1 << 16;

/// A model's loss on held-out tokens, beside what counting achieves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut {
    /// Mean cross-entropy in bits a token.
    pub bits: f64,
    /// Entropy of the same tokens taken one by one.
    pub unigram_bits: f64,
    /// Tokens looked at.
    pub tokens: usize,
}

/// Mean cross-entropy over whole windows of the held-out tokens; none where nothing is held out. Batches are as large
/// as a step's, so that evaluating needs no more memory than training.
pub fn held_out(
    spec: &RunSpec,
    parameters: &[Words],
    text: &Text,
    engine: &Engine,
    workspace: &mut Workspace,
) -> Option<HeldOut> {
    let context = spec.model.context as usize;
    let windows = text.held_out().checked_sub(1)? / context;
    let windows = windows.min(TOKENS_MAX.div_ceil(context));
    if windows == 0 {
        return None;
    }
    let (mut nats, mut at, none) = (0.0, 0, StepScalars::default());
    let mut tokens = Words::new();
    while at < windows {
        let batch = (windows - at).min(spec.batch as usize);
        tokens.clear();
        (at..at + batch).for_each(|window| text.append_held_out(&mut tokens, window * context, context + 1));
        let program = evaluation_program(spec, batch as u32);
        let inputs = Inputs { pre: parameters, tokens: &tokens, ..Inputs::default() };
        let loss = execute_in(workspace, &program, inputs, &none, engine, &mut Unobserved).loss;
        nats += f64::from(f32::from_bits(loss)) * batch as f64;
        at += batch;
    }
    let tokens = windows * context;
    let bits = nats / windows as f64 / std::f64::consts::LN_2;
    Some(HeldOut { bits, unigram_bits: text.unigram_bits(tokens), tokens })
}
