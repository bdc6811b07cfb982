//! Emulated multiply-add against the hardware's and the integers', bit for bit (M-1.2, M-1.6).

mod arithmetic_cases;

use arithmetic_cases::{DOUBLE_OPERATIONS, Generator, SINGLE_OPERATIONS, double_outcomes, single_outcomes};
use retrace_model::arithmetic::{Real32, Real64};
use retrace_model::emulated::{Emulated32, Emulated64};
use retrace_model::soft::{Soft32, Soft64};

fn check_single(a: u32, b: u32, c: u32) {
    let emulated = single_outcomes::<Emulated32>(a, b, c);
    let soft = single_outcomes::<Soft32>(a, b, c);
    for (at, name) in SINGLE_OPERATIONS.into_iter().enumerate() {
        assert_eq!(emulated[at], soft[at], "binary32 {name} of {a:08x} {b:08x} {c:08x}");
    }
}

fn check_double(a: u64, b: u64, c: u64) {
    let emulated = double_outcomes::<Emulated64>(a, b, c);
    let soft = double_outcomes::<Soft64>(a, b, c);
    for (at, name) in DOUBLE_OPERATIONS.into_iter().enumerate() {
        assert_eq!(emulated[at], soft[at], "binary64 {name} of {a:016x} {b:016x} {c:016x}");
    }
}

// M-1.6
#[test]
fn every_pair_of_binary32_exponents_agrees() {
    let mut draw = Generator(11);
    for pair in 0..1_u32 << 16 {
        for _ in 0..6 {
            let random = draw.next();
            let a = pair >> 8 << 23 | random as u32 & 0x807F_FFFF;
            let b = (pair & 0xFF) << 23 | (random >> 32) as u32 & 0x807F_FFFF;
            // An addend from 64 places above the product to 64 below.
            let field = (pair >> 8) + (pair & 0xFF) + draw.below(128) as u32;
            let c = (field.saturating_sub(127 + 64).min(255) << 23) | draw.next() as u32 & 0x807F_FFFF;
            check_single(a, b, c);
        }
    }
}

// M-1.6
#[test]
fn every_sum_of_binary64_exponents_agrees() {
    let mut draw = Generator(12);
    for a_field in 0..2048 {
        for _ in 0..128 {
            // The product's exponent is drawn, from far below the subnormals to far above the largest number.
            let b_field = (draw.below(2500) + 700_u64).saturating_sub(a_field).min(2047);
            let field = (a_field + b_field + draw.below(260)).saturating_sub(1023 + 130).min(2047);
            let [a, b, c] =
                [a_field, b_field, field].map(|field| field << 52 | draw.next() & 0x800F_FFFF_FFFF_FFFF);
            check_double(a, b, c);
        }
    }
}

// M-1.6
#[test]
fn drawn_and_boundary_cases_agree() {
    let mut draw = Generator(13);
    for _ in 0..2_000_000 {
        let [a, b, c] = [draw.single(), draw.single(), draw.single()];
        check_single(a, b, c);
        let [a, b, c] = [draw.double(), draw.double(), draw.double()];
        check_double(a, b, c);
    }
}

// M-1.6: a sum within a hair of a tie, where two roundings in a row would go wrong.
#[test]
fn binary32_ties_are_rounded_once() {
    let mut draw = Generator(14);
    let mut wrong_twice = 0;
    for _ in 0..2_000_000 {
        let c = f32::from_bits(draw.next() as u32 & 0x807F_FFFF | (1 + draw.below(254) as u32) << 23);
        let half = (c.to_bits() >> 23 & 0xFF) as i32 - 24;
        let [a, b] = near_one_pair(&mut draw, 23).map(|x| x as f32);
        // Half of c's last place, give or take; a subnormal for small c.
        let scale = f64::from_bits(((1023 - 127 + half) as u64) << 52) as f32;
        let a = a * scale;
        let fused = Emulated32(a).fma(Emulated32(b), Emulated32(c)).to_bits();
        assert_eq!(fused, a.mul_add(b, c).to_bits(), "{a:e} {b:e} {c:e}");
        let twice = (f64::from(a) * f64::from(b) + f64::from(c)) as f32;
        wrong_twice += u32::from(twice.to_bits() != fused);
    }
    assert!(wrong_twice > 10_000, "these cases are not hard: {wrong_twice}");
}

// M-1.6
#[test]
fn binary64_ties_are_rounded_once() {
    let mut draw = Generator(15);
    let mut wrong_twice = 0;
    for _ in 0..2_000_000 {
        let field = 1 + draw.below(2046);
        let c = f64::from_bits(draw.next() & 0x800F_FFFF_FFFF_FFFF | field << 52);
        let [a, b] = near_one_pair(&mut draw, 52);
        let scale = f64::from_bits(field.saturating_sub(53).max(1) << 52);
        let a = a * scale;
        let fused = Emulated64(a).fma(Emulated64(b), Emulated64(c)).to_bits();
        assert_eq!(fused, a.mul_add(b, c).to_bits(), "{a:e} {b:e} {c:e}");
        wrong_twice += u32::from((a * b + c).to_bits() != fused);
    }
    assert!(wrong_twice > 10_000, "these cases are not hard: {wrong_twice}");
}

/// Two factors a few last places from 1, of any signs, whose product is near 1 with a far lowest bit.
fn near_one_pair(draw: &mut Generator, mantissa: u32) -> [f64; 2] {
    let place = f64::from_bits((1023 - u64::from(mantissa)) << 52);
    let sign = if draw.next() & 1 == 0 { 1.0 } else { -1.0 };
    let near = |draw: &mut Generator| 1.0 + place * (draw.below(9) as f64 - 4.0);
    [sign * near(draw), near(draw)]
}

// M-1.6, M-1.1: every combination of the numbers at the edges, with every sign.
#[test]
fn edges_agree() {
    let singles = [0, 1, 2, 0x007F_FFFF, 0x0080_0000, 0x3F80_0000, 0x7F7F_FFFF, 0x7F80_0000, 0x7FC0_0000];
    let doubles = [
        0,
        1,
        0x000F_FFFF_FFFF_FFFF,
        0x0010_0000_0000_0000,
        1023 - 401 << 52,
        1023 - 400 << 52,
        0x3FF0_0000_0000_0000,
        1023 + 400 << 52 | 0x000F_FFFF_FFFF_FFFF,
        1023 + 900 << 52 | 0x000F_FFFF_FFFF_FFFF,
        0x7FEF_FFFF_FFFF_FFFF,
        0x7FF0_0000_0000_0000,
        0x7FF8_0000_0000_0000,
    ];
    for signs in 0..8_u32 {
        let [x, y, z] = [signs & 1, signs >> 1 & 1, signs >> 2];
        for (a, b, c) in triples(&singles) {
            check_single(a | x << 31, b | y << 31, c | z << 31);
        }
        for (a, b, c) in triples(&doubles) {
            check_double(a | u64::from(x) << 63, b | u64::from(y) << 63, c | u64::from(z) << 63);
        }
    }
}

fn triples<T: Copy>(values: &[T]) -> impl Iterator<Item = (T, T, T)> + '_ {
    let pairs = values.iter().flat_map(|a| values.iter().map(|b| (*a, *b)));
    pairs.flat_map(|(a, b)| values.iter().map(move |c| (a, b, *c)))
}
