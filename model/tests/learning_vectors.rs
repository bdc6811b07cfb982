//! The published vectors of what a run derives: scalars, data order, initial state, programs.
//!
//! `RETRACE_WRITE_VECTORS=1 cargo test -p retrace-model --test learning_vectors` writes them anew.

mod support;

use retrace_model::program::{
    Program, delta_program, evaluation_program, loss_program, merge_program, parameter_table, step_program,
};
use retrace_model::{
    Activation, Architecture, Decay, F32Bits, GptSpec, OptimizerSpec, RunSpec, SgdSpec, StepId, StepScalars,
    Words, initial_parameters, place, selftest,
};
use serde_json::{Value, json};
use support::json::{assert_all_read, hex, spell, take, unhex, vectors};
use support::{Generator, run_spec};

fn specs() -> Vec<RunSpec> {
    let bits = |x: f32| F32Bits(x.to_bits());
    let golden = selftest::golden_spec();
    let mut constant = run_spec([1, 8, 2, 4, 12, 2]);
    constant.schedule.decay = Decay::Constant;
    constant.schedule.warmup_steps = 4;
    let mut long = run_spec([3, 20, 5, 33, 80, 1]);
    (long.steps, long.rounds, long.slots, long.schedule.warmup_steps) = (500, 1000, 64, 100);
    long.schedule.decay = Decay::Cosine { floor: bits(0.0) };
    if let OptimizerSpec::AdamW(adamw) = &mut long.optimizer {
        (adamw.beta1, adamw.beta2) = (bits(0.8), bits(0.999));
    }
    let mut varied = run_spec([1, 12, 3, 5, 16, 4]);
    (varied.model.tied, varied.model.dropout, varied.accumulation) = (false, bits(0.1), 2);
    let activation = Activation::GeluErf;
    varied.model.architecture = Architecture::Gpt(GptSpec { activation, ..GptSpec::new(3) });
    let (momentum, weight_decay, clip_norm) = (bits(0.9), bits(0.1), bits(1.0));
    varied.optimizer = OptimizerSpec::Sgd(SgdSpec { momentum, weight_decay, clip_norm });
    varied.schedule.decay = Decay::Linear { floor: bits(0.2) };
    let mut all = vec![golden, constant, long, varied];
    let small = selftest::goldens().into_iter().filter(|golden| matches!(golden.name, "mlp" | "llama"));
    all.extend(small.map(|golden| golden.spec));
    all.iter().for_each(|spec| assert_eq!(spec.check(), Ok(())));
    all
}

fn spec_bytes(spec: &RunSpec) -> String {
    hex(&borsh::to_vec(spec).expect("a specification has bytes"))
}

fn scalars(spec: &RunSpec, round: u32, slot: u16, step: u32) -> Value {
    let s = StepScalars::new(spec, StepId { round, slot, step });
    let [low, high] = s.dropout_keys;
    let words = spell(&[s.learning_rate, s.first_correction, s.second_correction, low, high]);
    json!({
        "what": "scalars", "spec": spec_bytes(spec), "round": round, "slot": slot, "step": step, "words": words,
    })
}

fn make_scalars() -> Vec<Value> {
    let mut made = Vec::new();
    for spec in specs() {
        let (rounds, steps) = (spec.rounds, spec.steps);
        for round in [0, 1, rounds / 2, rounds - 1] {
            made.extend(
                [0, 1, 3, steps / 2, steps - 1].map(|step| scalars(&spec, round, (step % 3) as u16, step)),
            );
        }
    }
    made
}

fn placed(beacon: &[u8], numbers: [u64; 5], lengths: &[u64]) -> Value {
    let [round, slot, step, sequence, span] = numbers;
    let at = StepId { round: round as u32, slot: slot as u16, step: step as u32 };
    let beacon_bytes = beacon.try_into().expect("32 bytes");
    let found = place(beacon_bytes, at, sequence as u32, lengths, span).map(|p| json!([p.shard, p.offset]));
    json!({
        "what": "place", "beacon": hex(beacon), "numbers": numbers, "lengths": lengths, "place": found,
    })
}

fn make_places() -> Vec<Value> {
    let mut draw = Generator(11);
    let lengths: [&[u64]; 7] = [
        &[4096],
        &[19, 20, 21, 4096],
        &[0, 5, 20],
        &[],
        &[19],
        &[1 << 40, 1 << 41, 7],
        &[u64::MAX, u64::MAX, 3],
    ];
    let mut made = Vec::new();
    for lengths in lengths {
        for _ in 0..4 {
            let beacon: Vec<u8> = (0..32).map(|_| draw.next() as u8).collect();
            let numbers =
                [draw.below(1 << 20), draw.below(256), draw.below(1 << 14), draw.below(1 << 12), 20];
            made.push(placed(&beacon, numbers, lengths));
        }
    }
    made.push(placed(&[1; 32], [0, 0, 0, 0, 0], &[10]));
    made.push(placed(&[1; 32], [0, 0, 0, 0, 1], &[1]));
    made
}

/// BLAKE3 of a tensor's little-endian words: what a state's entry names.
fn tensor_digest(words: &Words) -> String {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    blake3::hash(&bytes).to_hex().to_string()
}

fn initial(spec: &RunSpec) -> Value {
    let table = parameter_table(&spec.model);
    let tensors = initial_parameters(spec);
    let line = |(shape, words): (&retrace_model::program::ParameterShape, &Words)| {
        json!([shape.name, shape.shape(), tensor_digest(words)])
    };
    let entries: Vec<Value> = table.iter().zip(&tensors).map(line).collect();
    let first = spell(&tensors[0][..8]);
    json!({ "what": "initial", "spec": spec_bytes(spec), "first": first, "entries": entries })
}

fn program(spec: &RunSpec, name: &str) -> Value {
    let program: Program = match name {
        "step" => step_program(spec),
        "evaluation" => evaluation_program(spec, 2),
        "delta" => delta_program(spec),
        "loss" => loss_program(spec),
        "merge 1" => merge_program(spec, 1),
        "merge 3" => merge_program(spec, 3),
        other => panic!("there is no program {other}"),
    };
    let bytes: Vec<u8> =
        program.rows.iter().flat_map(|row| borsh::to_vec(row).expect("a row has bytes")).collect();
    json!({
        "what": "program", "spec": spec_bytes(spec), "name": name, "rows": program.rows.len(),
        "leaves": program.trace_leaves, "entries": program.post_entries,
        "digest": blake3::hash(&bytes).to_hex().to_string(),
    })
}

const PROGRAMS: [&str; 6] = ["step", "evaluation", "delta", "loss", "merge 1", "merge 3"];

fn make() -> Vec<Value> {
    let mut made = make_scalars();
    made.extend(make_places());
    made.extend(specs().iter().map(initial));
    made.extend(specs().iter().flat_map(|spec| PROGRAMS.map(|name| program(spec, name))));
    made
}

/// The vector again, from its inputs.
fn again(vector: &Value) -> Value {
    let number = |key: &str| vector[key].as_u64().unwrap_or_else(|| panic!("{key} is no number"));
    let numbers = |key: &str| -> Vec<u64> {
        vector[key].as_array().expect("a list").iter().map(|n| n.as_u64().expect("a number")).collect()
    };
    let spec = || -> RunSpec { borsh::from_slice(&unhex(&vector["spec"])).expect("a specification") };
    match vector["what"].as_str() {
        Some("scalars") => {
            scalars(&spec(), number("round") as u32, number("slot") as u16, number("step") as u32)
        }
        Some("place") => {
            let five = numbers("numbers").try_into().expect("five numbers");
            placed(&unhex(&vector["beacon"]), five, &numbers("lengths"))
        }
        Some("initial") => initial(&spec()),
        Some("program") => program(&spec(), vector["name"].as_str().expect("a name")),
        _ => panic!("nothing reads {vector}"),
    }
}

/// M-4.4, M-4.5, M-4.6, M-4.7, M-4.8, M-5.2, M-6.1, M-6.2, M-6.3: every vector is read, and again what it was.
#[test]
fn derived_things_are_the_published_ones() {
    let mut kinds = Vec::new();
    for mut vector in vectors("learning.json", make) {
        let mut expected = again(&vector);
        for key in expected.as_object().expect("an object").keys().cloned().collect::<Vec<_>>() {
            assert_eq!(take(&mut vector, &key), expected[&key], "{expected}");
        }
        assert_all_read(&vector);
        kinds.push(take(&mut expected, "what").as_str().expect("a name").to_owned());
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, ["initial", "place", "program", "scalars"]);
}

/// M-6.2: a gain starts at one, a bias at zero, a matrix has the deviation that the run names.
#[test]
fn initial_deviations() {
    let spec = run_spec([2, 64, 4, 16, 256, 1]);
    for (shape, words) in parameter_table(&spec.model).iter().zip(initial_parameters(&spec)) {
        let numbers = support::numbers(&words);
        if !shape.is_matrix {
            assert!(numbers.iter().all(|x| *x == if shape.is_gain { 1.0 } else { 0.0 }), "{}", shape.name);
            continue;
        }
        let residual = if shape.is_residual { 0.5 } else { 1.0 };
        let expected = f64::from(f32::from_bits(spec.model.init_std.0)) * residual;
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let deviation = (numbers.iter().map(|x| x * x).sum::<f64>() / count).sqrt();
        assert!(mean.abs() < 4.0 * expected / count.sqrt(), "{}: mean {mean}", shape.name);
        assert!((deviation / expected - 1.0).abs() < 4.0 / count.sqrt(), "{}: {deviation}", shape.name);
    }
}

/// M-6.3: all places are drawn about equally often, and every one lies inside its shard.
#[test]
fn places_are_uniform() {
    let (lengths, span) = ([12u64, 3, 9], 5);
    let mut counts = [0u32; 13];
    for sequence in 0..13_000 {
        let at = StepId { round: 2, slot: 1, step: 3 };
        let found = place(&[5; 32], at, sequence, &lengths, span).expect("there is room");
        assert!(found.offset + span <= lengths[found.shard as usize]);
        counts[found.offset as usize + if found.shard == 0 { 0 } else { 8 }] += 1;
    }
    assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
}
