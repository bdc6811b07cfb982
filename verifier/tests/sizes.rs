//! What a dispute posts, from shapes alone: toy programs and those of a model of seven billion parameters.

use retrace_model::op::{Form, KINDS, Kind, LANES};
use retrace_model::program::{Home, Program, Row, delta_program, loss_program, merge_program, step_program};
use retrace_model::selftest::golden_spec;
use retrace_model::{Activation, Architecture, F32Bits, GptSpec, LlamaSpec, OptimizerSpec, RunSpec, SgdSpec};
use retrace_verifier::digest::{CHUNK_BYTES, openings};
use retrace_verifier::evidence::{Lists, judging_bytes};
use std::collections::BTreeMap;

const JUDGING_BYTES_MAX: u64 = 8_192;
const MOVES_MAX: u64 = 14;
const LARGE: Lists = Lists { ops: 1_000_000, entries: 1_000, shard_bytes: 1 << 30 };

/// Llama 7B's sizes in this model's layout: 32 layers of 4096 x 11008, context 2048, vocabulary 128k.
fn seven_billion(sequences: u32) -> RunSpec {
    let mut spec = golden_spec();
    let m = &mut spec.model;
    (m.vocabulary, m.context, m.width, m.layers, m.hidden) = (131_072, 2048, 4096, 32, 11_008);
    m.architecture = Architecture::Gpt(GptSpec::new(32));
    (spec.batch, spec.steps, spec.schedule.warmup_steps) = (sequences, 500, 10);
    assert_eq!(spec.check(), Ok(()));
    spec
}

fn programs(spec: &RunSpec) -> Vec<Program> {
    vec![step_program(spec), delta_program(spec), loss_program(spec), merge_program(spec, 3)]
}

/// Programs that have every op between them: the run as it is, then as a Llama, then with every other activation,
/// dropout, micro-batches and SGD, in few layers since they only repeat.
fn all_programs(spec: &RunSpec) -> Vec<Program> {
    let bits = |x: f32| F32Bits(x.to_bits());
    let heads = spec.model.heads().unwrap();
    let mut specs = vec![*spec; 4];
    let (rope_base, norm_epsilon) = (bits(10_000.0), bits(1e-5));
    let own = LlamaSpec { heads, key_value_heads: heads / 2, rope_base, norm_epsilon };
    specs[1].model.architecture = Architecture::Llama(own);
    for (spec, activation) in specs[2..].iter_mut().zip([Activation::GeluErf, Activation::Relu]) {
        (spec.model.layers, spec.model.dropout, spec.model.tied) = (1, bits(0.1), false);
        spec.model.architecture = Architecture::Gpt(GptSpec { activation, ..GptSpec::new(heads) });
        spec.accumulation = spec.batch;
        let (momentum, weight_decay, clip_norm) = (bits(0.9), bits(0.1), bits(1.0));
        spec.optimizer = OptimizerSpec::Sgd(SgdSpec { momentum, weight_decay, clip_norm });
    }
    specs.iter().for_each(|spec| assert_eq!(spec.check(), Ok(())));
    specs.iter().flat_map(programs).collect()
}

/// Moves of the side that makes more: accused (root, openings, digest, tile, totals, partials) and challenger
/// (target, choices, row, element, lane, choices, operands).
fn moves_a_side(row: &Row, ops: u64) -> u64 {
    let list = if matches!(row.home, Home::Batch | Home::Loss) { 0 } else { u64::from(openings(ops)) };
    let tensor = u64::from(openings((row.elements() * 4).div_ceil(CHUNK_BYTES)));
    let lanes = row.kind.form() == Form::Lanes;
    let per_lane = u64::from(row.terms).div_ceil(if lanes { LANES as u64 } else { 1 });
    let links = per_lane + u64::from(row.start.is_some());
    let chain =
        std::iter::successors(Some(links), |n| Some(n.div_ceil(256))).take_while(|n| *n > 1).count() as u64;
    let common = list + tensor + chain + u64::from(lanes);
    let (accused, challenger) = (1 + 1 + 1 + common, 1 + 1 + 1 + 1 + common);
    accused.max(challenger)
}

struct Largest<'a> {
    row: &'a Row,
    bytes: u64,
    moves: u64,
}

/// The largest row of each kind, by the bytes of its judging move; the most moves of any row of the kind.
fn largest<'a>(programs: &'a [Program], lists: &Lists) -> BTreeMap<Kind, Largest<'a>> {
    let mut found: BTreeMap<Kind, Largest> = BTreeMap::new();
    for row in programs.iter().flat_map(|program| &program.rows) {
        assert_eq!(row.check(), Ok(()), "{row:?}");
        let (bytes, moves) = (judging_bytes(row, lists), moves_a_side(row, lists.ops));
        let entry = found.entry(row.kind).or_insert(Largest { row, bytes, moves });
        entry.moves = entry.moves.max(moves);
        if bytes > entry.bytes {
            (entry.row, entry.bytes) = (row, bytes);
        }
    }
    assert_eq!(found.len(), KINDS.len());
    found
}

/// V-3.6, V-4.3: at seven billion parameters every judging move fits 8 KiB and no side makes more than 14 moves; next
/// to a toy model the bytes grow by a small factor only.
#[test]
fn seven_billion_parameters_are_judged_in_8_kib() {
    let toy = {
        let mut spec = golden_spec();
        spec.model.architecture = Architecture::Gpt(GptSpec::new(6));
        all_programs(&spec)
    };
    let toy_lists = Lists { ops: toy[0].trace_leaves.into(), entries: 108, shard_bytes: 4096 };
    let small = largest(&toy, &toy_lists);
    for (name, sequences) in [("2,048 tokens", 1), ("32,768 tokens", 16)] {
        let large = all_programs(&seven_billion(sequences));
        println!("{name}: {} rows, {} leaves; lists {LARGE:?}", large[0].rows.len(), large[0].trace_leaves);
        println!("{:<22} {:<26} {:>9} {:>6} {:>5} {:>6}", "kind", "shape", "terms", "bytes", "moves", "toy");
        for (kind, l) in largest(&large, &LARGE) {
            let toy = &small[&kind];
            let (shape, kind) = (format!("{:?}", l.row.shape), format!("{kind:?}"));
            println!(
                "{kind:<22} {shape:<26} {:>9} {:>6} {:>5} {:>6}",
                l.row.terms, l.bytes, l.moves, toy.bytes
            );
            assert!(l.bytes <= JUDGING_BYTES_MAX, "{kind}: {} bytes", l.bytes);
            assert!(l.moves <= MOVES_MAX, "{kind}: {} moves", l.moves);
            assert!(l.bytes <= 4 * toy.bytes, "{kind}: {} bytes, {} in a toy", l.bytes, toy.bytes);
        }
    }
}

/// V-3.6: the three products of a linear layer, by name: forward, input gradient, weight gradient.
#[test]
fn the_products_of_a_large_layer_fit() {
    for sequences in [1, 16] {
        let program = step_program(&seven_billion(sequences));
        let tokens = sequences * 2048;
        let shapes =
            [[1, 1, tokens, 11_008], [1, 1, tokens, 4096], [1, 1, 4096, 11_008], [1, 1, 131_072, 4096]];
        for shape in shapes {
            let rows = program.rows.iter().filter(|row| row.kind == Kind::MatMul && row.shape == shape);
            let bytes: Vec<u64> = rows.map(|row| judging_bytes(row, &LARGE)).collect();
            assert!(
                !bytes.is_empty() && bytes.iter().all(|b| *b <= JUDGING_BYTES_MAX),
                "{shape:?}: {bytes:?}"
            );
            println!("{shape:?}: {} rows, at most {} bytes", bytes.len(), bytes.iter().max().unwrap());
        }
    }
}

/// V-3.6: the longest reduction that a row may have is narrowed in three moves, the longest tensor in four.
#[test]
fn the_limits_of_a_row_bound_the_moves() {
    let spec = golden_spec();
    let program = step_program(&spec);
    let mut row = program.rows.iter().find(|row| row.kind == Kind::ColumnSum).unwrap().clone();
    row.terms = retrace_model::program::TERMS_MAX;
    (row.shape, row.operands[0].length) = ([1 << 10, 1 << 10, 1 << 10, 1 << 7], u64::MAX);
    assert_eq!(row.check(), Ok(()));
    let moves = moves_a_side(&row, LARGE.ops);
    println!("2^37 elements of 2^24 terms each: {moves} moves a side");
    assert!(moves <= MOVES_MAX, "{moves} moves");
}
