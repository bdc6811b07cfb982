//! Small text files of the layout: bounded, then parsed (M-7.5).

use serde_json::{Map, Value};

use super::HubError;

/// The JSON object in `text`. Its depth is bounded by the parser, its size by `high`.
pub(super) fn json(file: &'static str, text: &[u8], high: usize) -> Result<Map<String, Value>, HubError> {
    if text.len() > high {
        return Err(HubError::TextTooLong { file, bytes: text.len(), high });
    }
    serde_json::from_slice(text).map_err(|error| HubError::Text { file, reason: error.to_string() })
}
