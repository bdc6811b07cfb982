//! Writes a safetensors file: equal tensors give equal bytes (M-7.1).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use super::HubError;
use crate::execute::Words;

/// Name and shape of a tensor to be written.
pub(super) type Described = (String, Vec<u64>);

/// The header is padded with spaces to a multiple of this, so that a mapped file has aligned data.
const ALIGNMENT: usize = 8;

/// The bytes of a file with these tensors in this order, each name once; `words` gives the elements of the tensor
/// at a place in the list, and is asked in order.
pub(super) fn write<'a>(tensors: &[Described], mut words: impl FnMut(usize) -> Cow<'a, [u32]>) -> Vec<u8> {
    let (header, data) = header(tensors);
    let mut file = Vec::with_capacity(8 + header.len() + data as usize);
    file.extend_from_slice(&(header.len() as u64).to_le_bytes());
    file.extend_from_slice(header.as_bytes());
    for at in 0..tensors.len() {
        words(at).iter().for_each(|word| file.extend_from_slice(&word.to_le_bytes()));
    }
    file
}

/// The header's text, and the bytes of data that it promises.
fn header(tensors: &[Described]) -> (String, u64) {
    let mut text = String::from(r#"{"__metadata__":{"format":"pt"}"#);
    let mut begin = 0;
    for (name, shape) in tensors {
        let end = begin + 4 * shape.iter().product::<u64>();
        let name = serde_json::Value::from(name.as_str());
        // Writing to a string cannot fail.
        let _ = write!(text, r#",{name}:{{"dtype":"F32","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#);
        begin = end;
    }
    text.push('}');
    let padding = text.len().next_multiple_of(ALIGNMENT) - text.len();
    text.extend(std::iter::repeat_n(' ', padding));
    (text, begin)
}

/// Writes tensors that are not a model's, such as logits: name, shape and elements of each, in this order.
///
/// # Errors
/// [`HubError::ParameterLength`] where a shape has another number of elements, [`HubError::Duplicate`] where a
/// name comes twice.
pub fn write_tensors(tensors: &[(String, Vec<u64>, Words)]) -> Result<Vec<u8>, HubError> {
    let mut names = BTreeSet::new();
    let mut described = Vec::with_capacity(tensors.len());
    for (name, shape, words) in tensors {
        let expected = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
        let expected = expected.ok_or_else(|| HubError::Overflow { name: name.clone() })?;
        if expected != words.len() as u64 {
            return Err(HubError::ParameterLength { name: name.clone(), expected, found: words.len() });
        }
        if !names.insert(name) {
            return Err(HubError::Duplicate { name: name.clone() });
        }
        described.push((name.clone(), shape.clone()));
    }
    Ok(write(&described, |at| Cow::Borrowed(&tensors[at].2)))
}
