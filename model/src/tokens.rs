//! Training data as token ids: bytes of text, or a file of little-endian ids for larger vocabularies (M-7.6).

use crate::execute::Words;

/// How a file holds token ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFormat {
    /// A byte is an id: text as it is.
    Bytes,
    /// u16, little-endian.
    U16,
    /// u32, little-endian.
    U32,
}

/// A file of tokens that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the sentences say what the fields are
pub enum TokensError {
    #[error(
        "{bytes} bytes are no list of ids of {width} bytes each: another format was meant, or the file is cut"
    )]
    Length { bytes: usize, width: usize },
    #[error(
        "token {at} is {id}, the model's vocabulary has {vocabulary} ids: it was made with another tokenizer"
    )]
    Vocabulary { at: usize, id: u32, vocabulary: u32 },
}

impl TokenFormat {
    /// Bytes of one id.
    pub fn width(self) -> usize {
        match self {
            TokenFormat::Bytes => 1,
            TokenFormat::U16 => 2,
            TokenFormat::U32 => 4,
        }
    }

    /// The ids of a file, each below `vocabulary`. Memory is four bytes an id.
    ///
    /// # Errors
    /// A length that is no multiple of [`TokenFormat::width`], or the first id outside the vocabulary.
    pub fn read(self, file: &[u8], vocabulary: u32) -> Result<Words, TokensError> {
        let width = self.width();
        if !file.len().is_multiple_of(width) {
            return Err(TokensError::Length { bytes: file.len(), width });
        }
        let ids: Words = match self {
            TokenFormat::Bytes => file.iter().map(|byte| u32::from(*byte)).collect(),
            TokenFormat::U16 => {
                file.as_chunks().0.iter().map(|id| u32::from(u16::from_le_bytes(*id))).collect()
            }
            TokenFormat::U32 => file.as_chunks().0.iter().map(|id| u32::from_le_bytes(*id)).collect(),
        };
        match ids.iter().position(|id| *id >= vocabulary) {
            Some(at) => Err(TokensError::Vocabulary { at, id: ids[at], vocabulary }),
            None => Ok(ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TokenFormat, TokensError};

    /// M-7.6: each width, and the two ways to be wrong.
    #[test]
    fn files_of_tokens() {
        let file = [1, 2, 3, 4, 0, 0, 0, 0];
        assert_eq!(TokenFormat::Bytes.read(&file, 256), Ok(vec![1, 2, 3, 4, 0, 0, 0, 0]));
        assert_eq!(TokenFormat::U16.read(&file, 0x0404), Ok(vec![0x0201, 0x0403, 0, 0]));
        assert_eq!(TokenFormat::U32.read(&file, 0x0403_0202), Ok(vec![0x0403_0201, 0]));
        let outside = TokensError::Vocabulary { at: 1, id: 0x0403, vocabulary: 0x0403 };
        assert_eq!(TokenFormat::U16.read(&file, 0x0403), Err(outside));
        assert_eq!(TokenFormat::U16.read(&file[..7], 256), Err(TokensError::Length { bytes: 7, width: 2 }));
        assert_eq!(TokenFormat::U32.read(&file[..6], 256), Err(TokensError::Length { bytes: 6, width: 4 }));
        assert_eq!(TokenFormat::U32.read(&[], 256), Ok(vec![]));
        assert_eq!(
            TokenFormat::Bytes.read(b"\xFF", 255).map_err(|e| e.to_string().contains("255")),
            Err(true)
        );
    }
}
