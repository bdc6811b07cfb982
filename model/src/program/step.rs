//! The program of one training step, and of an evaluation (M-4.4).

use super::Program;
use super::backward::backward;
use super::builder::{Builder, Value};
use super::forward::{Sizes, forward};
use super::optimizer::adamw;
use super::row::Leaf;
use super::table::{BLOCK_PARAMETERS, parameter_table};
use crate::spec::RunSpec;

/// First parameter of a block.
pub(crate) fn block_start(layer: usize) -> usize {
    2 + layer * BLOCK_PARAMETERS
}

/// Parameters of a block, in the order of the table.
pub(crate) fn block_parameters(p: &[Value], layer: usize) -> &[Value] {
    &p[block_start(layer)..block_start(layer) + BLOCK_PARAMETERS]
}

/// Forward, backward, clipping and AdamW. Pre- and post-state: parameters, first moments, second moments.
pub fn step_program(spec: &RunSpec) -> Program {
    step_builder(spec).finish()
}

/// Where in the model each row of the step program stands, for people: for example `backward/h.1/GeluBackward`.
pub fn step_labels(spec: &RunSpec) -> Vec<String> {
    step_builder(spec).labels()
}

fn step_builder(spec: &RunSpec) -> Builder {
    let table = parameter_table(&spec.model);
    let lengths = table.iter().chain(&table).chain(&table).map(|p| p.elements());
    let state: Vec<Value> =
        (0..).zip(lengths).map(|(i, length)| Value { leaf: Leaf::Pre(i), length }).collect();
    let mut b = Builder::default();
    let sizes = Sizes::new(spec, spec.batch);
    let parameters = &state[..table.len()];
    let kept = forward(&mut b, &sizes, parameters);
    let gradients = backward(&mut b, &sizes, &kept, parameters);
    adamw(&mut b, spec, &table, &state, &gradients);
    b
}

/// The forward pass alone, over `batch` sequences: mean loss in nats per token.
pub fn evaluation_program(spec: &RunSpec, batch: u32) -> Program {
    let table = parameter_table(&spec.model);
    let state: Vec<Value> =
        (0..).zip(&table).map(|(i, p)| Value { leaf: Leaf::Pre(i), length: p.elements() }).collect();
    let mut b = Builder::default();
    forward(&mut b, &Sizes::new(spec, batch), &state);
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::forward::assert_rows;
    use crate::program::{Home, delta_program, loss_program, merge_program};

    /// M-4.1, M-4.3, M-4.4: every row is well formed, every state entry has exactly one writer.
    #[test]
    fn programs_are_well_formed() {
        let spec = crate::selftest::golden_spec();
        let parameters = parameter_table(&spec.model).len() as u32;
        let cases = [
            (step_program(&spec), 3 * parameters),
            (delta_program(&spec), parameters),
            (merge_program(&spec, 3), 2 * parameters),
            (loss_program(&spec), 0),
        ];
        for (program, entries) in cases {
            assert_rows(&program.rows);
            let mut written: Vec<u32> = program
                .rows
                .iter()
                .filter_map(|r| if let Home::Post(e) = r.home { Some(e) } else { None })
                .collect();
            written.sort_unstable();
            assert_eq!(written, (0..entries).collect::<Vec<_>>());
            assert_eq!(program.post_entries, entries);
        }
    }
}
