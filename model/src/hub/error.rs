//! What can be wrong with a model that comes from outside, each by name (M-7).

use super::header::{DIMENSIONS_MAX, HEADER_MAX, NAME_MAX, TENSORS_MAX};
use crate::spec::SpecError;

/// A file of the Hugging Face layout that is refused, or a model that the layout cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the sentences say what the fields are
pub enum HubError {
    // A safetensors file as a whole.
    #[error("{bytes} bytes are no safetensors file: it begins with 8 bytes that give its header's length")]
    TooShort { bytes: usize },
    #[error(
        "the header says it has {found} bytes; at most {HEADER_MAX} are read (is this a safetensors file?)"
    )]
    HeaderTooLong { found: u64 },
    #[error("the header says it has {header} bytes, the file has {bytes} behind it: it is cut short")]
    HeaderOutside { header: u64, bytes: usize },
    #[error("the header is not what safetensors writes: {reason}")]
    Header { reason: String },
    #[error("the header lists more than {TENSORS_MAX} tensors")]
    TooManyTensors,
    #[error("{bytes} bytes behind the last tensor belong to none: the file is damaged")]
    Trailing { bytes: u64 },

    // A tensor in a header.
    #[error("a tensor's name has {bytes} bytes, at most {NAME_MAX} are read")]
    NameTooLong { bytes: usize },
    #[error("tensor {name:?} is there twice")]
    Duplicate { name: String },
    #[error("tensor {name:?} has more than {DIMENSIONS_MAX} dimensions")]
    TooManyDimensions { name: String },
    #[error("tensor {name:?} has a size above 2^64 bytes")]
    Overflow { name: String },
    #[error("tensor {name:?} is said to lie at bytes {begin} to {end} of {bytes}")]
    Outside { name: String, begin: u64, end: u64, bytes: u64 },
    #[error("tensor {name:?} has {found} bytes, its shape and type need {expected}")]
    Length { name: String, expected: u64, found: u64 },
    #[error("tensor {name:?} begins at byte {begin}, inside the one before it, which ends at {end}")]
    Overlap { name: String, begin: u64, end: u64 },
    #[error("bytes {end} to {begin}, before tensor {name:?}, belong to no tensor")]
    Hole { name: String, begin: u64, end: u64 },
    #[error(
        "tensor {name:?} has type {dtype}; weights are read from F32, BF16 and F16: convert the checkpoint first"
    )]
    Dtype { name: String, dtype: String },

    // A checkpoint against its model.
    #[error("tensor {name:?} is missing: config.json says the model has it")]
    Missing { name: String },
    #[error("tensor {name:?} is not part of the model that config.json describes")]
    Unexpected { name: String },
    #[error("tensor {name:?} has shape {found:?}, the model of config.json needs {expected:?}")]
    Shape { name: String, expected: Vec<u64>, found: Vec<u64> },
    #[error(
        "element {element} of tensor {name:?} is not finite: training can only start from finite weights"
    )]
    NotFinite { name: String, element: u64 },
    #[error(
        "config.json ties the head to the embedding, yet {name:?} differs from it: set tie_word_embeddings to false"
    )]
    TiedHead { name: String },
    #[error("the state has {found} parameter tensors, the model needs {expected}")]
    Parameters { expected: usize, found: usize },
    #[error("parameter {name:?} has {found} elements, the model needs {expected}")]
    ParameterLength { name: String, expected: u64, found: usize },

    // A text file.
    #[error("{file} has {bytes} bytes, at most {high} are read")]
    TextTooLong { file: &'static str, bytes: usize, high: usize },
    #[error("{file} is not JSON: {reason}")]
    Text { file: &'static str, reason: String },
    #[error("{file} names the weights file {name:?}: a plain name ending in .safetensors is expected")]
    ShardName { file: &'static str, name: String },
    #[error("config.json has no {field:?}")]
    FieldMissing { field: &'static str },
    #[error("{field:?} in config.json is {found}, {expected} is expected")]
    FieldType { field: &'static str, expected: &'static str, found: String },
    #[error("{field:?} in config.json is {found}: {hint}")]
    Unsupported { field: &'static str, found: String, hint: &'static str },
    #[error("the model of config.json is outside this version's limits: {0}")]
    Spec(#[from] SpecError),
}
