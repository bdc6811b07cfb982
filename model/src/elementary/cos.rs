//! The cosine over half a turn, for learning-rate schedules (M-2.4).

use super::polynomial::horner;
use crate::arithmetic::Real64;

const QUARTER: u64 = 0x3FD0_0000_0000_0000;
const HALF: u64 = 0x3FE0_0000_0000_0000;
const ONE: u64 = 0x3FF0_0000_0000_0000;
const PI: u64 = 0x4009_21FB_5444_2D18;
const SIGN: u64 = 0x8000_0000_0000_0000;

/// `cos y` in powers of `y^2`: the coefficient of `y^2k` is `(-1)^k / (2k)!`.
pub(super) const COS_COEFFICIENTS: [u64; 9] = [
    0x3FF0_0000_0000_0000,
    0xBFE0_0000_0000_0000,
    0x3FA5_5555_5555_5555,
    0xBF56_C16C_16C1_6C17,
    0x3EFA_01A0_1A01_A01A,
    0xBE92_7E4F_B778_9F5C,
    0x3E21_EED8_EFF8_D898,
    0xBDA9_3974_A8C0_7C9D,
    0x3D2A_E7F3_E733_B81F,
];

/// `sin y / y` in powers of `y^2`: the coefficient of `y^2k` is `(-1)^k / (2k + 1)!`.
pub(super) const SIN_COEFFICIENTS: [u64; 9] = [
    0x3FF0_0000_0000_0000,
    0xBFC5_5555_5555_5555,
    0x3F81_1111_1111_1111,
    0xBF2A_01A0_1A01_A01A,
    0x3EC7_1DE3_A556_C734,
    0xBE5A_E645_67F5_44E4,
    0x3DE6_1246_13A8_6D09,
    0xBD6A_E7F3_E733_B81F,
    0x3CE9_52C7_7030_AD4A,
];

/// `cos(pi * fraction)` for a fraction in [0, 1]: exactly 1, 0 and -1 at 0, 1/2 and 1 (M-2.4).
#[inline(always)]
pub fn cos_pi_half_turn<W: Real64>(fraction: W) -> W {
    let half = W::from_bits(HALF);
    let quarter = W::from_bits(QUARTER);
    // Both reflections are exact subtractions.
    let obtuse = half.less(fraction);
    let acute = if obtuse { W::from_bits(ONE) - fraction } else { fraction };
    let steep = quarter.less(acute);
    let near = if steep { half - acute } else { acute };
    let y = near * W::from_bits(PI);
    let square = y * y;
    let cos = horner(square, &COS_COEFFICIENTS);
    let sin = y * horner(square, &SIN_COEFFICIENTS);
    let value = if steep { sin } else { cos };
    if obtuse { W::from_bits(value.to_bits() ^ SIGN) } else { value }
}

#[cfg(test)]
mod tests {
    use super::cos_pi_half_turn;
    use crate::arithmetic::Real64;
    use crate::elementary::from_u32_exact;
    use crate::soft::Soft64;

    fn cos_bits<W: Real64>(numerator: u32, denominator: u32) -> u64 {
        cos_pi_half_turn(from_u32_exact::<W>(numerator) / from_u32_exact(denominator)).to_bits()
    }

    // M-2.4
    #[test]
    fn known_vectors_hold() {
        // Computed from the specification's text with exact rationals.
        let table = [
            (0, 7, 0x3FF0_0000_0000_0000),
            (1, 7, 0x3FEC_D4BC_A9CB_5C71),
            (123, 1000, 0x3FED_A3F8_1281_0443),
            (1, 4, 0x3FE6_A09E_667F_3BCD),
            (1, 3, 0x3FE0_0000_0000_0000),
            (3, 6, 0),
            (2, 3, 0xBFDF_FFFF_FFFF_FFFD),
            (5, 6, 0xBFEB_B67A_E858_4CAB),
            (999, 1000, 0xBFEF_FFF5_A6A6_81FF),
            (7, 7, 0xBFF0_0000_0000_0000),
        ];
        for (numerator, denominator, expected) in table {
            assert_eq!(cos_bits::<f64>(numerator, denominator), expected, "{numerator}/{denominator}");
        }
    }

    // M-2.4, M-1.5
    #[test]
    fn falls_strictly_and_both_bodies_agree() {
        const STEPS: u32 = 50_000;
        let mut previous = f64::INFINITY;
        for step in 0..=STEPS {
            let bits = cos_bits::<f64>(step, STEPS);
            assert_eq!(cos_bits::<Soft64>(step, STEPS), bits, "{step}");
            assert!(f64::from_bits(bits) < previous, "{step}");
            previous = f64::from_bits(bits);
        }
    }
}
