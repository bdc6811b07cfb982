//! The integer referee against the floating-point unit, bit for bit (M-1.1, M-1.2, M-1.3, M-1.5).

mod arithmetic_cases;

use arithmetic_cases::grid::wide_pair_difference;
use arithmetic_cases::sweep::Part;
use arithmetic_cases::{Generator, double_outcomes, single_outcomes};
use retrace_model::arithmetic::{CANONICAL_NAN, Real32, Real64};
use retrace_model::soft::{Soft32, Soft64};

fn no_difference(part: Part) {
    for block in 0..part.blocks() {
        assert_eq!(part.difference(block, 1), None, "{}, block {block}", part.name());
    }
}

// M-1.1
#[test]
fn binary32_agrees_for_every_pair_of_exponents() {
    no_difference(Part::Pairs { stride: 29 });
}

// M-1.1
#[test]
fn binary64_agrees_for_every_near_pair_of_exponents() {
    let mut draw = Generator(2);
    for high in 0..2048_u64 {
        for step in 0..32 {
            // Near in steps of 1 for sums, and over the whole range for products.
            let low = if step < 28 { high + step + 2048 - 14 } else { draw.next() } % 2048;
            assert_eq!(wide_pair_difference(high, low, &mut draw), None);
        }
    }
}

// M-1.2
#[test]
fn fma_agrees_for_triples_of_exponents() {
    no_difference(Part::Triples { stride: 37 });
}

// M-1.3, M-1.5
#[test]
fn whole_chains_agree_after_every_link() {
    no_difference(Part::Chains(100_000));
}

// M-1.5
#[test]
fn random_and_boundary_cases_agree() {
    no_difference(Part::Random(2_000_000));
}

// M-1.2
#[test]
fn fma_rounds_once() {
    // (1 + 2^-12)^2 - 1 is 2^-11 + 2^-24, whose last bit a separate product would have lost.
    let a = Soft32::from_bits(0x3F80_0800);
    let minus_one = Soft32::from_bits(0xBF80_0000);
    assert_eq!(a.fma(a, minus_one).to_bits(), 0x3A00_0400);
    assert_eq!((a * a + minus_one).to_bits(), 0x3A00_0000);
}

// M-1.1
#[test]
fn signs_of_zero_follow_the_standard() {
    const MINUS: u32 = 1 << 31;
    const ONE: u32 = 0x3F80_0000;
    // (a, b, c), then a + b, a - b, a * b and fma(a, b, c).
    let table = [
        (0, MINUS, MINUS, [0, 0, MINUS, MINUS]),
        (MINUS, MINUS, 0, [MINUS, 0, 0, 0]),
        (MINUS, 0, 0, [0, MINUS, MINUS, 0]),
        (ONE, MINUS | ONE, ONE, [0, 0x4000_0000, MINUS | ONE, 0]),
    ];
    for (a, b, c, expected) in table {
        let soft = single_outcomes::<Soft32>(a, b, c);
        let hardware = single_outcomes::<f32>(a, b, c);
        for (at, index) in [0, 1, 2, 4].into_iter().enumerate() {
            assert_eq!(soft[index], u64::from(expected[at]), "{a:x} {b:x} {c:x}");
            assert_eq!(hardware[index], u64::from(expected[at]), "{a:x} {b:x} {c:x}");
        }
    }
}

// M-1.3
#[test]
fn every_soft_nan_is_canonical() {
    let [zero, one, infinity] = [0, 0x3F80_0000, 0x7F80_0000].map(Soft32::from_bits);
    let payload = Soft32::from_bits(0xFF80_1234);
    let minus_infinity = Soft32::from_bits(0xFF80_0000);
    let made = [
        payload + one,
        one - payload,
        payload * zero,
        payload / one,
        payload.sqrt(),
        payload.fma(one, one),
        one.fma(one, payload),
        payload.widen().narrow(),
        infinity + minus_infinity,
        infinity * zero,
        zero / zero,
        infinity / infinity,
        minus_infinity.sqrt(),
        infinity.fma(one, minus_infinity),
    ];
    for (index, value) in made.into_iter().enumerate() {
        assert_eq!(value.to_bits(), CANONICAL_NAN, "case {index}");
    }
    assert_eq!(payload.widen().to_bits(), 0x7FF8_0000_0000_0000);
}

// M-1.4
#[test]
fn narrowing_to_a_subnormal_rounds_once() {
    // A tie at the lowest subnormal's half goes to the even zero; one bit more goes up.
    let table = [
        (0x3690_0000_0000_0000, 0),
        (0x3690_0000_0000_0001, 1),
        (0x36A8_0000_0000_0000, 2),
        (0x380F_FFFF_DFFF_FFFF, 0x007F_FFFF),
        (0x380F_FFFF_E000_0000, 0x0080_0000),
        (0x47EF_FFFF_EFFF_FFFF, 0x7F7F_FFFF),
        (0x47EF_FFFF_F000_0000, 0x7F80_0000),
    ];
    for (wide, narrow) in table {
        assert_eq!(Soft64::from_bits(wide).narrow().to_bits(), narrow, "{wide:x}");
        assert_eq!(double_outcomes::<f64>(wide, 0, 0)[7], u64::from(narrow), "{wide:x}");
    }
}
