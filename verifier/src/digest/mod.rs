//! Digests of tensors and lists, the trees behind them, paths through them and openings of them (V-1, V-2).
//!
//! ```text
//! bytes of a tensor --BLAKE3--> Digest        V-1.1   the tree is BLAKE3's own, one leaf per 1 KiB
//! leaves of a list ---Merkle--> Digest        V-1.2   one hash context per kind of list
//! Digest + path  + leaf      --> yes or no    V-2.1   one leaf, at once
//! Digest + moves + leaf      --> yes or no    V-2.2   one leaf, at most 256 children a move
//! ```
//!
//! Nothing here trusts a length, a count or an index that arrives beside a proof: the caller names the
//! [`Tree`], and the shape of everything below follows from it.

mod entry;
mod kind;
mod levels;
mod list;
mod node;
mod path;
mod sizes;
mod tensor;
mod tree;

use std::fmt;
use std::str::FromStr;

use borsh::{BorshDeserialize, BorshSerialize};

pub use entry::{Dtype, Entry, EntryError, MAX_NAME_BYTES, MAX_RANK, delta_root, state_root};
pub use kind::ListKind;
pub use list::{ListTree, list_root};
pub use node::{LeafError, MAX_CHILDREN, Node, NodeError, OpeningError};
pub use path::{ListPath, MAX_SIBLINGS, PathError, TensorPath};
pub use sizes::{list_path_bytes, openings, path_siblings, path_siblings_at, tensor_path_bytes};
pub use tensor::{TensorTree, tensor_digest};
pub use tree::{CHUNK_BYTES, Tree};

/// The value of an inner node of a tree: 32 bytes that are no digest of anything by themselves.
pub type NodeValue = [u8; 32];

/// Thirty-two bytes that stand for a tensor, a list or a message.
///
/// It is written as 64 lowercase hexadecimal digits, and read in that one spelling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Digest(pub [u8; 32]);

/// Why a text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestParseError {
    /// The text does not have 64 bytes.
    #[error("a digest has 64 hexadecimal digits, this text has {found_bytes} bytes")]
    Length {
        /// Bytes found.
        found_bytes: usize,
    },
    /// A byte of the text is not one of `0-9a-f`.
    #[error("byte {position} is not a lowercase hexadecimal digit")]
    Digit {
        /// Position of the first such byte.
        position: usize,
    },
}

impl Digest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex: String = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect();
        f.pad(&hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(DigestParseError::Length { found_bytes: text.len() });
        }
        let mut bytes = [0u8; 32];
        for (position, &digit) in text.iter().enumerate() {
            let nibble = hex_value(digit).ok_or(DigestParseError::Digit { position })?;
            bytes[position / 2] = (bytes[position / 2] << 4) | nibble;
        }
        Ok(Self(bytes))
    }
}

/// The lowercase digit of a nibble.
fn hex_digit(nibble: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(nibble & 15)])
}

/// The nibble of a lowercase digit.
fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
