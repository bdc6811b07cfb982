//! Rows from outside: whatever passes the check can be asked about any of its elements without a panic.

use crate::world::{Rng, UNITS, World};
use retrace_model::op::{Form, KINDS};
use retrace_model::program::{Home, Leaf, Lookup, Operand, Range, Row, Scalar};
use retrace_verifier::evidence::{Lists, judging_bytes};
use retrace_verifier::segment::Honest;
use std::collections::BTreeSet;

const EXTREMES: [u64; 12] =
    [0, 1, 2, 3, 16, 255, 256, 1 << 24, u32::MAX as u64, 1 << 40, u64::MAX - 1, u64::MAX];

fn number(rng: &mut Rng) -> u64 {
    if rng.below(3) == 0 { rng.pick(&EXTREMES) } else { rng.next() % 40 }
}

fn operand(rng: &mut Rng) -> Operand {
    let leaf =
        rng.pick(&[Leaf::Trace(3), Leaf::Pre(1), Leaf::Post(u32::MAX), Leaf::Batch, Leaf::Delta(9, 9)]);
    let lookup = (rng.below(6) == 0).then(|| Lookup {
        operand: rng.below(4) as u8,
        stride: number(rng),
        bound: number(rng) as u32,
    });
    let strides = [(); 4].map(|()| number(rng));
    let length = if rng.below(2) == 0 { u64::MAX } else { number(rng) };
    Operand { leaf, length, offset: number(rng), strides, term_stride: number(rng), lookup }
}

fn row(rng: &mut Rng) -> Row {
    let kind = rng.pick(&KINDS);
    let count = if rng.below(8) == 0 { rng.below(6) } else { kind.arity() };
    let chain = kind.form() != Form::Element;
    let dimension = rng.below(5) as u8;
    Row {
        kind,
        shape: [(); 4].map(|()| number(rng) as u32),
        terms: if chain { number(rng) as u32 } else { 0 },
        range: if chain {
            rng.pick(&[Range::Full, Range::UpTo(dimension), Range::From(dimension)])
        } else {
            Range::Full
        },
        masked: rng.below(2) == 0,
        start: (kind.form() == Form::Chain && rng.below(3) == 0).then(|| operand(rng)),
        operands: (0..count).map(|_| operand(rng)).collect(),
        scalars: vec![Scalar::LearningRate; rng.below(7)],
        home: rng.pick(&[Home::Trace(0), Home::Post(u32::MAX), Home::Batch, Home::Loss]),
    }
}

/// V-3.6, V-4.3: extreme shapes, strides, offsets and look-ups are refused or are harmless, and never overflow.
#[test]
fn a_row_that_passes_its_check_never_panics() {
    let mut rng = Rng(0x0403);
    let lists = Lists { ops: u64::MAX, entries: u64::MAX, shard_bytes: u64::MAX };
    let (mut sound, mut refused) = (0, 0);
    while sound < 20_000 {
        let row = row(&mut rng);
        assert!(judging_bytes(&row, &lists) > 0);
        if row.check().is_err() {
            refused += 1;
            continue;
        }
        sound += 1;
        let last = row.elements() - 1;
        for flat in [0, last / 2, last] {
            let index = row.index(flat);
            for lane in [0, 15] {
                let links = row.links(index, lane);
                for link in [0, links.saturating_sub(1)] {
                    if link < links.max(1) {
                        row.link(index, lane, link);
                    }
                }
            }
            let (_, end) = row.span(index);
            for view in row.operands.iter().chain(&row.start) {
                for id in [0, u32::MAX, view.lookup.map_or(0, |l| l.bound.saturating_sub(1))] {
                    let place = view.place(index, end.saturating_sub(1), &[id; 3]);
                    assert!(place.is_none_or(|place| place < view.length), "{row:?}");
                }
            }
        }
    }
    println!("{sound} sound rows, {refused} refused");
}

/// V-4.3: in every program each output has one home, so a leaf in dispute names one row.
#[test]
fn every_home_has_one_row() {
    let world = World::new();
    for unit in UNITS {
        let program = world.case(unit, &Honest).honest.program;
        let homes: BTreeSet<Home> = program.rows.iter().map(|row| row.home).collect();
        assert_eq!(homes.len(), program.rows.len(), "{unit}");
    }
}
