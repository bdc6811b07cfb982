//! `model.safetensors.index.json`: which files the weights of a large model are in (M-7.1).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{HubError, text};

const INDEX: &str = "model.safetensors.index.json";
/// Bytes of an index that are read: 2^16 tensors with long names.
const INDEX_MAX: usize = 16 << 20;

/// The names of a sharded checkpoint's files, each once, ascending: plain names, so a folder's reader stays in it.
/// Which tensor is where is taken from the files themselves.
///
/// # Errors
/// A text that is no index, or a name that is not of this folder.
pub fn shard_names(index: &[u8]) -> Result<Vec<String>, HubError> {
    let map = text::json(INDEX, index, INDEX_MAX)?;
    let Some(Value::Object(places)) = map.get("weight_map") else {
        return Err(HubError::Text { file: INDEX, reason: "it has no object \"weight_map\"".to_owned() });
    };
    let mut names = BTreeSet::new();
    for place in places.values() {
        let name = place.as_str().unwrap_or_default();
        if !is_plain(name) {
            let name = place.to_string().chars().take(60).collect();
            return Err(HubError::ShardName { file: INDEX, name });
        }
        names.insert(name.to_owned());
    }
    Ok(names.into_iter().collect())
}

fn is_plain(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= 255 && name.ends_with(".safetensors") && !name.starts_with('.') && name.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::{HubError, shard_names};

    /// M-7.1: an index names files of its own folder, nothing else.
    #[test]
    fn names_are_plain() {
        let index =
            |name: &str| format!(r#"{{"metadata":{{}},"weight_map":{{"a":"x-2.safetensors","b":{name}}}}}"#);
        let read = |name: &str| shard_names(index(name).as_bytes());
        let both = vec!["x-1.safetensors".to_owned(), "x-2.safetensors".to_owned()];
        assert_eq!(read("\"x-1.safetensors\""), Ok(both));
        assert_eq!(read("\"x-2.safetensors\"").map(|names| names.len()), Ok(1));
        for name in
            ["\"../x.safetensors\"", "\"/x.safetensors\"", "\"x.bin\"", "\".safetensors\"", "1", "null"]
        {
            assert!(matches!(read(name), Err(HubError::ShardName { .. })), "{name}");
        }
        assert!(matches!(shard_names(b"{}"), Err(HubError::Text { .. })));
        assert!(matches!(shard_names(&vec![b' '; 17 << 20]), Err(HubError::TextTooLong { .. })));
    }
}
