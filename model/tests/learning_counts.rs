//! Counts that limits are made of: parameters by formula, rows by their bound, state entries from one place.

mod support;

use retrace_model::op::Kind;
use retrace_model::program::{
    Home, first_state, parameter_count, parameter_table, state_entries, step_labels, step_program,
};
use retrace_model::{Activation, Architecture, F32Bits, GptSpec, RunSpec, initial_parameters, selftest};

/// The golden runs, and a GPT with all that adds rows to a block.
fn specs() -> Vec<RunSpec> {
    let mut specs: Vec<RunSpec> = selftest::goldens().iter().map(|golden| golden.spec).collect();
    let mut gpt = selftest::golden_spec();
    (gpt.model.dropout, gpt.model.tied, gpt.accumulation) = (F32Bits(0.5f32.to_bits()), false, 3);
    gpt.model.architecture = Architecture::Gpt(GptSpec { activation: Activation::Silu, ..GptSpec::new(2) });
    specs.push(gpt);
    specs
}

/// M-6.1, M-4.4, M-4.6, M-4.7: the formula of each architecture is the length of its table, tied or not.
#[test]
fn tables_have_the_counted_length() {
    for mut spec in specs() {
        for layers in [1, 2, 5] {
            for tied in [false, true] {
                (spec.model.layers, spec.model.tied) = (layers, tied);
                if spec.check().is_ok() {
                    let names: Vec<String> =
                        parameter_table(&spec.model).into_iter().map(|shape| shape.name).collect();
                    assert_eq!(parameter_count(&spec.model), names.len() as u64, "{names:?}");
                    let mut distinct = names.clone();
                    distinct.sort_unstable();
                    distinct.dedup();
                    assert_eq!(distinct.len(), names.len(), "{names:?}");
                }
            }
        }
    }
}

/// M-6.1: no program has more rows in its passes than a run's check counts, so a list is never deeper than it may be.
#[test]
fn passes_have_fewer_rows_than_counted() {
    for mut spec in specs() {
        for layers in [1, 2, 4] {
            spec.model.layers = layers;
            let program = step_program(&spec);
            let scattered = program.rows.iter().filter(|row| row.kind == Kind::EmbeddingBackward).count();
            let after = step_labels(&spec).iter().filter(|label| label.starts_with("optimizer/")).count();
            let passes = program.rows.len() - scattered - after;
            let counted = 96 * (layers + 1) * spec.accumulation;
            assert!(passes as u32 <= counted, "{passes} rows, {counted} counted: {:?}", spec.model);
            assert_eq!(scattered as u32, spec.batch);
            // The clip's rows and the optimizer's: at most six a tensor, which bounds the list together with the passes.
            assert!(after as u64 <= 6 * parameter_count(&spec.model));
        }
    }
}

/// M-4.8: what the first state has, what a step writes and what the entries name is one list.
#[test]
fn the_state_is_one_list() {
    for spec in specs() {
        let entries = state_entries(&spec);
        let state = first_state(&spec, &initial_parameters(&spec));
        assert_eq!(state.len(), entries.len());
        let program = step_program(&spec);
        assert_eq!(program.post_entries as usize, entries.len());
        for row in &program.rows {
            if let Home::Post(entry) = row.home {
                let entry = &entries[entry as usize];
                assert_eq!(row.elements(), entry.parameter.elements(), "{}", entry.parameter.name);
            }
        }
        let parameters = parameter_table(&spec.model).len();
        for (words, entry) in state.iter().zip(&entries).skip(parameters) {
            assert!(!entry.prefix.is_empty() && words.iter().all(|word| *word == 0));
        }
    }
}
