//! Trains on a batch of its own choice: one sentence, again and again.

use retrace_model::{StepId, Words};
use retrace_verifier::segment::Conduct;

pub(super) struct WrongBatch;

const CHOSEN: &[u8] = b"the peer that chose its own data was right all along; ";

impl Conduct for WrongBatch {
    fn tokens(&self, _at: StepId, tokens: &mut Words) {
        tokens.iter_mut().zip(CHOSEN.iter().cycle()).for_each(|(token, byte)| *token = u32::from(*byte));
    }
}
