//! A safetensors header as text: bounded before it is parsed, every key known, none twice (M-7.1).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Dtype, HubError, text};

/// Bytes of a header that are read; the format itself allows 100 MB, and GPT-2 XL needs 60 KB.
pub(super) const HEADER_MAX: u64 = 16 << 20;
/// Tensors that a header may list.
pub(super) const TENSORS_MAX: usize = 1 << 16;
/// Bytes of a tensor's name.
pub(super) const NAME_MAX: usize = 256;
/// Dimensions of a tensor.
pub(super) const DIMENSIONS_MAX: usize = 8;

const METADATA: &str = "__metadata__";

/// One tensor as the header describes it; nothing of it is checked against the data yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub dtype: Dtype,
    pub shape: Vec<u64>,
    pub begin: u64,
    pub end: u64,
}

/// Reads a header's text. Memory is at most a small multiple of its length.
pub(super) fn parse(header: &[u8]) -> Result<BTreeMap<String, Entry>, HubError> {
    // serde's errors are texts: what has a name of its own is put aside here.
    let mut named = None;
    let mut input = serde_json::Deserializer::from_slice(header);
    let read = Table { named: &mut named }.deserialize(&mut input).and_then(|table| {
        input.end()?;
        Ok(table)
    });
    read.map_err(|error| named.unwrap_or_else(|| HubError::Header { reason: text::reason(&error) }))
}

struct Table<'a> {
    named: &'a mut Option<HubError>,
}

impl<'de> DeserializeSeed<'de> for Table<'_> {
    type Value = BTreeMap<String, Entry>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Table<'_> {
    type Value = BTreeMap<String, Entry>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object with a member a tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut table = BTreeMap::new();
        let mut has_metadata = false;
        let mut refuse = |error: HubError| {
            let text = A::Error::custom(&error);
            *self.named = Some(error);
            text
        };
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA && !has_metadata {
                has_metadata = true;
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if name.len() > NAME_MAX {
                return Err(refuse(HubError::NameTooLong { bytes: name.len() }));
            }
            if name == METADATA || table.contains_key(&name) {
                return Err(refuse(HubError::Duplicate { name }));
            }
            if table.len() == TENSORS_MAX {
                return Err(refuse(HubError::TooManyTensors));
            }
            let fields = map.next_value::<Fields>()?;
            let entry = fields.entry(&name).map_err(&mut refuse)?;
            table.insert(name, entry);
        }
        Ok(table)
    }
}

/// A tensor's three members. A second member of a name and any other name are refused by serde.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    dtype: String,
    shape: Dimensions,
    data_offsets: [u64; 2],
}

impl Fields {
    fn entry(self, name: &str) -> Result<Entry, HubError> {
        let name = || name.to_owned();
        let Some(dtype) = Dtype::named(&self.dtype) else {
            let dtype = text::shown(&self.dtype, 16);
            return Err(HubError::Dtype { name: name(), dtype });
        };
        let shape = self.shape.0.ok_or_else(|| HubError::TooManyDimensions { name: name() })?;
        let [begin, end] = self.data_offsets;
        Ok(Entry { dtype, shape, begin, end })
    }
}

/// A shape; `None` stands for one with too many dimensions, so that no list grows with the text.
struct Dimensions(Option<Vec<u64>>);

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_seq(DimensionsVisitor)
    }
}

struct DimensionsVisitor;

impl<'de> Visitor<'de> for DimensionsVisitor {
    type Value = Dimensions;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of sizes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Dimensions, A::Error> {
        let mut shape = Vec::new();
        let mut fits = true;
        while let Some(size) = list.next_element::<u64>()? {
            fits = fits && shape.len() < DIMENSIONS_MAX;
            if fits {
                shape.push(size);
            }
        }
        Ok(Dimensions(fits.then_some(shape)))
    }
}
