//! The elementary functions: the same bits in both bodies, known vectors, and measured accuracy (M-2.1 to M-2.7).
//!
//! All inputs, not a sample, are tried by the example `elementary`.

mod arithmetic_cases;

use arithmetic_cases::Generator;
use retrace_model::arithmetic::{CANONICAL_NAN, Real32};
use retrace_model::soft::Soft32;
use retrace_model::{cos, erf, exp, ln, sin, tanh};

/// Inputs of the greatest errors of `exp` and `tanh` and of the hardest rounding for `ln`, `erf` and `sin`, then the
/// ends of every range, and binary32 numbers next to multiples of a quarter turn.
const SPECIAL_INPUTS: [u32; 39] = [
    0x40A6_7634,
    0xC1D5_7C36,
    0x3D7C_5852,
    0x3D80_1E90,
    0x3C41_3D3A,
    0x4117_8FEB,
    0x4C5D_65A5,
    0x65D8_90D3,
    0x6F31_A8EC,
    0,
    1,
    0x007F_FFFF,
    0x0080_0000,
    0x3F7F_FFFF,
    0x3F80_0000,
    0x3F80_0001,
    0x3F35_04F3,
    0x3F35_04F4,
    0x42B1_7217,
    0x42B1_7218,
    0x42CF_F1B4,
    0x42CF_F1B5,
    0x3EB1_7218,
    0x4110_2CB4,
    0x4120_0000,
    0x7F7F_FFFF,
    0x7F80_0000,
    0x7F80_0001,
    0x7FC0_0000,
    0x3940_EAD6,
    0x4619_9998,
    0x4080_0000,
    0x4080_0001,
    0x477F_FFFF,
    0x4780_0000,
    0x4780_0001,
    0x3FC9_0FDB,
    0x4049_0FDB,
    0x4741_B0C3,
];

fn exp_bits<F: Real32>(x: u32) -> u32 {
    exp(F::from_bits(x)).to_bits()
}

fn ln_bits<F: Real32>(x: u32) -> u32 {
    ln(F::from_bits(x)).to_bits()
}

fn tanh_bits<F: Real32>(x: u32) -> u32 {
    tanh(F::from_bits(x)).to_bits()
}

fn erf_bits<F: Real32>(x: u32) -> u32 {
    erf(F::from_bits(x)).to_bits()
}

fn sin_bits<F: Real32>(x: u32) -> u32 {
    sin(F::from_bits(x)).to_bits()
}

fn cos_bits<F: Real32>(x: u32) -> u32 {
    cos(F::from_bits(x)).to_bits()
}

// M-2.1, M-2.2, M-2.3, M-2.6, M-2.7
#[test]
fn both_bodies_agree_on_every_kind_of_input() {
    let mut draw = Generator(11);
    let special = SPECIAL_INPUTS.into_iter().flat_map(|x| [x, x | 1 << 31]);
    let drawn = (0..100_000).map(|_| draw.single());
    // Most bit patterns are far outside the range where the functions bend.
    let mut draw = Generator(12);
    let bent = (0..50_000).map(|_| (draw.next() as u32 & 0x81FF_FFFF).wrapping_add(0x3D00_0000 + (9 << 23)));
    for x in special.chain(drawn).chain(bent) {
        assert_eq!(exp_bits::<Soft32>(x), exp_bits::<f32>(x), "exp {x:08x}");
        assert_eq!(ln_bits::<Soft32>(x), ln_bits::<f32>(x), "ln {x:08x}");
        assert_eq!(tanh_bits::<Soft32>(x), tanh_bits::<f32>(x), "tanh {x:08x}");
        assert_eq!(erf_bits::<Soft32>(x), erf_bits::<f32>(x), "erf {x:08x}");
        assert_eq!(sin_bits::<Soft32>(x), sin_bits::<f32>(x), "sin {x:08x}");
        assert_eq!(cos_bits::<Soft32>(x), cos_bits::<f32>(x), "cos {x:08x}");
    }
}

// M-2.1, M-2.2, M-2.3
#[test]
fn ends_of_the_range_are_exact() {
    const INFINITY: u32 = 0x7F80_0000;
    const MINUS: u32 = 1 << 31;
    const ONE: u32 = 0x3F80_0000;
    // x, exp x, ln x, tanh x.
    let table = [
        (0, ONE, MINUS | INFINITY, 0),
        (MINUS, ONE, MINUS | INFINITY, MINUS),
        (INFINITY, INFINITY, INFINITY, ONE),
        (MINUS | INFINITY, 0, CANONICAL_NAN, MINUS | ONE),
        (0x7F80_0001, CANONICAL_NAN, CANONICAL_NAN, CANONICAL_NAN),
        (0xFFFF_FFFF, CANONICAL_NAN, CANONICAL_NAN, CANONICAL_NAN),
        (MINUS | 1, ONE, CANONICAL_NAN, MINUS | 1),
        (0x0080_0000, ONE, 0xC2AE_AC50, 0x0080_0000),
        // The last finite value and the first infinite one; the last value above zero and the first zero.
        (0x42B1_7217, 0x7F7F_FF84, 0x408F_895B, ONE),
        (0x42B1_7218, INFINITY, 0x408F_895C, ONE),
        (0xC2CF_F1B4, 1, CANONICAL_NAN, MINUS | ONE),
        (0xC2CF_F1B5, 0, CANONICAL_NAN, MINUS | ONE),
    ];
    for (x, exp, ln, tanh) in table {
        assert_eq!([exp_bits::<f32>(x), ln_bits::<f32>(x), tanh_bits::<f32>(x)], [exp, ln, tanh], "{x:08x}");
    }
}

// M-2.1, M-2.2, M-2.3
#[test]
fn known_vectors_hold() {
    // x, exp x, ln x, tanh x, computed from the specification's text with exact rationals.
    let table = [
        (0x3F80_0000, 0x402D_F854, 0x0000_0000, 0x3F42_F7D6),
        (0xBF80_0000, 0x3EBC_5AB2, CANONICAL_NAN, 0xBF42_F7D6),
        (0x3F00_0000, 0x3FD3_094C, 0xBF31_7218, 0x3EEC_9A9F),
        (0xBDCC_CCCD, 0x3F67_A36D, CANONICAL_NAN, 0xBDCC_1EBC),
        (0x4120_0000, 0x46AC_14EF, 0x4013_5D8E, 0x3F80_0000),
        (0xC2AF_0000, 0x006C_B2BC, CANONICAL_NAN, 0xBF80_0000),
        (0x3A83_126F, 0x3F80_20C9, 0xC0DD_0C55, 0x3A83_126C),
        (0x42B1_6666, 0x7F7A_37FC, 0x408F_8740, 0x3F80_0000),
        (0x4283_070F, 0x6EB7_1737, 0x4085_D514, 0x3F80_0000),
        (0xBF81_EADF, 0x3EB9_8DC0, CANONICAL_NAN, 0xBF44_8F76),
        (0x3C41_3D3A, 0x3F81_84C4, 0xC08E_1590, 0x3C41_3AEF),
        (0x0000_0001, 0x3F80_0000, 0xC2CE_8ED0, 0x0000_0001),
        (0x40A6_7634, 0x4335_9F4E, 0x3FD3_1366, 0x3F7F_FC07),
        (0xC1D5_7C36, 0x2C35_1CE6, CANONICAL_NAN, 0xBF80_0000),
        (0x3D80_1E90, 0x3F88_4363, 0xC031_62D2, 0x3D7F_E7AE),
        (0x3D7C_5852, 0x3F88_223E, 0xC032_5DB3, 0x3D7C_06B5),
    ];
    for (x, exp, ln, tanh) in table {
        assert_eq!([exp_bits::<f32>(x), ln_bits::<f32>(x), tanh_bits::<f32>(x)], [exp, ln, tanh], "{x:08x}");
    }
}

// M-2.6, M-2.7
#[test]
fn known_vectors_of_erf_sin_and_cos_hold() {
    const MINUS: u32 = 1 << 31;
    const ONE: u32 = 0x3F80_0000;
    // x, erf x, sin x, cos x: the finite ones computed by the judge in `specs/judge` from the specification's text.
    let table = [
        (0, 0, 0, ONE),
        (MINUS, MINUS, MINUS, ONE),
        (1, 1, 1, ONE),
        (0x7F80_0000, ONE, CANONICAL_NAN, CANONICAL_NAN),
        (0xFF80_0000, MINUS | ONE, CANONICAL_NAN, CANONICAL_NAN),
        (0xFF80_0001, CANONICAL_NAN, CANONICAL_NAN, CANONICAL_NAN),
        (0x4780_0000, ONE, 0x3F31_2B34, 0xBF38_CA2A),
        (0x4780_0001, ONE, CANONICAL_NAN, CANONICAL_NAN),
        (0xC780_0001, MINUS | ONE, CANONICAL_NAN, CANONICAL_NAN),
        (0x3F80_0000, 0x3F57_BB3D, 0x3F57_6AA4, 0x3F0A_5140),
        (0xBF00_0000, 0xBF05_3F7B, 0xBEF5_7744, 0x3F60_A940),
        (0xBDCC_CCCD, 0xBDE6_52F5, 0xBDCC_7577, 0x3F7E_B898),
        (0x4020_0000, 0x3F7F_E554, 0x3F19_3578, 0xBF4D_17BF),
        (0x4074_CCCD, 0x3F7F_FFFF, 0xBF21_A5FA, 0xBF46_824C),
        (0xC000_0000, 0xBF7E_CD71, 0xBF68_C7B7, 0xBED5_1133),
        (0x3940_EAD6, 0x3959_AF13, 0x3940_EAD6, ONE),
        (0xC619_9998, MINUS | ONE, 0x3EB1_FA5E, 0xBF70_090B),
        (0x4049_0FDB, 0x3F7F_FF6B, 0xB3BB_BD2E, MINUS | ONE),
        (0x4741_B0C3, ONE, 0xBF58_1655, 0xBF09_446D),
    ];
    for (x, erf, sin, cos) in table {
        assert_eq!([erf_bits::<f32>(x), sin_bits::<f32>(x), cos_bits::<f32>(x)], [erf, sin, cos], "{x:08x}");
    }
}

/// The greatest distance in ULP from the correctly rounded result, and how many inputs are not at 0.
fn accuracy(stride: usize, ours: fn(u32) -> u32, oracle: fn(f32) -> f32) -> (u32, u64) {
    let (mut greatest, mut unequal) = (0, 0);
    for x in (0..=u32::MAX).step_by(stride) {
        let expected = oracle(f32::from_bits(x));
        let value = ours(x);
        if expected.is_nan() {
            assert_eq!(value, CANONICAL_NAN, "{x:08x}");
            continue;
        }
        let distance = ordered(value).abs_diff(ordered(expected.to_bits()));
        greatest = greatest.max(distance);
        unequal += u64::from(distance != 0);
    }
    (greatest, unequal)
}

/// The bits as an integer that counts up with the value, both zeros at 0.
fn ordered(bits: u32) -> i32 {
    let magnitude = (bits & 0x7FFF_FFFF) as i32;
    if bits >> 31 == 1 { -magnitude } else { magnitude }
}

/// The oracle where angles are defined.
fn turn(oracle: fn(f32) -> f32, x: f32) -> f32 {
    if x.abs() <= 65_536.0 { oracle(x) } else { f32::NAN }
}

// M-2.1, M-2.2, M-2.3, M-2.6, M-2.7
#[test]
fn results_are_within_their_bounds() {
    const STRIDE: usize = 2053;
    assert!(accuracy(STRIDE, exp_bits::<f32>, core_math::expf).0 <= 1);
    assert!(accuracy(STRIDE, ln_bits::<f32>, core_math::logf).0 <= 1);
    assert!(accuracy(STRIDE, tanh_bits::<f32>, core_math::tanhf).0 <= 2);
    assert!(accuracy(STRIDE, erf_bits::<f32>, core_math::erff).0 <= 2);
    assert!(accuracy(STRIDE, sin_bits::<f32>, |x| turn(core_math::sinf, x)).0 <= 1);
    assert!(accuracy(STRIDE, cos_bits::<f32>, |x| turn(core_math::cosf, x)).0 <= 1);
}
