//! Traps that have changed bits before, each held open by a test on every backend.

mod support;

use retrace_model::Words;
use retrace_model::arithmetic::{CANONICAL_NAN, Real32};
use retrace_model::op::{KINDS, Kind};
use retrace_model::program::{Home, Operand, Range, Row};
use retrace_model::soft::Soft32;
use support::rows::{Size, case};
use support::{Generator, engines, run_row, view};

const MINUS_ZERO: u32 = 1 << 31;
const ONE: u32 = 0x3F80_0000;
const MINUS_ONE: u32 = 0xBF80_0000;
/// Numbers of terms at the edges of vectors, lanes and blocks.
const TERMS: [u32; 9] = [1, 2, 3, 7, 15, 16, 17, 33, 300];

fn element_row(kind: Kind, columns: u32) -> Row {
    let (terms, range) = support::NO_TERMS;
    let operands = vec![view(0, u64::from(columns), [0, 0, 0, 1], 0)];
    let shape = [1, 1, 1, columns];
    Row {
        kind,
        shape,
        terms,
        range,
        masked: false,
        start: None,
        operands,
        scalars: vec![],
        home: Home::Trace(0),
    }
}

/// A product of an m x k and a k x n matrix that starts at an m x n one; leaves in this order.
fn product([m, k, n]: [u32; 3], range: Range) -> Row {
    let [rows, terms, columns] = [m, k, n].map(u64::from);
    let a = view(0, rows * terms, [0, 0, terms, 0], 1);
    let b = view(1, terms * columns, [0, 0, 0, 1], columns);
    let start = Some(view(2, rows * columns, [0, 0, columns, 1], 0));
    let (kind, operands, home) = (Kind::MatMul, vec![a, b], Home::Trace(0));
    Row { kind, shape: [1, 1, m, n], terms: k, range, masked: false, start, operands, scalars: vec![], home }
}

fn along(kind: Kind, terms: u32) -> Row {
    let operand: Operand = view(0, u64::from(terms), [0; 4], 1);
    Row { shape: [1; 4], terms, operands: vec![operand], range: Range::Full, ..element_row(kind, 1) }
}

fn on_every_engine(row: &Row, leaves: &[Words], expected: &[u32]) {
    for engine in engines() {
        assert_eq!(run_row(row, leaves, &engine), expected, "{engine:?} {row:?}");
    }
}

/// M-1.3: machines make NaNs of different bits, so whatever goes in, one NaN comes out.
#[test]
fn every_op_writes_one_nan() {
    let mut seen = 0;
    for kind in KINDS {
        for seed in 0..6 {
            let mut drawn = case(kind, Size::Small, &mut Generator(seed << 8 | kind as u64));
            let payloads = [0x7F80_0001, 0x7FC0_0000, 0xFFC1_2345, 0xFFFF_FFFF];
            for (at, word) in drawn.leaves.iter_mut().flatten().enumerate().filter(|(at, _)| at % 2 == 0) {
                *word = payloads[at / 2 % 4];
            }
            for engine in engines() {
                for word in run_row(&drawn.row, &drawn.leaves, &engine) {
                    let is_nan = word << 1 > 0xFF00_0000;
                    assert!(!is_nan || word == CANONICAL_NAN, "{kind:?} {engine:?}: {word:08x}");
                    seen += u64::from(is_nan);
                }
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

/// M-3.4, M-3.11: machines differ in the maximum of two zeros, so a comparison decides, and a tie keeps the first.
#[test]
fn the_maximum_of_two_zeros_is_a_comparison() {
    for terms in TERMS {
        for (first, rest) in [(MINUS_ZERO, 0), (0, MINUS_ZERO)] {
            let mut words = vec![rest; terms as usize];
            words[0] = first;
            on_every_engine(&along(Kind::RowMax, terms), &[words], &[first]);
        }
    }
    // In one lane too, where the second zero comes 16 terms later.
    let mut words = vec![MINUS_ONE; 17];
    (words[0], words[16]) = (MINUS_ZERO, 0);
    on_every_engine(&along(Kind::RowMax, 17), &[words], &[MINUS_ZERO]);
    let mut x: Words = [MINUS_ZERO, 0, MINUS_ONE, ONE, 0xFFC0_0001, 0x8000_0001, 1].repeat(5);
    x.truncate(33);
    let mut expected: Words = [0, 0, 0, ONE, CANONICAL_NAN, 0, 1].repeat(5);
    expected.truncate(33);
    on_every_engine(&element_row(Kind::Relu, 33), &[x], &expected);
}

/// M-3.3: a product padded with zeros to whole vectors would turn -0 into +0.
#[test]
fn chains_are_never_padded() {
    for k in TERMS {
        let [m, n] = [5, 7];
        let leaves = [vec![0; (m * k) as usize], vec![MINUS_ONE; (k * n) as usize], vec![MINUS_ZERO; 35]];
        on_every_engine(&product([m, k, n], Range::Full), &leaves, &[MINUS_ZERO; 35]);
    }
    // And without a start value a chain begins at +0, which a -0 does not change.
    on_every_engine(&along(Kind::ColumnSum, 3), &[vec![MINUS_ZERO; 3]], &[0]);
    on_every_engine(&along(Kind::RowSum, 3), &[vec![MINUS_ZERO; 3]], &[0]);
}

/// M-3.3: a bias, residual or earlier sum is where the chain begins, and not what is added at its end.
#[test]
fn starting_values_come_first() {
    // 2^24 + 1 rounds back to 2^24 every time, while 1 + 1 + .. first would count.
    const TWO_24: u32 = 0x4B80_0000;
    for k in TERMS {
        let [m, n] = [3, 17];
        let leaves = [vec![ONE; (m * k) as usize], vec![ONE; (k * n) as usize], vec![TWO_24; 51]];
        on_every_engine(&product([m, k, n], Range::Full), &leaves, &[TWO_24; 51]);
    }
}

/// M-3.7: what lies beyond a causal range is not multiplied by zero: it is not there, even if it is no number.
#[test]
fn a_causal_mask_is_a_range() {
    for k in [4, 16, 33, 70] {
        let n = 9;
        let (rows, columns) = (k as usize, n as usize);
        for range in [Range::UpTo(2), Range::From(2)] {
            let in_range = |i: usize, t: usize| if range == Range::UpTo(2) { t <= i } else { t >= i };
            let weight = |at: usize| if in_range(at / rows, at % rows) { 0 } else { 0xFF80_0000 };
            let weights = (0..rows * rows).map(weight).collect();
            let leaves = [weights, vec![MINUS_ONE; rows * columns], vec![MINUS_ZERO; rows * columns]];
            on_every_engine(&product([k, k, n], range), &leaves, &vec![MINUS_ZERO; rows * columns]);
        }
    }
}

/// What a body without a fused multiply-add gives: the product is exact in binary64, the sum is rounded twice.
fn rounded_twice([a, b, c]: [u32; 3]) -> u32 {
    let [a, b, c] = [a, b, c].map(|bits| f64::from(f32::from_bits(bits)));
    ((a * b + c) as f32).to_bits()
}

/// Operands whose exact result lies a hair beside a tie of binary32, which binary64 cannot see.
fn hard_cases() -> Vec<[u32; 3]> {
    // 97 * 257 * 673 = 2^24 + 1: the product is a tie, the addend says which way.
    let tie = |scale: f32| [24_929.0f32.to_bits(), (673.0 * scale).to_bits()];
    let mut cases = Vec::new();
    for exponent in [0i32, -24, -60, -100] {
        let scale = f32::from_bits(((127 + exponent) as u32) << 23);
        for below in [60u32, 80, 100] {
            let hair = f32::from_bits(
                (127 + exponent + 24).saturating_sub_unsigned(below).clamp(1, 254) as u32 * (1 << 23),
            );
            for sign in [0, MINUS_ZERO] {
                let [a, b] = tie(scale);
                cases.push([a, b, hair.to_bits() | sign]);
                cases.push([a | MINUS_ZERO, b, hair.to_bits() | sign]);
            }
        }
    }
    let mut draw = Generator(24);
    while cases.len() < 4000 {
        // A small addend's half unit in the last place, and a product that nearly is it.
        let c = draw.ordinary();
        let ulp = f32::from_bits(c & 0x7F80_0000) * f32::from_bits(0x3400_0000);
        let a = (1.0 + draw.below(1 << 10) as f32 / 8_388_608.0).to_bits();
        let b = (ulp * 0.5 * (1.0 - draw.below(1 << 10) as f32 / 16_777_216.0)).to_bits();
        cases.push([a, b, c]);
    }
    cases
}

/// M-1.2, M-1.5: a multiply-add through binary64 is wrong in these cases; ours is the integers' on every backend.
#[test]
fn multiply_add_rounds_once() {
    let cases = hard_cases();
    let mut caught = 0;
    for case in &cases {
        let [a, b, c] = case.map(Soft32::from_bits);
        let right = a.fma(b, c).to_bits();
        let [x, y, z] = case.map(f32::from_bits);
        assert_eq!(x.mul_add(y, z).to_bits(), right, "{case:08x?}");
        caught += usize::from(rounded_twice(*case) != right);
    }
    assert!(caught >= 10, "only {caught} of {} cases are hard", cases.len());
    // As a chain of one term each: a column of products along n would share its a.
    let n = cases.len() as u32;
    let count = u64::from(n);
    let mut row = product([1, 1, n], Range::Full);
    row.operands = vec![view(0, count, [0, 0, 0, 1], 0), view(1, count, [0, 0, 0, 1], 0)];
    let leaves: [Words; 3] = std::array::from_fn(|at| cases.iter().map(|case| case[at]).collect());
    let right: Words = cases
        .iter()
        .map(|case| {
            let [a, b, c] = case.map(Soft32::from_bits);
            a.fma(b, c).to_bits()
        })
        .collect();
    on_every_engine(&row, &leaves, &right);
}
