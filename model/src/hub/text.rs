//! Small text files of the layout: bounded, then parsed (M-7.5); what is quoted of them is bounded, too.

use serde_json::{Map, Value};

use super::HubError;

/// The JSON object in `text`. Its depth is bounded by the parser, its size by `high`.
pub(super) fn json(file: &'static str, text: &[u8], high: usize) -> Result<Map<String, Value>, HubError> {
    if text.len() > high {
        return Err(HubError::TextTooLong { file, bytes: text.len(), high });
    }
    serde_json::from_slice(text).map_err(|error| HubError::Text { file, reason: reason(&error) })
}

/// Characters of a parser's error that are passed on: it may quote the text at any length.
const REASON: usize = 200;

/// What the parser says.
pub(super) fn reason(error: &serde_json::Error) -> String {
    shown(&error.to_string(), REASON)
}

/// The first `most` characters of a stranger's text, for an error that goes to a terminal: what would move its cursor
/// or turn its text around is spelled out.
pub(super) fn shown(text: &str, most: usize) -> String {
    let mut short = String::new();
    let mut letters = text.chars();
    for letter in letters.by_ref().take(most) {
        match letter {
            '"' | '\'' | '\\' => short.push(letter),
            other => short.extend(other.escape_debug()),
        }
    }
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::shown;

    /// M-7.5: a stranger's text commands no terminal, and fills none.
    #[test]
    fn what_is_shown() {
        assert_eq!(shown("héllo \"w\\'", 60), "héllo \"w\\'");
        assert_eq!(shown("\u{1b}[2J\u{9b}m\u{202e}\u{7f}\n", 60), "\\u{1b}[2J\\u{9b}m\\u{202e}\\u{7f}\\n");
        assert_eq!(shown("abc", 3), "abc");
        assert_eq!(shown("abcd", 3), "abc…");
    }
}
