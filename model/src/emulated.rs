//! Numbers whose multiply-add is exact on machines that have none: WebAssembly, and x86-64 without FMA (M-1.6).
//!
//! Both follow Boldo and Melquiond, "Emulation of FMA and correctly rounded sums" (2008): an error-free product
//! and sum, a last sum rounded to odd, and then one rounding to nearest, which the odd bit keeps from being a
//! second one. Everything but `fma` is the machine's own operation.

use std::ops::{Add, Div, Mul, Sub};

use crate::arithmetic::{Real32, Real64};
use crate::soft::Soft64;

/// The fastest exact numbers that every machine of this target has: its own where multiply-add is an instruction.
#[cfg(any(target_arch = "aarch64", target_feature = "fma"))]
pub type Portable32 = f32;
/// The fastest exact numbers that every machine of this target has: its own where multiply-add is an instruction.
#[cfg(not(any(target_arch = "aarch64", target_feature = "fma")))]
pub type Portable32 = Emulated32;

/// A binary32 number; `fma` goes through binary64, without a branch, so that loops over it vectorize.
#[derive(Clone, Copy, Debug, Default)]
#[repr(transparent)]
pub struct Emulated32(pub f32);

/// A binary64 number; `fma` splits the product, and leaves what could overflow or underflow to integers.
#[derive(Clone, Copy, Debug, Default)]
#[repr(transparent)]
pub struct Emulated64(pub f64);

// SAFETY: a transparent wrapper of a plain number; every bit pattern is one, zero too.
unsafe impl bytemuck::Zeroable for Emulated32 {}
// SAFETY: as above, and without padding.
unsafe impl bytemuck::Pod for Emulated32 {}
// SAFETY: as for `Emulated32`.
unsafe impl bytemuck::Zeroable for Emulated64 {}
// SAFETY: as for `Emulated32`.
unsafe impl bytemuck::Pod for Emulated64 {}

macro_rules! operators {
    ($number:ident: $($operator:ident $function:ident $sign:tt),*) => {$(
        impl $operator for $number {
            type Output = Self;
            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self(self.0 $sign other.0)
            }
        }
    )*};
}

operators!(Emulated32: Add add +, Sub sub -, Mul mul *, Div div /);
operators!(Emulated64: Add add +, Sub sub -, Mul mul *, Div div /);

impl Real32 for Emulated32 {
    type Wide = Emulated64;

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        Self(f32::from_bits(bits))
    }

    #[inline(always)]
    fn to_bits(self) -> u32 {
        self.0.to_bits()
    }

    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        // 24 bits times 24 fit into 53, and binary64's exponents reach further than any product: exact. With 53
        // bits, more than 24 + 2, rounding to odd first and to nearest then is one rounding, subnormals included.
        let product = f64::from(self.0) * f64::from(b.0);
        Self(odd_sum(product, f64::from(c.0)) as f32)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt())
    }

    #[inline(always)]
    fn less(self, other: Self) -> bool {
        self.0 < other.0
    }

    #[inline(always)]
    fn is_nan(self) -> bool {
        self.0.is_nan()
    }

    #[inline(always)]
    fn widen(self) -> Emulated64 {
        Emulated64(f64::from(self.0))
    }
}

impl Real64 for Emulated64 {
    type Narrow = Emulated32;

    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        Self(f64::from_bits(bits))
    }

    #[inline(always)]
    fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        if is_moderate(self.0, b.0, c.0) {
            Self(moderate_fma(self.0, b.0, c.0))
        } else {
            Self(extreme_fma(self.0, b.0, c.0))
        }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt())
    }

    #[inline(always)]
    fn less(self, other: Self) -> bool {
        self.0 < other.0
    }

    #[inline(always)]
    fn narrow(self) -> Emulated32 {
        Emulated32(self.0 as f32)
    }
}

/// `a + b` rounded to nearest, and its exact error (Knuth 1969); the error is a NaN where the sum is not finite.
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_in_sum = sum - a;
    (sum, (a - (sum - b_in_sum)) + (b - b_in_sum))
}

/// `a + b` rounded to odd: cut off, with the lowest bit set where anything was cut. Not for sums that overflow.
#[inline(always)]
fn odd_sum(a: f64, b: f64) -> f64 {
    let (sum, error) = two_sum(a, b);
    // Both are false for the NaN that an infinite sum leaves.
    let inexact = u64::from((error < 0.0) | (error > 0.0));
    let rounded_up = inexact & ((sum.to_bits() ^ error.to_bits()) >> 63);
    f64::from_bits((sum.to_bits() - rounded_up) | inexact)
}

/// Upper and lower half of a number, 26 bits each with their signs (Dekker 1971).
#[inline(always)]
fn split(a: f64) -> (f64, f64) {
    let scaled = a * ((1_u32 << 27) + 1) as f64;
    let high = scaled - (scaled - a);
    (high, a - high)
}

/// The product rounded to nearest, and its exact error.
#[inline(always)]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let ((a1, a0), (b1, b0)) = (split(a), split(b));
    (product, a0 * b0 - (((product - a1 * b1) - a0 * b1) - a1 * b0))
}

/// Factors that `two_product` takes exactly and an addend that cannot overflow the sum. Zero is none.
#[inline(always)]
fn is_moderate(a: f64, b: f64, c: f64) -> bool {
    let field = |x: f64| x.to_bits() >> 52 & 0x7FF;
    let is_near_one = |x: f64| field(x).wrapping_sub(1023 - 400) <= 800;
    is_near_one(a) & is_near_one(b) & (field(c) <= 1023 + 900)
}

#[inline(always)]
fn moderate_fma(a: f64, b: f64, c: f64) -> f64 {
    let (product, product_low) = two_product(a, b);
    let (small, small_low) = two_sum(c, product_low);
    let (sum, sum_low) = two_sum(product, small);
    sum + odd_sum(small_low, sum_low)
}

/// The rest: zeros, whose product is exact, and by integers what is huge, tiny or no number.
#[cold]
#[inline(never)]
fn extreme_fma(a: f64, b: f64, c: f64) -> f64 {
    if a == 0.0 || b == 0.0 {
        return a * b + c;
    }
    let [a, b, c] = [a, b, c].map(|x| Soft64::from_bits(x.to_bits()));
    f64::from_bits(Real64::to_bits(a.fma(b, c)))
}
