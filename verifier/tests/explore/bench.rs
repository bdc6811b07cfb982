//! Small units to play about: a run of a perceptron of one neuron, and lies told in it.

use retrace_model::op::Kind;
use retrace_model::program::Home;
use retrace_model::selftest::golden_spec;
use retrace_model::{Activation, Architecture, MlpSpec, RunSpec};
use retrace_verifier::digest::{Digest, ListKind, list_root, tensor_digest};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::Honest;
use retrace_verifier::{Unit, Witness};

pub use world::{Case, World, key};

#[path = "../game/world.rs"]
#[expect(dead_code, reason = "the tests of the game use all of it")]
mod world;

/// The longest of its chains has 300 links, so that one is narrowed twice; its tables have more than one chunk.
pub fn perceptron(layers: u32) -> World {
    let mut spec: RunSpec = golden_spec();
    let model = &mut spec.model;
    (model.vocabulary, model.context, model.width, model.hidden) = (300, 2, 1, 1);
    (model.layers, model.tied) = (layers, false);
    model.architecture = Architecture::Mlp(MlpSpec { activation: Activation::Relu });
    spec.batch = 2;
    World::of(spec)
}

pub fn honest_case(world: &World, unit: Unit) -> Case {
    let case = world.case(unit, &Honest);
    assert!(case.absorbed, "an honest party claims what is true");
    case
}

/// Cases of lies that change the claim: at the first and the last element of every `stride`th row.
pub fn lying_cases(world: &World, unit: Unit, stride: usize) -> Vec<Case> {
    let honest = world.case(unit, &Honest).honest;
    let rows = (0..honest.program.rows.len()).step_by(stride);
    let places = rows.flat_map(|row| {
        let last = honest.outputs[row].len() - 1;
        if last == 0 { vec![(row, 0)] } else { vec![(row, 0), (row, last)] }
    });
    let cases = places.map(|(row, element)| world.case(unit, &Lie { unit, row, element, mask: 1 << 22 }));
    cases.filter(|case| !case.absorbed).collect()
}

/// A lie in the first row of this kind.
pub fn lie_in(world: &World, unit: Unit, kind: Kind) -> Case {
    let program = world.case(unit, &Honest).honest.program;
    let row = program.rows.iter().position(|row| row.kind == kind).expect("the program has such a row");
    let case = world.case(unit, &Lie { unit, row, element: 0, mask: 1 << 22 });
    assert!(!case.absorbed, "a lie in {kind:?} that changes no claim");
    case
}

/// Somebody's run with one wrong word in every output: nothing of it but the inputs is true.
pub fn wrong_everywhere(witness: &Witness) -> Witness {
    let mut wrong = witness.clone();
    for words in &mut wrong.outputs {
        words[0] ^= 1 << 22;
    }
    wrong
}

/// Root over the op list of somebody's run.
pub fn ops_root(run: &Witness) -> Digest {
    let homes = (0..run.program.trace_leaves).map(Home::Trace);
    let outputs = homes.map(|home| &run.outputs[run.row_at(home).expect("every leaf has its row")]);
    list_root(ListKind::Ops, outputs.map(|words| tensor_digest(&word_bytes(words)).0))
}

fn word_bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
