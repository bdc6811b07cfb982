//! Entries of a state or a delta: a tensor's name, type, shape and digest, and the roots over them (V-1.3).
//!
//! ```text
//! | name length u32 | name, UTF-8 | dtype u8 | rank u32 | dimension u32 ... | digest, 32 bytes |   all LE
//! ```

use std::io::{Error, ErrorKind, Read, Result as IoResult, Write};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Digest, ListKind, list_root};

/// The longest name of a tensor, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// The most dimensions of a tensor.
pub const MAX_RANK: usize = 8;

/// The type of a tensor's elements (V-1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Dtype {
    /// IEEE-754 binary32.
    F32 = 0,
    /// Unsigned, 32 bits.
    U32 = 1,
    /// Unsigned, 8 bits.
    U8 = 2,
}

/// One tensor of a state or a delta (V-1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tensor's name in the program, at most [`MAX_NAME_BYTES`] bytes.
    pub name: String,
    /// The type of its elements.
    pub dtype: Dtype,
    /// Its dimensions, outermost first, at most [`MAX_RANK`]; none for a scalar.
    pub shape: Vec<u32>,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// Why an entry is not one, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The name is too long.
    #[error("the name has {found_bytes} bytes, at most {MAX_NAME_BYTES} are allowed")]
    NameTooLong {
        /// Bytes found.
        found_bytes: usize,
    },
    /// The shape has too many dimensions.
    #[error("the shape has {found} dimensions, at most {MAX_RANK} are allowed")]
    RankTooHigh {
        /// Dimensions found.
        found: usize,
    },
    /// The name is not UTF-8.
    #[error("the name is not UTF-8")]
    NameNotUtf8,
    /// The tensor's length in bytes does not fit 64 bits.
    #[error("the tensor's length in bytes does not fit 64 bits")]
    TooLarge,
}

impl Dtype {
    /// Bytes of an element.
    pub fn size_bytes(self) -> u64 {
        match self {
            Self::F32 | Self::U32 => 4,
            Self::U8 => 1,
        }
    }
}

impl Entry {
    /// Checks the limits, which a decoded entry has passed.
    pub fn check(&self) -> Result<(), EntryError> {
        check_name(self.name.len())?;
        check_rank(self.shape.len())?;
        self.len_bytes().map(|_| ())
    }

    /// The tensor's length in bytes, by type and shape.
    pub fn len_bytes(&self) -> Result<u64, EntryError> {
        let dimensions = self.shape.iter().map(|&dimension| u64::from(dimension));
        product(dimensions.chain([self.dtype.size_bytes()])).ok_or(EntryError::TooLarge)
    }

    /// The bytes of this entry's leaf: its canonical encoding (V-1.3).
    pub fn leaf_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&(self.name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.push(self.dtype as u8);
        bytes.extend_from_slice(&(self.shape.len() as u32).to_le_bytes());
        bytes.extend(self.shape.iter().flat_map(|dimension| dimension.to_le_bytes()));
        bytes.extend_from_slice(self.digest.as_bytes());
        bytes
    }
}

/// The root of a state: the list root over its entries, in program order (V-1.3).
pub fn state_root(entries: &[Entry]) -> Digest {
    list_root(ListKind::State, entries.iter().map(Entry::leaf_bytes))
}

/// The root of a delta: the list root over its entries, in program order (V-1.3).
pub fn delta_root(entries: &[Entry]) -> Digest {
    list_root(ListKind::Delta, entries.iter().map(Entry::leaf_bytes))
}

impl BorshSerialize for Entry {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        writer.write_all(&self.leaf_bytes())
    }
}

impl BorshDeserialize for Entry {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let name_len = read_count(reader, check_name)?;
        let mut name = vec![0; name_len];
        reader.read_exact(&mut name)?;
        let name = String::from_utf8(name).map_err(|_| invalid(EntryError::NameNotUtf8))?;
        let dtype = Dtype::deserialize_reader(reader)?;
        let rank = read_count(reader, check_rank)?;
        let shape = (0..rank).map(|_| u32::deserialize_reader(reader)).collect::<IoResult<_>>()?;
        let entry = Self { name, dtype, shape, digest: Digest::deserialize_reader(reader)? };
        entry.check().map_err(invalid)?;
        Ok(entry)
    }
}

/// Reads a count and checks it before anything is allocated for it.
fn read_count<R: Read>(reader: &mut R, check: fn(usize) -> Result<(), EntryError>) -> IoResult<usize> {
    let count = usize::try_from(u32::deserialize_reader(reader)?).unwrap_or(usize::MAX);
    check(count).map_err(invalid)?;
    Ok(count)
}

fn check_name(found_bytes: usize) -> Result<(), EntryError> {
    if found_bytes > MAX_NAME_BYTES { Err(EntryError::NameTooLong { found_bytes }) } else { Ok(()) }
}

fn check_rank(found: usize) -> Result<(), EntryError> {
    if found > MAX_RANK { Err(EntryError::RankTooHigh { found }) } else { Ok(()) }
}

fn invalid(error: EntryError) -> Error {
    Error::new(ErrorKind::InvalidData, error)
}

/// The product of the factors; a zero makes it zero however large the others are.
fn product(factors: impl Iterator<Item = u64> + Clone) -> Option<u64> {
    if factors.clone().any(|factor| factor == 0) {
        return Some(0);
    }
    factors.into_iter().try_fold(1u64, |product, factor| product.checked_mul(factor))
}
