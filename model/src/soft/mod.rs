//! The referee's numbers: IEEE-754 binary32 and binary64 on integers alone (M-1.5).
//!
//! Every operation unpacks its operands to exact values ([`exact`]), computes there, and packs the result
//! with one rounding ([`format`]). A NaN result is always the canonical one (M-1.3).

#![deny(clippy::float_arithmetic)]

mod exact;
mod format;

use std::ops::{Add, Div, Mul, Sub};

use self::exact::{negated, product, quotient, root, sum};
use self::format::{DOUBLE, SINGLE};
use crate::arithmetic::{Real32, Real64};

/// A binary32 number as its bits.
#[derive(Clone, Copy, Debug)]
pub struct Soft32(u32);

/// A binary64 number as its bits.
#[derive(Clone, Copy, Debug)]
pub struct Soft64(u64);

/// What both widths share, written once: the operators and the methods that keep the width.
macro_rules! operators {
    ($number:ident, $bits:ident, $format:ident) => {
        impl $number {
            fn unpack(self) -> exact::Value {
                $format.unpack(u64::from(self.0))
            }

            fn pack(value: exact::Value) -> Self {
                Self($format.pack(value) as $bits)
            }

            fn fused(self, b: Self, c: Self) -> Self {
                Self::pack(sum(product(self.unpack(), b.unpack()), c.unpack()))
            }

            fn square_root(self) -> Self {
                Self::pack(root(self.unpack()))
            }

            fn is_less(self, other: Self) -> bool {
                $format.less(u64::from(self.0), u64::from(other.0))
            }
        }

        impl Add for $number {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self::pack(sum(self.unpack(), other.unpack()))
            }
        }

        impl Sub for $number {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self::pack(sum(self.unpack(), negated(other.unpack())))
            }
        }

        impl Mul for $number {
            type Output = Self;
            fn mul(self, other: Self) -> Self {
                Self::pack(product(self.unpack(), other.unpack()))
            }
        }

        impl Div for $number {
            type Output = Self;
            fn div(self, other: Self) -> Self {
                Self::pack(quotient(self.unpack(), other.unpack()))
            }
        }
    };
}

operators!(Soft32, u32, SINGLE);
operators!(Soft64, u64, DOUBLE);

impl Real32 for Soft32 {
    type Wide = Soft64;

    fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    fn to_bits(self) -> u32 {
        self.0
    }

    fn fma(self, b: Self, c: Self) -> Self {
        self.fused(b, c)
    }

    fn sqrt(self) -> Self {
        self.square_root()
    }

    fn less(self, other: Self) -> bool {
        self.is_less(other)
    }

    fn is_nan(self) -> bool {
        SINGLE.is_nan(u64::from(self.0))
    }

    fn widen(self) -> Soft64 {
        Soft64::pack(self.unpack())
    }
}

impl Real64 for Soft64 {
    type Narrow = Soft32;

    fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    fn to_bits(self) -> u64 {
        self.0
    }

    fn fma(self, b: Self, c: Self) -> Self {
        self.fused(b, c)
    }

    fn sqrt(self) -> Self {
        self.square_root()
    }

    fn less(self, other: Self) -> bool {
        self.is_less(other)
    }

    fn narrow(self) -> Soft32 {
        Soft32::pack(self.unpack())
    }
}
