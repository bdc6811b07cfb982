//! The kinds of proof, told apart by a file's first eight bytes (V-6.1).

use super::Unreadable;
use std::fmt;

/// What every file of evidence begins with; the byte behind it is the kind.
pub const NAME: [u8; 7] = *b"RETRACE";
/// Longest file of any kind.
pub const BUNDLE_BYTES_MAX: usize = 1 << 20;

/// On what a proof rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The referee recomputed a claimed value: [`super::Bundle`].
    Arithmetic,
    /// The accused signed two moves that no honest party signs both: [`super::Contradiction`].
    Contradiction,
    /// The ledger says that a clock ran out: of the ledger, which reads and judges it.
    Clock,
}

impl Kind {
    /// The first eight bytes of a file of this kind.
    pub const fn magic(self) -> [u8; 8] {
        match self {
            Kind::Arithmetic => *b"RETRACE\x02",
            Kind::Contradiction => *b"RETRACE\x03",
            Kind::Clock => *b"RETRACE\x04",
        }
    }

    /// The kind of a file, from its length and its first bytes.
    pub fn of(bytes: &[u8]) -> Result<Kind, Unreadable> {
        if bytes.is_empty() {
            return Err(Unreadable::Empty);
        }
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(Unreadable::TooLong { bytes: bytes.len() });
        }
        let version = bytes.strip_prefix(&NAME).and_then(|rest| rest.first());
        match version {
            Some(1) => Err(Unreadable::Old),
            Some(2) => Ok(Kind::Arithmetic),
            Some(3) => Ok(Kind::Contradiction),
            Some(4) => Ok(Kind::Clock),
            _ => Err(Unreadable::Magic),
        }
    }

    /// Refuses a file of another kind than this.
    pub fn expect(self, bytes: &[u8]) -> Result<(), Unreadable> {
        match Kind::of(bytes)? {
            found if found == self => Ok(()),
            found => Err(Unreadable::Kind { found }),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Arithmetic => "proved by arithmetic",
            Kind::Contradiction => "proved by contradiction",
            Kind::Clock => "decided by the ledger's clock",
        })
    }
}
