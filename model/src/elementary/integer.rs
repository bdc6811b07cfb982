//! Integers as binary64 numbers, and as exponents of powers (M-2.5).

use crate::arithmetic::Real64;

const ONE: u64 = 0x3FF0_0000_0000_0000;
/// 2^52: an integer below 2^52 in its mantissa field adds exactly that integer.
const TWO_52: u64 = 0x4330_0000_0000_0000;

/// The integer `n`, exactly (M-2.5).
#[inline(always)]
pub fn from_u32_exact<W: Real64>(n: u32) -> W {
    W::from_bits(TWO_52 | u64::from(n)) - W::from_bits(TWO_52)
}

/// `base^n`: the squares whose bit of `n` is set, multiplied from the lowest bit up (M-2.5).
#[inline(always)]
pub fn powi<W: Real64>(base: W, n: u32) -> W {
    let mut power = W::from_bits(ONE);
    let mut square = base;
    let mut rest = n;
    while rest != 0 {
        if rest & 1 == 1 {
            power = power * square;
        }
        square = square * square;
        rest >>= 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::{from_u32_exact, powi};
    use crate::arithmetic::Real64;
    use crate::soft::Soft64;

    // M-2.5
    #[test]
    fn integers_are_exact() {
        for n in [0, 1, 2, 3, 0x7FFF_FFFF, 0x8000_0000, u32::MAX] {
            assert_eq!(from_u32_exact::<f64>(n).to_bits(), f64::from(n).to_bits());
            assert_eq!(from_u32_exact::<Soft64>(n).to_bits(), f64::from(n).to_bits());
        }
    }

    // M-2.5
    #[test]
    fn powers_multiply_in_the_stated_order() {
        let base = 0.999_f64;
        let (two, four) = (base * base, (base * base) * (base * base));
        assert_eq!(powi(base, 0).to_bits(), 1.0_f64.to_bits());
        assert_eq!(powi(base, 1).to_bits(), base.to_bits());
        assert_eq!(powi(base, 7).to_bits(), ((base * two) * four).to_bits());
        assert_eq!(powi(2.0, u32::MAX).to_bits(), f64::INFINITY.to_bits());
        // Computed from the specification's text.
        assert_eq!(powi(0.9, 10).to_bits(), 0x3FD6_50BF_6043_2FDA);
        assert_eq!(powi(base, 12_345).to_bits(), 0x3ED2_2391_FB94_58B0);
        assert_eq!(powi(0.95, 77).to_bits(), 0x3F93_B99B_3E38_C075);
    }

    // M-2.5, M-1.5
    #[test]
    fn both_bodies_agree_on_powers() {
        for step in 0..20_000_u32 {
            let bits = 0x3FEF_0000_0000_0000 + u64::from(step) * 0x2_3456_789B;
            let n = step.wrapping_mul(0x9E37_79B9) >> (step % 32);
            let hardware = powi(f64::from_bits(bits), n).to_bits();
            assert_eq!(powi(Soft64::from_bits(bits), n).to_bits(), hardware, "{bits:x}^{n}");
        }
    }
}
