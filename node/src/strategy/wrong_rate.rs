//! Updates with twice the learning rate of the run.

use retrace_model::{StepId, StepScalars};
use retrace_verifier::segment::Conduct;

pub(super) struct WrongRate;

impl Conduct for WrongRate {
    fn scalars(&self, _at: StepId, scalars: &mut StepScalars) {
        scalars.learning_rate = (f32::from_bits(scalars.learning_rate) * 2.0).to_bits();
    }
}
