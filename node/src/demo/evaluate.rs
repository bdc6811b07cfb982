//! Loss on text that nobody trained on, for people: nothing here is hashed or agreed on.

use retrace_model::program::evaluation_program;
use retrace_model::{Engine, Inputs, RunSpec, StepScalars, Unobserved, Words, Workspace, execute_in};

/// Sequences of one evaluation batch.
const EVALUATION_SEQUENCES: usize = 32;

/// Mean cross-entropy in bits per byte over whole windows of `text`, every byte after a window's first predicted.
pub fn bits_per_byte(spec: &RunSpec, parameters: &[Words], text: &[u8], engine: &Engine) -> f64 {
    let context = spec.model.context as usize;
    let windows: Vec<&[u8]> =
        (0..).map(|at| at * context).map_while(|from| text.get(from..from + context + 1)).collect();
    let (mut nats, mut workspace, none) = (0.0, Workspace::default(), StepScalars::default());
    for batch in windows.chunks(EVALUATION_SEQUENCES) {
        let program = evaluation_program(spec, batch.len() as u32);
        let tokens: Words = batch.iter().flat_map(|w| w.iter().map(|b| u32::from(*b))).collect();
        let inputs = Inputs { pre: parameters, tokens: &tokens, ..Inputs::default() };
        let loss = execute_in(&mut workspace, &program, inputs, &none, engine, &mut Unobserved).loss;
        nats += f64::from(f32::from_bits(loss)) * batch.len() as f64;
    }
    nats / windows.len().max(1) as f64 / std::f64::consts::LN_2
}
