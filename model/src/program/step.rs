//! The program of one training step, and of an evaluation (M-4.4, M-4.8).

use super::Program;
use super::builder::{Builder, Value};
use super::head::gather;
use super::optimizer::optimize;
use super::row::Leaf;
use super::sizes::Sizes;
use super::state::state_entries;
use super::table::parameter_table;
use super::{gpt, llama, mlp};
use crate::spec::{Architecture, RunSpec};

/// Forward and backward of every micro-batch, clipping and the optimizer. Pre- and post-state: parameters, then what
/// the optimizer keeps.
pub fn step_program(spec: &RunSpec) -> Program {
    step_builder(spec).finish()
}

/// Where in the model each row of the step program stands, for people: for example `backward/h.1/GeluBackward`.
pub fn step_labels(spec: &RunSpec) -> Vec<String> {
    step_builder(spec).labels()
}

fn step_builder(spec: &RunSpec) -> Builder {
    let table = parameter_table(&spec.model);
    let state: Vec<Value> = (0..)
        .zip(state_entries(spec))
        .map(|(i, entry)| Value { leaf: Leaf::Pre(i), length: entry.parameter.elements() })
        .collect();
    let mut b = Builder::default();
    b.scope("forward/embedding/".into());
    let gathered = gather(&mut b, spec.batch, spec.model.context);
    let (mut loss, mut gradients) = (None, None::<Vec<Value>>);
    for at in 0..spec.accumulation {
        if spec.accumulation > 1 {
            b.part(format!("micro.{at}/"));
        }
        let sizes = Sizes::training(spec, gathered, at, loss);
        let (total, found) = pass(&mut b, &sizes, &state[..table.len()], gradients.as_deref());
        (loss, gradients) = (Some(total), Some(found));
    }
    b.part(String::new());
    optimize(&mut b, spec, &table, &state, &gradients.unwrap_or_default());
    b
}

/// One forward and backward pass: the sum of the losses so far, and of the gradients.
fn pass(b: &mut Builder, s: &Sizes, p: &[Value], before: Option<&[Value]>) -> (Value, Vec<Value>) {
    match &s.model.architecture {
        Architecture::Gpt(own) => {
            let kept = gpt::forward(b, s, own, p);
            (kept.loss.total, gpt::backward(b, s, own, &kept, p, before))
        }
        Architecture::Llama(own) => {
            let kept = llama::forward(b, s, own, p);
            (kept.loss.total, llama::backward(b, s, &kept, p, before))
        }
        Architecture::Mlp(own) => {
            let kept = mlp::forward(b, s, own, p);
            (kept.loss.total, mlp::backward(b, s, own, &kept, p, before))
        }
    }
}

/// The forward pass alone, over `batch` sequences: mean loss in nats per prediction. Nothing is dropped.
pub fn evaluation_program(spec: &RunSpec, batch: u32) -> Program {
    let table = parameter_table(&spec.model);
    let parameters: Vec<Value> =
        (0..).zip(&table).map(|(i, p)| Value { leaf: Leaf::Pre(i), length: p.elements() }).collect();
    let mut b = Builder::default();
    let gathered = gather(&mut b, batch, spec.model.context);
    let s = Sizes::evaluation(spec, gathered, batch);
    match &s.model.architecture {
        Architecture::Gpt(own) => drop(gpt::forward(&mut b, &s, own, &parameters)),
        Architecture::Llama(own) => drop(llama::forward(&mut b, &s, own, &parameters)),
        Architecture::Mlp(own) => drop(mlp::forward(&mut b, &s, own, &parameters)),
    }
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Kind;
    use crate::program::{Home, Row, delta_program, loss_program, merge_program};

    /// M-4.1, M-4.3, M-4.4, M-4.6, M-4.7: every row is well formed, every state entry has exactly one writer.
    #[test]
    fn programs_are_well_formed() {
        for golden in crate::selftest::goldens() {
            let spec = golden.spec;
            let parameters = parameter_table(&spec.model).len() as u32;
            let cases = [
                (step_program(&spec), state_entries(&spec).len() as u32),
                (evaluation_program(&spec, 2), 0),
                (delta_program(&spec), parameters),
                (merge_program(&spec, 3), 2 * parameters),
                (loss_program(&spec), 0),
            ];
            for (program, entries) in cases {
                for (at, row) in program.rows.iter().enumerate() {
                    assert_eq!(row.check(), Ok(()), "row {at}: {row:?}");
                }
                let home = |r: &Row| if let Home::Post(entry) = r.home { Some(entry) } else { None };
                let mut written: Vec<u32> = program.rows.iter().filter_map(home).collect();
                written.sort_unstable();
                assert_eq!(written, (0..entries).collect::<Vec<_>>());
                assert_eq!(program.post_entries, entries);
            }
            assert_eq!(step_labels(&spec).len(), step_program(&spec).rows.len());
        }
    }

    /// M-4.6: the micro-batches of a Llama share one table of turns.
    #[test]
    fn one_rotary_table_a_program() {
        let [_, _, llama, ..] = crate::selftest::goldens();
        assert!(llama.spec.accumulation > 1);
        let program = step_program(&llama.spec);
        assert_eq!(program.rows.iter().filter(|row| row.kind == Kind::RotaryTable).count(), 1);
    }
}
