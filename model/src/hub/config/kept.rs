//! What a configuration says about tokens: no part of a run, yet who generates text with the model needs it (M-7.6).

use serde::Serialize;
use serde_json::Value;

use super::fields::Fields;
use crate::hub::HubError;

/// Ids that may end a text.
const ENDS_MAX: usize = 64;
/// Characters of a tokenizer's class.
const CLASS_MAX: usize = 64;

const INSIDE: &str = "an id below vocab_size is expected, or null for none";
const ENDS: &str = "an id below vocab_size is expected, a list of 1 to 64 of them, or null for none";
const CLASS: &str = "the name of a class is expected, up to 64 letters, digits and _";

/// Members that come out as they came in. The outer option is whether a member is there at all: `transformers` has
/// defaults of its own for those that are left out, and none for those that are null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    bos_token_id: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eos_token_id: Option<Option<Ends>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pad_token_id: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokenizer_class: Option<Option<String>>,
}

/// What ends a text: one token, or any of some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Ends {
    One(u32),
    Any(Vec<u32>),
}

impl Kept {
    /// Of a model that nobody brought along: it has no first and no last token.
    pub fn nothing() -> Self {
        Kept { bos_token_id: Some(None), eos_token_id: Some(None), pad_token_id: None, tokenizer_class: None }
    }

    /// What a configuration says, for a model of `vocabulary` ids.
    pub fn read(fields: &Fields, vocabulary: u32) -> Result<Self, HubError> {
        let one = |value: &Value| id(value, vocabulary);
        let padding =
            |value: &Value| if value.as_i64() == Some(-1) { Some(None) } else { one(value).map(Some) };
        let ends = |value: &Value| match value {
            Value::Array(list) if (1..=ENDS_MAX).contains(&list.len()) => {
                list.iter().map(one).collect::<Option<Vec<u32>>>().map(Ends::Any)
            }
            other => one(other).map(Ends::One),
        };
        let class = |value: &Value| value.as_str().filter(|name| is_class(name)).map(str::to_owned);
        Ok(Kept {
            bos_token_id: fields.kept("bos_token_id", INSIDE, |value| one(value).map(Some))?,
            eos_token_id: fields.kept("eos_token_id", ENDS, |value| ends(value).map(Some))?,
            pad_token_id: fields.kept("pad_token_id", INSIDE, padding)?,
            tokenizer_class: fields.kept("tokenizer_class", CLASS, |value| class(value).map(Some))?,
        })
    }
}

fn id(value: &Value, vocabulary: u32) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok()).filter(|id| *id < vocabulary)
}

fn is_class(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=CLASS_MAX).contains(&name.len()) && name.bytes().all(letter)
}
