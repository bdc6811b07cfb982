//! GELU in its tanh form and its erf form, each forward above backward (M-3.6; Hendrycks and Gimpel 2016).

use super::{Arguments, Element};
use crate::arithmetic::Real32;
use crate::elementary::{erf, exp, tanh};

const HALF: u32 = 0x3F00_0000;
const ONE: u32 = 0x3F80_0000;
/// sqrt(2 / pi) rounded to binary32.
const ROOT_TWO_OVER_PI: u32 = 0x3F4C_422A;
/// 0.044715 rounded to binary32.
const CUBIC: u32 = 0x3D37_2713;
/// 3 times 0.044715 rounded to binary32.
const CUBIC_SLOPE: u32 = 0x3E09_5D4F;
/// sqrt(1 / 2) rounded to binary32.
const ROOT_HALF: u32 = 0x3F35_04F3;
/// 1 / sqrt(2 pi) rounded to binary32: the density of the normal distribution at 0.
const DENSITY: u32 = 0x3ECC_422A;

/// tanh(c (x + 0.044715 x^3)), shared by both directions.
#[inline(always)]
fn gate<F: Real32>(x: F) -> F {
    let cubic = (x * x) * F::from_bits(CUBIC);
    tanh(F::from_bits(ROOT_TWO_OVER_PI) * cubic.fma(x, x))
}

/// 0.5 x (1 + gate).
pub struct Gelu;
impl Element for Gelu {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let x = a.x[0];
        let half = F::from_bits(HALF) * x;
        half.fma(gate(x), half)
    }
}

/// dy (0.5 (1 + gate) + 0.5 x (1 - gate^2) c (1 + 3 0.044715 x^2)); operands x, dy.
pub struct GeluBackward;
impl Element for GeluBackward {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let (x, half, one) = (a.x[0], F::from_bits(HALF), F::from_bits(ONE));
        let t = gate(x);
        let inner_slope = F::from_bits(ROOT_TWO_OVER_PI) * (x * x).fma(F::from_bits(CUBIC_SLOPE), one);
        let gate_slope = (one - t * t) * inner_slope;
        let slope = (half * x).fma(gate_slope, t.fma(half, half));
        a.x[1] * slope
    }
}

/// 0.5 x (1 + erf(x / sqrt 2)): x times the share of a normal distribution that lies below it.
pub struct GeluErf;
impl Element for GeluErf {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let x = a.x[0];
        let half = F::from_bits(HALF) * x;
        half.fma(erf(x * F::from_bits(ROOT_HALF)), half)
    }
}

/// dy (0.5 (1 + erf(x / sqrt 2)) + x density(x)); operands x, dy.
pub struct GeluErfBackward;
impl Element for GeluErfBackward {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let (x, half) = (a.x[0], F::from_bits(HALF));
        let density = F::from_bits(DENSITY) * exp((half * x) * (F::from_bits(0) - x));
        let share = erf(x * F::from_bits(ROOT_HALF)).fma(half, half);
        a.x[1] * x.fma(density, share)
    }
}
