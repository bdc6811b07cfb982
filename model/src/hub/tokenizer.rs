//! Tokenizer files: our own for bytes, anybody's passed through (M-7.6).

use serde_json::Value;

use super::File;

/// Files of a checkpoint that are kept as they are: who imports a model hands them back when it is exported, together
/// with its `config.json`, of which some members are kept.
pub const TOKENIZER_FILES: [&str; 9] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "generation_config.json",
];

/// Bytes of one such file that are worth keeping.
pub const TOKENIZER_FILE_MAX: u64 = 64 << 20;

/// `tokenizer.json` and `tokenizer_config.json` of a model over bytes: an id is the byte's value.
pub(super) fn byte_tokenizer(context: u32) -> [File; 2] {
    let configuration = format!(
        r#"{{
  "tokenizer_class": "PreTrainedTokenizerFast",
  "model_max_length": {context},
  "clean_up_tokenization_spaces": false
}}
"#
    );
    [file("tokenizer.json", tokenizer()), file("tokenizer_config.json", configuration)]
}

fn file(name: &str, text: String) -> File {
    File { name: name.to_owned(), bytes: text.into_bytes() }
}

/// Byte pair encoding without any pair: the pre-tokenizer turns each byte into its letter, the vocabulary turns the
/// letter back into the byte's value.
fn tokenizer() -> String {
    let vocabulary: Vec<String> = (0..)
        .zip(letters())
        .map(|(byte, letter): (u32, _)| format!("{}:{byte}", Value::from(letter.to_string())))
        .collect();
    let vocabulary = vocabulary.join(",");
    let byte_level =
        r#"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false}"#;
    let model = format!(
        r#"{{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":{{{vocabulary}}},"merges":[]}}"#
    );
    format!(
        r#"{{
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [],
  "normalizer": null,
  "pre_tokenizer": {byte_level},
  "post_processor": null,
  "decoder": {byte_level},
  "model": {model}
}}
"#
    )
}

/// The letter of each byte in the field's byte-level alphabet: printable Latin-1 stands for itself, the other 68
/// bytes take the letters from U+0100 on.
fn letters() -> impl Iterator<Item = char> {
    let mut others = '\u{100}'..;
    ('\0'..='\u{FF}').filter_map(move |byte| match byte {
        '!'..='~' | '\u{A1}'..='\u{AC}' | '\u{AE}'..='\u{FF}' => Some(byte),
        _ => others.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::{byte_tokenizer, letters};

    /// M-7.6: 256 letters, each once, and the files are the JSON that they look like.
    #[test]
    fn every_byte_has_its_letter() {
        let alphabet: Vec<char> = letters().collect();
        assert_eq!((alphabet.len(), alphabet[0x0A], alphabet[0x20], alphabet[0xAD]), (256, 'Ċ', 'Ġ', 'Ń'));
        let [tokenizer, configuration] = byte_tokenizer(64)
            .map(|file| serde_json::from_slice::<serde_json::Value>(&file.bytes).expect(&file.name));
        let vocabulary = tokenizer["model"]["vocab"].as_object().expect("a vocabulary");
        assert_eq!(vocabulary.len(), 256);
        for (byte, letter) in alphabet.iter().enumerate() {
            assert_eq!(vocabulary[&letter.to_string()], byte);
        }
        assert_eq!(configuration["model_max_length"], 64);
    }
}
