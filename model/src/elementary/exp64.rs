//! The exponential function in binary64, for rates of rotary positions and for erf (M-2.8).

use super::polynomial::horner;
use crate::arithmetic::Real64;

/// `1 / ln 2`.
const LOG2_E: u64 = 0x3FF7_1547_652B_82FE;
/// 1.5 * 2^52: adding it rounds to an integer, which then stands in the lowest bits.
const ROUNDER: u64 = 0x4338_0000_0000_0000;
/// `-ln 2` rounded to binary64, and the rest of it.
const MINUS_LN_2: [u64; 2] = [0xBFE6_2E42_FEFA_39EF, 0xBC7A_BC9E_3B39_803F];

/// `(e^r - 1) / r`: the coefficient of `r^k` is `1 / (k + 1)!`.
const COEFFICIENTS: [u64; 11] = [
    0x3FF0_0000_0000_0000,
    0x3FE0_0000_0000_0000,
    0x3FC5_5555_5555_5555,
    0x3FA5_5555_5555_5555,
    0x3F81_1111_1111_1111,
    0x3F56_C16C_16C1_6C17,
    0x3F2A_01A0_1A01_A01A,
    0x3EFA_01A0_1A01_A01A,
    0x3EC7_1DE3_A556_C734,
    0x3E92_7E4F_B778_9F5C,
    0x3E5A_E645_67F5_44E4,
];

/// -104 and 89 in binary64.
const LIMITS: [u64; 2] = [0xC05A_0000_0000_0000, 0x4056_4000_0000_0000];

/// `e^x` in binary64 for an operand cut to [-104, 89] (M-2.8).
#[inline(always)]
pub fn exp64<W: Real64>(x: W) -> W {
    let [lowest, highest] = LIMITS.map(W::from_bits);
    let x = if x.less(lowest) { lowest } else { x };
    let x = if highest.less(x) { highest } else { x };
    let (scale, rest) = expm1_parts(x);
    scale.fma(rest, scale)
}

/// `(2^n, e^r - 1)` with `x = n * ln 2 + r`, for `|x| <= 104`; a NaN makes the second a NaN (M-2.8).
#[inline(always)]
pub(super) fn expm1_parts<W: Real64>(x: W) -> (W, W) {
    let rounder = W::from_bits(ROUNDER);
    let shifted = x.fma(W::from_bits(LOG2_E), rounder);
    let n = shifted - rounder;
    let r = n.fma(W::from_bits(MINUS_LN_2[0]), x);
    let r = n.fma(W::from_bits(MINUS_LN_2[1]), r);
    // The lowest bits of `shifted` are n in two's complement; 1023 is the exponent field's bias.
    let scale = W::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    (scale, r * horner(r, &COEFFICIENTS))
}

#[cfg(test)]
mod tests {
    use super::exp64;
    use crate::arithmetic::Real64;
    use crate::soft::Soft64;

    // M-2.8
    #[test]
    fn known_vectors_of_the_binary64_exponential_hold() {
        // Computed by the judge in `specs/judge` from the specification's text; the last two operands are cut.
        let table = [
            (0, 0x3FF0_0000_0000_0000),
            (0x3FF0_0000_0000_0000, 0x4005_BF0A_8B14_5763),
            (0xBFF0_0000_0000_0000, 0x3FD7_8B56_362C_EF2B),
            (0xC022_0000_0000_0000, 0x3F20_2CF2_2526_545A),
            (0x4056_4000_0000_0000, 0x47F5_1C2C_C343_37FF),
            (0x4059_0000_0000_0000, 0x47F5_1C2C_C343_37FF),
            (0xC060_0000_0000_0000, 0x368F_1E6B_6852_9E33),
        ];
        for (operand, expected) in table {
            assert_eq!(exp64(<f64 as Real64>::from_bits(operand)).to_bits(), expected, "{operand:x}");
            assert_eq!(exp64(Soft64::from_bits(operand)).to_bits(), expected, "{operand:x}");
        }
        assert!(exp64(f64::NAN).is_nan());
    }

    // M-2.8: for the rates of rotary positions, both bodies and the binary64 function.
    #[test]
    #[allow(clippy::disallowed_methods)] // the judge is the platform's function
    fn both_bodies_agree_and_are_within_the_bound() {
        for step in 0..40_000 {
            let x = -104.0 + f64::from(step) * 0.004_825;
            let value = exp64(x);
            assert_eq!(exp64(Soft64::from_bits(x.to_bits())).to_bits(), value.to_bits(), "{x}");
            assert!((value / x.exp() - 1.0).abs() < 1.0 / f64::from(1 << 23).powi(2), "{x}");
        }
    }
}
