//! TOML read strictly: every key is asked for by name and checked, and a key that nobody asked for is an error.

use super::near::near;
use toml::{Table, Value};

/// Text that cannot be used, and where in it the trouble is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Not TOML.
    #[error("line {line}: {reason}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// A key that means nothing here.
    #[error("there is no key {key}")]
    UnknownKey {
        /// The key with the names of the tables around it.
        key: String,
        /// What is near.
        hint: String,
    },
    /// A value of another type.
    #[error("{key} must be {expected}, it is {found}")]
    Type {
        /// The key.
        key: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A number out of bounds.
    #[error("{key} is {found}, it must be {low} to {high}")]
    Range {
        /// The key.
        key: String,
        /// Its value.
        found: i64,
        /// Smallest.
        low: i64,
        /// Largest.
        high: i64,
    },
    /// A list or a text that is too long.
    #[error("{key} has {found} {unit}, at most {most} are allowed")]
    TooLong {
        /// The key.
        key: String,
        /// How many.
        found: usize,
        /// Of what.
        unit: &'static str,
        /// Most.
        most: usize,
    },
    /// A key that must be there.
    #[error("{key} is missing")]
    Missing {
        /// The key.
        key: String,
    },
    /// A word that means nothing here.
    #[error("{key} is {found:?}")]
    Word {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What would do.
        hint: String,
    },
}

impl TableError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            TableError::UnknownKey { hint, .. } | TableError::Word { hint, .. } => hint.clone(),
            TableError::Syntax { .. } => {
                "the file is TOML: key = value lines under [section] headings".into()
            }
            TableError::Missing { key } => format!("add a line with {key}"),
            _ => "change the value; nothing was started".into(),
        }
    }
}

/// What a text should have been.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// One of these words.
    OneOf(&'a [&'a str]),
    /// Something that looks like this.
    Like(&'a str),
}

impl Expected<'_> {
    fn hint(self, found: &str) -> String {
        match self {
            Expected::OneOf(known) => near(found, known),
            Expected::Like(example) => format!("write it like {example}"),
        }
    }
}

/// A table, the keys that are left in it, and the names that were asked for.
#[derive(Debug)]
pub struct Section {
    path: String,
    left: Table,
    asked: Vec<&'static str>,
}

impl Section {
    /// Reads a whole text.
    pub fn parse(text: &str) -> Result<Section, TableError> {
        let table = text.parse::<Table>().map_err(|error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
            TableError::Syntax { line, reason: error.message().to_string() }
        })?;
        Ok(Section { path: String::new(), left: table, asked: Vec::new() })
    }

    /// A key with the names of the tables around it.
    pub fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.asked.push(name);
        self.left.remove(name)
    }

    fn wrong_type(&self, name: &str, expected: &'static str, found: &Value) -> TableError {
        TableError::Type { key: self.key(name), expected, found: found.type_str() }
    }

    /// A text of at most `most` bytes.
    pub fn text(&mut self, name: &'static str, most: usize) -> Result<Option<String>, TableError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= most => Ok(Some(text)),
            Some(Value::String(text)) => {
                Err(TableError::TooLong { key: self.key(name), found: text.len(), unit: "bytes", most })
            }
            Some(other) => Err(self.wrong_type(name, "a text", &other)),
        }
    }

    /// A whole number.
    pub fn whole(&mut self, name: &'static str, low: i64, high: i64) -> Result<Option<i64>, TableError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Integer(found)) if (low..=high).contains(&found) => Ok(Some(found)),
            Some(Value::Integer(found)) => Err(TableError::Range { key: self.key(name), found, low, high }),
            Some(other) => Err(self.wrong_type(name, "a whole number", &other)),
        }
    }

    /// True or false.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, TableError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong_type(name, "true or false", &other)),
        }
    }

    /// A share from 0 to 1 in parts per million.
    pub fn share_ppm(&mut self, name: &'static str) -> Result<Option<u32>, TableError> {
        let share = match self.take(name) {
            None => return Ok(None),
            Some(Value::Float(share)) => share,
            Some(Value::Integer(share)) => share as f64,
            Some(other) => return Err(self.wrong_type(name, "a share from 0 to 1", &other)),
        };
        if (0.0..=1.0).contains(&share) {
            return Ok(Some((share * 1e6).round() as u32));
        }
        let hint = "a share goes from 0 to 1: 0.25 is a quarter".to_string();
        Err(TableError::Word { key: self.key(name), found: share.to_string(), hint })
    }

    /// A list of texts; one text stands for a list of one.
    pub fn texts(&mut self, name: &'static str, most: usize) -> Result<Option<Vec<String>>, TableError> {
        let items = match self.take(name) {
            None => return Ok(None),
            Some(Value::String(one)) => return Ok(Some(vec![one])),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.wrong_type(name, "a list of texts", &other)),
        };
        if items.len() > most {
            return Err(TableError::TooLong { key: self.key(name), found: items.len(), unit: "items", most });
        }
        let text = |item| match item {
            Value::String(text) => Ok(text),
            other => Err(self.wrong_type(name, "a list of texts", &other)),
        };
        items.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// A text that `read` understands.
    pub fn choice<T>(
        &mut self,
        name: &'static str,
        expected: Expected<'_>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, TableError> {
        let Some(found) = self.text(name, 1024)? else { return Ok(None) };
        self.chosen(name, found, expected, read).map(Some)
    }

    /// One text that came out of `name`, read.
    pub fn chosen<T>(
        &self,
        name: &str,
        found: String,
        expected: Expected<'_>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, TableError> {
        read(&found).ok_or_else(|| {
            let hint = expected.hint(&found);
            TableError::Word { key: self.key(name), found, hint }
        })
    }

    /// The table of this name; an empty one where there is none.
    pub fn section(&mut self, name: &'static str) -> Result<Section, TableError> {
        let path = self.key(name);
        let left = match self.take(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => return Err(self.wrong_type(name, "a table", &other)),
        };
        Ok(Section { path, left, asked: Vec::new() })
    }

    /// The tables of this name, `[[name]]`, numbered from 1 in errors.
    pub fn sections(&mut self, name: &'static str, most: usize) -> Result<Vec<Section>, TableError> {
        let key = self.key(name);
        let items = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.wrong_type(name, "a list of tables", &other)),
        };
        if items.len() > most {
            return Err(TableError::TooLong { key, found: items.len(), unit: "items", most });
        }
        let section = |(at, item)| match item {
            Value::Table(left) => Ok(Section { path: format!("{key}[{at}]"), left, asked: Vec::new() }),
            other => Err(self.wrong_type(name, "a list of tables", &other)),
        };
        (1..).zip(items).map(section).collect()
    }

    /// Refuses what nobody asked for.
    pub fn end(self) -> Result<(), TableError> {
        let Some(name) = self.left.keys().next() else { return Ok(()) };
        Err(TableError::UnknownKey { key: self.key(name), hint: near(name, &self.asked) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Section, TableError};

    #[test]
    fn unknown_keys_are_refused_with_what_is_near() {
        let mut root = Section::parse("[run]\nronds = 3\n").unwrap();
        let mut run = root.section("run").unwrap();
        assert_eq!(run.whole("rounds", 1, 9), Ok(None));
        root.end().unwrap();
        let expected =
            TableError::UnknownKey { key: "run.ronds".into(), hint: "did you mean rounds?".into() };
        assert_eq!(run.end(), Err(expected));
    }

    #[test]
    fn syntax_names_its_line() {
        let error = Section::parse("a = 1\nb = \n").unwrap_err();
        assert!(matches!(error, TableError::Syntax { line: 2, .. }), "{error}");
        assert!(matches!(Section::parse("a = 1\na = 2\n"), Err(TableError::Syntax { line: 2, .. })));
    }
}
