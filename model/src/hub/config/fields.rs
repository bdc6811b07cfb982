//! The members of a configuration, each read with its type or refused by name (M-7.5).

use serde_json::{Map, Value};

use crate::hub::{HubError, text};
use crate::spec::F32Bits;

/// Bytes of a configuration that are read.
pub(crate) const TEXT_MAX: usize = 1 << 20;
/// Characters of a value that an error shows.
pub(super) const SHOWN: usize = 60;

/// A JSON object. A member that is null is as good as none, as in Python's classes.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads `config.json`.
    pub fn read(text: &[u8]) -> Result<Self, HubError> {
        text::json(CONFIG, text, TEXT_MAX).map(Fields)
    }

    /// An object inside this one; empty where there is none.
    pub fn inner(&self, field: &'static str) -> Result<Fields, HubError> {
        match self.get(field) {
            None => Ok(Fields(Map::new())),
            Some(Value::Object(map)) => Ok(Fields(map.clone())),
            Some(other) => Err(wrong_type(field, "an object", other)),
        }
    }

    fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// A size that must be there.
    pub fn size(&self, field: &'static str) -> Result<u32, HubError> {
        self.size_if(field)?.ok_or(HubError::FieldMissing { field })
    }

    /// A size that may be left out.
    pub fn size_if(&self, field: &'static str) -> Result<Option<u32>, HubError> {
        let read = |value: &Value| {
            let size = value.as_u64().and_then(|size| u32::try_from(size).ok());
            size.ok_or_else(|| wrong_type(field, "a whole number below 2^32", value))
        };
        self.get(field).map(read).transpose()
    }

    /// A rate, rounded to binary32.
    pub fn rate_or(&self, field: &'static str, default: f32) -> Result<F32Bits, HubError> {
        Ok(self.rate_if(field)?.unwrap_or(F32Bits(default.to_bits())))
    }

    /// A rate that may be left out.
    pub fn rate_if(&self, field: &'static str) -> Result<Option<F32Bits>, HubError> {
        let read = |value: &Value| {
            let rate = value.as_f64().map(|rate| F32Bits((rate as f32).to_bits()));
            rate.ok_or_else(|| wrong_type(field, "a number", value))
        };
        self.get(field).map(read).transpose()
    }

    /// A switch.
    pub fn flag_or(&self, field: &'static str, default: bool) -> Result<bool, HubError> {
        let read = |value: &Value| value.as_bool().ok_or_else(|| wrong_type(field, "true or false", value));
        self.get(field).map_or(Ok(default), read)
    }

    /// A word.
    pub fn word_if<'a>(&'a self, field: &'static str) -> Result<Option<&'a str>, HubError> {
        let read = |value: &'a Value| match value {
            Value::String(word) => Ok(word.as_str()),
            other => Err(wrong_type(field, "a string", other)),
        };
        self.get(field).map(read).transpose()
    }

    /// A member that is kept: whether it is there, whether it is null, and what `read` makes of it, or the hint.
    pub fn kept<T>(
        &self,
        field: &'static str,
        hint: &'static str,
        read: impl Fn(&Value) -> Option<Option<T>>,
    ) -> Result<Option<Option<T>>, HubError> {
        let known = |value: &Value| match value {
            Value::Null => Ok(None),
            value => read(value).ok_or_else(|| HubError::Unsupported { field, found: shown(value), hint }),
        };
        self.0.get(field).map(known).transpose()
    }

    /// A member that has one supported value, which is also what its absence means.
    pub fn only(
        &self,
        field: &'static str,
        supported: impl Into<Value>,
        hint: &'static str,
    ) -> Result<(), HubError> {
        let supported = supported.into();
        match self.get(field) {
            None => Ok(()),
            Some(value)
                if *value == supported || value.as_f64().is_some_and(|v| supported.as_f64() == Some(v)) =>
            {
                Ok(())
            }
            Some(value) => Err(HubError::Unsupported { field, found: shown(value), hint }),
        }
    }
}

/// The file's name, in errors.
pub(in crate::hub) const CONFIG: &str = "config.json";

fn wrong_type(field: &'static str, expected: &'static str, value: &Value) -> HubError {
    HubError::FieldType { field, expected, found: shown(value) }
}

fn shown(value: &Value) -> String {
    text::shown(&value.to_string(), SHOWN)
}
