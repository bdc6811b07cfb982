//! Vector files: one vector a line, words in hexadecimal; `RETRACE_WRITE_VECTORS=1` writes, else they are read.

use retrace_model::Words;
use serde_json::Value;
use std::path::PathBuf;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("a string of hexadecimal digits");
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("two hexadecimal digits");
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Words as eight digits each, a blank between them.
pub fn spell(words: &[u32]) -> Value {
    words.iter().map(|word| format!("{word:08x}")).collect::<Vec<_>>().join(" ").into()
}

pub fn read_words(text: &Value) -> Words {
    let word = |digits| u32::from_str_radix(digits, 16).expect("a word in hexadecimal");
    text.as_str().expect("words").split_whitespace().map(word).collect()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../specs/vectors").join(name)
}

/// The vectors of a file: what `make` gives, written now, or what was written before.
pub fn vectors(name: &str, make: impl Fn() -> Vec<Value>) -> Vec<Value> {
    if std::env::var("RETRACE_WRITE_VECTORS").is_ok_and(|value| value == "1") {
        let lines: Vec<String> = make().iter().map(Value::to_string).collect();
        std::fs::create_dir_all(file("")).expect("specs/vectors can be made");
        std::fs::write(file(name), format!("[\n{}\n]\n", lines.join(",\n")))
            .expect("the vectors can be written");
    }
    let text = std::fs::read_to_string(file(name)).expect("the vectors are in specs/vectors");
    serde_json::from_str::<Vec<Value>>(&text).expect("a list of vectors")
}

/// The value under a key that must be there; every key is taken once, so that none goes unread.
pub fn take(vector: &mut Value, key: &str) -> Value {
    let object = vector.as_object_mut().expect("an object");
    object.remove(key).unwrap_or_else(|| panic!("a vector has no {key}: {object:?}"))
}

pub fn assert_all_read(vector: &Value) {
    assert!(vector.as_object().is_some_and(|o| o.is_empty()), "nothing reads {vector}");
}
