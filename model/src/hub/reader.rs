//! Reads a safetensors file: a header of names, types, shapes and places, then the data without a gap (M-7.1).

use std::collections::BTreeMap;

use super::header::{Entry, HEADER_MAX, parse};
use super::{Dtype, HubError};
use crate::execute::Words;

/// The tensors of a file, by name. Every byte of the data belongs to exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tensors<'a> {
    tensors: BTreeMap<String, Tensor<'a>>,
}

/// One tensor: its bytes are the file's, nothing is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor<'a> {
    /// How the file stores the elements.
    pub dtype: Dtype,
    /// Sizes of the dimensions, outermost first; empty for a scalar.
    pub shape: Vec<u64>,
    /// The elements, little-endian and row-major.
    pub bytes: &'a [u8],
}

impl<'a> Tensors<'a> {
    /// Checks a whole file, whatever it holds: it never panics, and beside the file it takes memory in proportion
    /// to the header alone.
    ///
    /// # Errors
    /// The first thing that is wrong, by name.
    pub fn read(file: &'a [u8]) -> Result<Self, HubError> {
        let (length, rest) = file.split_first_chunk().ok_or(HubError::TooShort { bytes: file.len() })?;
        let header = u64::from_le_bytes(*length);
        if header > HEADER_MAX {
            return Err(HubError::HeaderTooLong { found: header });
        }
        let (text, data) = rest
            .split_at_checked(header as usize)
            .ok_or(HubError::HeaderOutside { header, bytes: rest.len() })?;
        let table = parse(text)?;
        check_places(&table, data.len() as u64)?;
        let mut tensors = BTreeMap::new();
        for (name, entry) in table {
            let Entry { dtype, shape, begin, end } = entry;
            // In range: the places were checked against the data.
            let bytes = data.get(begin as usize..end as usize).unwrap_or_default();
            tensors.insert(name, Tensor { dtype, shape, bytes });
        }
        Ok(Tensors { tensors })
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor<'a>> {
        self.tensors.get(name)
    }

    /// All tensors, by name ascending.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<'a>)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Adds the tensors of another file of the same checkpoint.
    ///
    /// # Errors
    /// [`HubError::Duplicate`] when both have a tensor of one name.
    pub fn join(&mut self, other: Tensors<'a>) -> Result<(), HubError> {
        for (name, tensor) in other.tensors {
            if self.tensors.contains_key(&name) {
                return Err(HubError::Duplicate { name });
            }
            self.tensors.insert(name, tensor);
        }
        Ok(())
    }
}

impl Tensor<'_> {
    /// The elements as binary32 bits, row-major; BF16 and F16 are widened exactly. `name` is for errors.
    ///
    /// # Errors
    /// [`HubError::Dtype`] for every other type, [`HubError::NotFinite`] for an infinity or a NaN.
    pub fn words(&self, name: &str) -> Result<Words, HubError> {
        let words = self.dtype.words(name, self.bytes)?;
        match words.iter().position(|word| word & 0x7F80_0000 == 0x7F80_0000) {
            Some(element) => Err(HubError::NotFinite { name: name.to_owned(), element: element as u64 }),
            None => Ok(words),
        }
    }
}

/// Shapes agree with lengths, and the tensors cover `bytes` of data without hole or overlap.
fn check_places(table: &BTreeMap<String, Entry>, bytes: u64) -> Result<(), HubError> {
    let mut places: Vec<(&String, &Entry)> = table.iter().collect();
    places.sort_by_key(|(_, entry)| (entry.begin, entry.end));
    let mut covered = 0;
    for (name, entry) in places {
        let name = || name.clone();
        let (begin, end) = (entry.begin, entry.end);
        if begin > end || end > bytes {
            return Err(HubError::Outside { name: name(), begin, end, bytes });
        }
        let expected =
            entry.shape.iter().try_fold(entry.dtype.bytes(), |product, size| product.checked_mul(*size));
        let expected = expected.ok_or_else(|| HubError::Overflow { name: name() })?;
        if end - begin != expected {
            return Err(HubError::Length { name: name(), expected, found: end - begin });
        }
        if begin < covered {
            return Err(HubError::Overlap { name: name(), begin, end: covered });
        }
        if begin > covered {
            return Err(HubError::Hole { name: name(), begin, end: covered });
        }
        covered = end;
    }
    match bytes - covered {
        0 => Ok(()),
        bytes => Err(HubError::Trailing { bytes }),
    }
}
