//! Number formats of tensors in files, and how they become words (M-7.2).

use super::HubError;
use crate::execute::Words;

/// How a file stores the elements of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// binary32.
    F32,
    /// binary16.
    F16,
    /// The upper half of a binary32.
    BF16,
    /// Anything else that the format knows, by name and bytes an element: read past, never converted.
    Other(&'static str, u64),
}

/// Formats that a buffer beside the weights may have.
const OTHERS: [(&str, u64); 12] = [
    ("BOOL", 1),
    ("U8", 1),
    ("I8", 1),
    ("F8_E5M2", 1),
    ("F8_E4M3", 1),
    ("I16", 2),
    ("U16", 2),
    ("I32", 4),
    ("U32", 4),
    ("F64", 8),
    ("I64", 8),
    ("U64", 8),
];

impl Dtype {
    /// The format of this name, as a safetensors header spells it.
    pub fn named(name: &str) -> Option<Dtype> {
        match name {
            "F32" => Some(Dtype::F32),
            "F16" => Some(Dtype::F16),
            "BF16" => Some(Dtype::BF16),
            _ => OTHERS
                .iter()
                .find(|(other, _)| *other == name)
                .map(|(other, size)| Dtype::Other(other, *size)),
        }
    }

    /// Its name in a header.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "F32",
            Dtype::F16 => "F16",
            Dtype::BF16 => "BF16",
            Dtype::Other(name, _) => name,
        }
    }

    /// Bytes of one element.
    pub fn bytes(self) -> u64 {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            Dtype::Other(_, size) => size,
        }
    }

    /// The elements as binary32 bits: halves are widened, which is exact. `name` is for the error.
    pub(super) fn words(self, name: &str, bytes: &[u8]) -> Result<Words, HubError> {
        match self {
            Dtype::F32 => Ok(bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect()),
            Dtype::F16 => Ok(halves(bytes).map(widen_f16).collect()),
            Dtype::BF16 => Ok(halves(bytes).map(|half| u32::from(half) << 16).collect()),
            Dtype::Other(dtype, _) => Err(HubError::Dtype { name: name.to_owned(), dtype: dtype.to_owned() }),
        }
    }
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b))
}

/// binary16 to binary32 on bits alone: every binary16 is a binary32, subnormals become normal.
fn widen_f16(half: u16) -> u32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10) & 0x1F;
    let fraction = u32::from(half) & 0x3FF;
    let magnitude = match (exponent, fraction) {
        (0, 0) => 0,
        (0, _) => {
            // fraction * 2^-24: its leading one, at bit 31 - zeros, becomes the implicit bit 23.
            let zeros = fraction.leading_zeros();
            ((127 - 24 + 31 - zeros) << 23) | ((fraction << (zeros - 8)) & 0x007F_FFFF)
        }
        (0x1F, _) => 0x7F80_0000 | (fraction << 13),
        _ => ((exponent + 127 - 15) << 23) | (fraction << 13),
    };
    sign | magnitude
}

#[cfg(test)]
mod tests {
    use super::{Dtype, widen_f16};

    /// M-7.2: all 2^16 halves against their definition, sign * fraction * 2^exponent in binary64.
    #[test]
    fn every_half_is_widened_exactly() {
        for half in 0..=u16::MAX {
            let (exponent, fraction) = (i32::from(half >> 10 & 0x1F), f64::from(half & 0x3FF));
            let magnitude = match exponent {
                0 => fraction / f64::from(1 << 24),
                0x1F if fraction == 0.0 => f64::INFINITY,
                0x1F => f64::NAN,
                _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
            };
            let expected = if half & 0x8000 == 0 { magnitude } else { -magnitude };
            let found = f32::from_bits(widen_f16(half));
            assert!(
                f64::from(found).to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(),
                "{half:04x}"
            );
        }
    }

    #[test]
    fn names_and_sizes() {
        for name in ["F32", "F16", "BF16", "BOOL", "I64", "F8_E4M3"] {
            assert_eq!(Dtype::named(name).map(Dtype::name), Some(name));
        }
        assert_eq!(Dtype::named("F4"), None);
        let bf16 = Dtype::BF16.words("w", &[0x80, 0x3F, 0x00, 0x80]);
        assert_eq!(bf16, Ok(vec![0x3F80_0000, 0x8000_0000]));
        assert!(Dtype::named("I32").is_some_and(|d| d.words("w", &[0; 4]).is_err()));
    }
}
