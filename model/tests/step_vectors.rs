//! The published digests of every output of the golden steps, made by the reference and given by every backend.
//!
//! `RETRACE_WRITE_VECTORS=1 cargo test -p retrace-model --test step_vectors` writes them anew.

mod support;

use retrace_model::program::{Row, step_program};
use retrace_model::selftest::{Golden, STEPS, goldens};
use retrace_model::{Engine, Observer, RunSpec, Words};
use serde_json::{Value, json};
use support::json::{assert_all_read, hex, spell, take, unhex, vectors};
use support::{REFERENCE, engines};

/// BLAKE3 of every output's little-endian words, in order of execution.
#[derive(Default)]
struct Digests(Vec<String>);
impl Observer for Digests {
    fn output(&mut self, _at: usize, _row: &Row, words: &mut Words) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.0.push(blake3::hash(&bytes).to_hex().to_string());
    }
}

fn outputs(golden: &Golden, engine: &Engine) -> Vec<String> {
    let mut digests = Digests::default();
    golden.run(engine, &mut digests);
    digests.0
}

fn vector(golden: &Golden) -> Value {
    let spec = borsh::to_vec(&golden.spec).expect("a specification has bytes");
    let tokens: Vec<Value> = (0..STEPS).map(|step| spell(&golden.tokens(step))).collect();
    json!({
        "name": golden.name, "spec": hex(&spec), "tokens": tokens, "hash": golden.hash,
        "outputs": outputs(golden, &REFERENCE),
    })
}

fn make() -> Vec<Value> {
    goldens().iter().map(vector).collect()
}

/// M-4.9, M-4.4, M-4.6, M-4.7: every output of both steps of every golden run, on every backend.
#[test]
fn step_vectors() {
    let goldens = goldens();
    let mut read = vectors("steps.json", make);
    assert_eq!(read.len(), goldens.len());
    for (vector, golden) in read.iter_mut().zip(&goldens) {
        let spec: RunSpec = borsh::from_slice(&unhex(&take(vector, "spec"))).expect("a specification");
        assert_eq!(take(vector, "name"), golden.name);
        assert_eq!(take(vector, "hash"), golden.hash);
        assert_eq!(spec, golden.spec);
        let tokens: Vec<Value> = (0..STEPS).map(|step| spell(&golden.tokens(step))).collect();
        assert_eq!(take(vector, "tokens"), Value::from(tokens));
        let expected: Vec<String> =
            serde_json::from_value(take(vector, "outputs")).expect("a list of digests");
        assert_all_read(vector);
        let program = step_program(&spec);
        assert_eq!(expected.len(), STEPS as usize * program.rows.len());
        for engine in engines() {
            for (at, (found, expected)) in outputs(golden, &engine).iter().zip(&expected).enumerate() {
                let row = at % program.rows.len();
                assert_eq!(found, expected, "{} {engine:?} row {row}: {:?}", golden.name, program.rows[row]);
            }
        }
    }
}
