//! The two number types that every definition is written over, so that hardware and integers run one text.
//!
//! An op's value is a generic expression over [`Real32`] and [`Real64`]. Kernels instantiate it with `f32`
//! and `f64`; the referee instantiates it with [`crate::soft::Soft32`] and [`crate::soft::Soft64`], which
//! touch no floating-point unit. Rules: M-1.1 to M-1.4.

use std::ops::{Add, Div, Mul, Sub};

/// The one NaN that an op may write and an accumulator may be posted with (M-1.3).
pub const CANONICAL_NAN: u32 = 0x7FC0_0000;

/// IEEE-754 binary32 with round to nearest even and subnormals kept (M-1.1).
pub trait Real32:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The binary64 type that this one widens to.
    type Wide: Real64<Narrow = Self>;
    /// The value with these bits.
    fn from_bits(bits: u32) -> Self;
    /// The bits as they are; a NaN may have any payload until [`canonical`] is applied.
    fn to_bits(self) -> u32;
    /// `self * b + c` with one rounding (M-1.2).
    fn fma(self, b: Self, c: Self) -> Self;
    /// Correctly rounded square root.
    fn sqrt(self) -> Self;
    /// IEEE `<`: false when either side is NaN.
    fn less(self, other: Self) -> bool;
    /// True for any NaN.
    fn is_nan(self) -> bool;
    /// Exact conversion to binary64.
    fn widen(self) -> Self::Wide;
}

/// IEEE-754 binary64, allowed only inside elementary functions and derived scalars (M-1.4).
pub trait Real64:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The binary32 type that this one rounds to.
    type Narrow: Real32<Wide = Self>;
    /// The value with these bits.
    fn from_bits(bits: u64) -> Self;
    /// The bits as they are.
    fn to_bits(self) -> u64;
    /// `self * b + c` with one rounding.
    fn fma(self, b: Self, c: Self) -> Self;
    /// Correctly rounded square root.
    fn sqrt(self) -> Self;
    /// IEEE `<`: false when either side is NaN.
    fn less(self, other: Self) -> bool;
    /// Rounds to binary32, nearest even, once.
    fn narrow(self) -> Self::Narrow;
}

/// Bits of `x` with every NaN replaced by [`CANONICAL_NAN`] (M-1.3).
#[inline(always)]
pub fn canonical<F: Real32>(x: F) -> u32 {
    if x.is_nan() { CANONICAL_NAN } else { x.to_bits() }
}
