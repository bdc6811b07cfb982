//! Canonical bytes: borsh with strict order, bounded before it is parsed, nothing after it (L-1.1).

use borsh::{BorshDeserialize, BorshSerialize};

/// Bytes that are no canonical encoding, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// More bytes than the limit of this kind.
    #[error("{found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Most bytes.
        limit: usize,
    },
    /// The bytes end too early, name no variant, or are out of order.
    #[error("the bytes are no encoding of this type")]
    Malformed,
    /// Bytes are left over.
    #[error("{left} bytes are left over")]
    Trailing {
        /// How many.
        left: usize,
    },
}

/// The canonical bytes of a value.
pub fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    // No type of this crate has a serializer that fails, and a vector takes bytes of any length.
    borsh::to_vec(value).unwrap_or_default()
}

/// Length of the canonical bytes.
pub fn encoded_len<T: BorshSerialize>(value: &T) -> usize {
    borsh::object_length(value).unwrap_or(usize::MAX)
}

/// Reads a value of at most `limit` bytes; any other spelling of it is refused.
pub fn decode<T: BorshDeserialize>(bytes: &[u8], limit: usize) -> Result<T, CodecError> {
    if bytes.len() > limit {
        return Err(CodecError::TooLong { found: bytes.len(), limit });
    }
    let mut rest = bytes;
    let value = T::deserialize(&mut rest).map_err(|_| CodecError::Malformed)?;
    if !rest.is_empty() {
        return Err(CodecError::Trailing { left: rest.len() });
    }
    Ok(value)
}
