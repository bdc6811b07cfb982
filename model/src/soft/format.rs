//! An IEEE-754 binary format as two widths, with the way from bits to an exact value and back (M-1.1).
//!
//! ```text
//! bit  sign | exponent field (e bits) | mantissa field (m bits)
//!      s      0: subnormal, all ones: infinity or NaN
//! ```

use super::exact::{Finite, Value, shift_right_sticky};

/// A binary format; its bits travel right-aligned in a `u64`.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// Width of the exponent field.
    pub exponent_bits: u32,
    /// Width of the mantissa field, the hidden bit not counted.
    pub mantissa_bits: u32,
}

/// IEEE-754 binary32.
pub(super) const SINGLE: Format = Format { exponent_bits: 8, mantissa_bits: 23 };
/// IEEE-754 binary64.
pub(super) const DOUBLE: Format = Format { exponent_bits: 11, mantissa_bits: 52 };

impl Format {
    const fn sign_bit(self) -> u64 {
        1 << (self.exponent_bits + self.mantissa_bits)
    }

    const fn hidden_bit(self) -> u64 {
        1 << self.mantissa_bits
    }

    /// Bits of positive infinity: every pattern above it, sign aside, is a NaN.
    const fn infinity(self) -> u64 {
        self.sign_bit() - self.hidden_bit()
    }

    /// The one NaN that an operation returns: positive, quiet, no payload (M-1.3).
    const fn canonical_nan(self) -> u64 {
        self.infinity() | (self.hidden_bit() >> 1)
    }

    /// Power of two of the lowest subnormal's only bit.
    const fn least_exponent(self) -> i32 {
        2 - (1 << (self.exponent_bits - 1)) - self.mantissa_bits as i32
    }

    const fn magnitude(self, bits: u64) -> u64 {
        bits & (self.sign_bit() - 1)
    }

    const fn is_negative(self, bits: u64) -> bool {
        bits & self.sign_bit() != 0
    }

    /// True for a NaN of any sign and payload.
    pub const fn is_nan(self, bits: u64) -> bool {
        self.magnitude(bits) > self.infinity()
    }

    /// The exact value that `bits` stand for.
    pub fn unpack(self, bits: u64) -> Value {
        let magnitude = self.magnitude(bits);
        let negative = self.is_negative(bits);
        if magnitude > self.infinity() {
            return Value::Nan;
        }
        if magnitude == self.infinity() {
            return Value::Infinity { negative };
        }
        let field = magnitude >> self.mantissa_bits;
        let mantissa = magnitude & (self.hidden_bit() - 1);
        let (steps, significand) =
            if field == 0 { (0, mantissa) } else { (field as i32 - 1, mantissa | self.hidden_bit()) };
        let exponent = self.least_exponent() + steps;
        Value::Finite(Finite { negative, exponent, significand: u128::from(significand) })
    }

    /// The bits of `value` rounded to nearest, ties to even: the only rounding in this module.
    pub fn pack(self, value: Value) -> u64 {
        match value {
            Value::Nan => self.canonical_nan(),
            Value::Infinity { negative } => self.signed(negative, self.infinity()),
            Value::Finite(finite) => self.signed(finite.negative, self.round(finite)),
        }
    }

    const fn signed(self, negative: bool, magnitude: u64) -> u64 {
        if negative { self.sign_bit() | magnitude } else { magnitude }
    }

    fn round(self, finite: Finite) -> u64 {
        let Finite { exponent, significand, .. } = finite;
        if significand == 0 {
            return 0;
        }
        let top_exponent = exponent + significand.ilog2() as i32;
        // The result's lowest bit: one mantissa below the top bit, or the subnormals' fixed place.
        let low_exponent = (top_exponent - self.mantissa_bits as i32).max(self.least_exponent());
        // Two bits more than the result: the half and, below it, whether anything was left.
        let drop = low_exponent - exponent - 2;
        let scaled = if drop < 0 {
            significand << drop.unsigned_abs()
        } else {
            shift_right_sticky(significand, drop.unsigned_abs())
        };
        let kept = (scaled >> 2) as u64;
        let rest = scaled & 3;
        let up = rest == 3 || (rest == 2 && kept & 1 == 1);
        // The hidden bit of a normal number adds one to the exponent field, and so does a carry.
        let steps = (low_exponent - self.least_exponent()) as u64;
        if steps >= 1 << self.exponent_bits {
            return self.infinity();
        }
        let magnitude = (steps << self.mantissa_bits) + kept + u64::from(up);
        magnitude.min(self.infinity())
    }

    /// IEEE `<`: false when either side is a NaN, and the two zeros are equal.
    pub fn less(self, a: u64, b: u64) -> bool {
        let key = |bits: u64| {
            let magnitude = self.magnitude(bits) as i64;
            if self.is_negative(bits) { -magnitude } else { magnitude }
        };
        !self.is_nan(a) && !self.is_nan(b) && key(a) < key(b)
    }
}
