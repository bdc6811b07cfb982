//! What this validator has signed and let out, on disk before it leaves: it never signs against it (W-1.5).
//!
//! ```text
//! file:    "retrace sign state 1\n" | record | record | ...
//! record:  kind u8 | height u64 | round u32 | has block u8 | block 32 | checksum 8      54 bytes
//! ```
//!
//! The checksum covers the network, so that another network's file is refused. A record that a crash cut off was
//! not yet on disk when the process ended, hence nothing left on its account: it is dropped.

use retrace_verifier::digest::Digest;
use retrace_verifier::signature::message;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const HEADER: &[u8] = b"retrace sign state 1\n";
const RECORD_BYTES: usize = 1 + 8 + 4 + 1 + 32 + 8;
/// The file is written anew when it has more records.
const RECORDS_MAX: usize = 16 * 1024;

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignKind {
    /// A proposal.
    Proposal,
    /// A prevote.
    Prevote,
    /// A precommit.
    Precommit,
}

/// One signed thing: for a vote the block or none, for a proposal the digest of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignRecord {
    /// What it is.
    pub kind: SignKind,
    /// Height.
    pub height: u64,
    /// Round.
    pub round: u32,
    /// What was signed for.
    pub block: Option<Digest>,
}

/// Why something must not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignRefused {
    /// Something later was signed.
    #[error(
        "a {kind:?} of height {height}, round {round} comes after one of height {last_height}, round {last_round}"
    )]
    Late {
        /// What was asked for.
        kind: SignKind,
        /// Its height.
        height: u64,
        /// Its round.
        round: u32,
        /// Height of the last one.
        last_height: u64,
        /// Round of the last one.
        last_round: u32,
    },
    /// Something else was signed in its place.
    #[error("another {kind:?} of height {height}, round {round} was signed")]
    Conflict {
        /// What was asked for.
        kind: SignKind,
        /// Its height.
        height: u64,
        /// Its round.
        round: u32,
    },
}

/// A sign state that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignStateError {
    /// The file cannot be read or written.
    #[error("the sign state {path} cannot be read or written: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is damaged, or another network's.
    #[error("the sign state {path} is damaged or another network's at byte {position}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        position: usize,
    },
    /// The record contradicts an earlier one.
    #[error("refused to sign: {0}")]
    Refused(#[from] SignRefused),
}

/// The sign state.
pub struct SignState {
    file: File,
    path: PathBuf,
    network: Digest,
    records: usize,
    held: Held,
}

/// What was signed at the last height that anything was signed at.
#[derive(Default)]
struct Held {
    height: u64,
    signed: BTreeMap<(SignKind, u32), Option<Digest>>,
}

impl SignState {
    /// Opens the file, or makes one.
    pub fn open(path: &Path, network: Digest) -> Result<SignState, SignStateError> {
        let io = |source| SignStateError::Io { path: path.to_path_buf(), source };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let (held, records, good) = read(path, &network, &bytes)?;
        let mut state = SignState { file, path: path.to_path_buf(), network, records, held };
        if good == 0 || good != bytes.len() || records > RECORDS_MAX {
            state.rewrite()?;
        }
        Ok(state)
    }

    /// The last height at which anything left with our signature; 0 if nothing did.
    pub fn height(&self) -> u64 {
        self.held.height
    }

    /// Whether this may be signed: nothing later was, and nothing else in its place.
    pub fn check(&self, record: &SignRecord) -> Result<(), SignRefused> {
        self.held.check(record)
    }

    /// Writes down that this is signed, and returns when it is on disk. The same record again is free.
    pub fn record(&mut self, record: SignRecord) -> Result<(), SignStateError> {
        self.held.check(&record)?;
        if !self.held.insert(record) {
            return Ok(());
        }
        let io = |source| SignStateError::Io { path: self.path.clone(), source };
        self.file.write_all(&encode(&self.network, &record)).map_err(io)?;
        self.file.sync_data().map_err(io)?;
        self.records += 1;
        if self.records > RECORDS_MAX {
            self.rewrite()?;
        }
        Ok(())
    }

    /// Replaces the file by one with the last height's records only.
    fn rewrite(&mut self) -> Result<(), SignStateError> {
        let io = |source| SignStateError::Io { path: self.path.clone(), source };
        let records = self.held.records();
        let mut bytes = HEADER.to_vec();
        bytes.extend(records.iter().flat_map(|record| encode(&self.network, record)));
        super::disk::replace(&self.path, &bytes).map_err(io)?;
        self.file = OpenOptions::new().append(true).open(&self.path).map_err(io)?;
        self.records = records.len();
        Ok(())
    }
}

impl Held {
    fn check(&self, record: &SignRecord) -> Result<(), SignRefused> {
        let SignRecord { kind, height, round, block } = *record;
        if height > self.height {
            return Ok(());
        }
        if height == self.height {
            match self.signed.get(&(kind, round)) {
                Some(held) if *held == block => return Ok(()),
                Some(_) => return Err(SignRefused::Conflict { kind, height, round }),
                None => {}
            }
        }
        let last = self.signed.keys().filter(|(held, _)| *held == kind).map(|(_, round)| *round).max();
        match last {
            Some(last_round) if height < self.height || round < last_round => {
                Err(SignRefused::Late { kind, height, round, last_height: self.height, last_round })
            }
            None if height < self.height => {
                Err(SignRefused::Late { kind, height, round, last_height: self.height, last_round: 0 })
            }
            _ => Ok(()),
        }
    }

    /// Takes a record that was checked; false if it is known.
    fn insert(&mut self, record: SignRecord) -> bool {
        if record.height > self.height {
            self.signed.clear();
            self.height = record.height;
        }
        self.signed.insert((record.kind, record.round), record.block).is_none()
    }

    fn records(&self) -> Vec<SignRecord> {
        let of = |(&(kind, round), &block): (&(SignKind, u32), &Option<Digest>)| SignRecord {
            kind,
            height: self.height,
            round,
            block,
        };
        self.signed.iter().map(of).collect()
    }
}

fn checksum(network: &Digest, body: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&message("retrace v1 sign state", &(network, body))[..8]);
    sum
}

fn encode(network: &Digest, record: &SignRecord) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD_BYTES);
    bytes.push(record.kind as u8);
    bytes.extend(record.height.to_le_bytes());
    bytes.extend(record.round.to_le_bytes());
    bytes.push(u8::from(record.block.is_some()));
    bytes.extend(record.block.unwrap_or(Digest([0; 32])).0);
    let sum = checksum(network, &bytes);
    bytes.extend(sum);
    bytes
}

fn decode(network: &Digest, bytes: &[u8; RECORD_BYTES]) -> Option<SignRecord> {
    let (body, sum) = bytes.split_at(RECORD_BYTES - 8);
    if checksum(network, body) != sum {
        return None;
    }
    let kind = match body[0] {
        0 => SignKind::Proposal,
        1 => SignKind::Prevote,
        2 => SignKind::Precommit,
        _ => return None,
    };
    let height = u64::from_le_bytes(body[1..9].try_into().ok()?);
    let round = u32::from_le_bytes(body[9..13].try_into().ok()?);
    let block = Digest(body[14..46].try_into().ok()?);
    Some(SignRecord { kind, height, round, block: (body[13] == 1).then_some(block) })
}

/// What the file says, how many records it has, and how many of its bytes are good.
fn read(path: &Path, network: &Digest, bytes: &[u8]) -> Result<(Held, usize, usize), SignStateError> {
    let damaged = |position| SignStateError::Damaged { path: path.to_path_buf(), position };
    let mut held = Held::default();
    if bytes.is_empty() || (bytes.len() < HEADER.len() && HEADER.starts_with(bytes)) {
        return Ok((held, 0, 0));
    }
    let rest = bytes.strip_prefix(HEADER).ok_or_else(|| damaged(0))?;
    let (records, torn) = rest.as_chunks::<RECORD_BYTES>();
    let mut count = 0;
    for (index, bytes) in records.iter().enumerate() {
        match decode(network, bytes) {
            Some(record) => drop(held.insert(record)),
            // The last record may be half written, if the file grew before its bytes came.
            None if index + 1 == records.len() && index > 0 && torn.is_empty() => break,
            None => return Err(damaged(HEADER.len() + index * RECORD_BYTES)),
        }
        count += 1;
    }
    Ok((held, count, HEADER.len() + count * RECORD_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: Digest = Digest([9; 32]);

    fn record(kind: SignKind, height: u64, round: u32, block: Option<u8>) -> SignRecord {
        SignRecord { kind, height, round, block: block.map(|byte| Digest([byte; 32])) }
    }

    fn open(folder: &tempfile::TempDir) -> SignState {
        SignState::open(&folder.path().join("signed"), NETWORK).unwrap()
    }

    /// W-1.5: nothing is signed twice in different ways, nor after something later; not after a restart either.
    #[test]
    fn the_sign_state_refuses() {
        use SignKind::{Precommit, Prevote, Proposal};
        let folder = tempfile::tempdir().unwrap();
        let mut state = open(&folder);
        for (kind, block) in [(Proposal, Some(3)), (Prevote, Some(1)), (Precommit, None)] {
            state.record(record(kind, 5, 1, block)).unwrap();
        }
        for mut state in [state, open(&folder)] {
            let conflict = |kind| SignRefused::Conflict { kind, height: 5, round: 1 };
            assert_eq!(state.check(&record(Prevote, 5, 1, Some(2))), Err(conflict(Prevote)));
            assert_eq!(state.check(&record(Precommit, 5, 1, Some(1))), Err(conflict(Precommit)));
            assert_eq!(state.check(&record(Proposal, 5, 1, Some(4))), Err(conflict(Proposal)));
            let late = |height, round| SignRefused::Late {
                kind: Prevote,
                height,
                round,
                last_height: 5,
                last_round: 1,
            };
            assert_eq!(state.check(&record(Prevote, 5, 0, None)), Err(late(5, 0)));
            assert_eq!(state.check(&record(Prevote, 4, 9, None)), Err(late(4, 9)));
            for allowed in [record(Prevote, 5, 1, Some(1)), record(Prevote, 5, 2, None)] {
                assert_eq!(state.check(&allowed), Ok(()));
            }
            assert_eq!(state.check(&record(Prevote, 6, 0, Some(2))), Ok(()));
            assert!(matches!(
                state.record(record(Prevote, 5, 1, None)),
                Err(SignStateError::Refused(SignRefused::Conflict { .. }))
            ));
        }
    }

    /// W-1.5: a record that a crash cut off counts as never written; damage before it is refused by name.
    #[test]
    fn torn_is_dropped_and_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed");
        let mut state = open(&folder);
        state.record(record(SignKind::Prevote, 1, 0, Some(1))).unwrap();
        state.record(record(SignKind::Prevote, 2, 0, Some(1))).unwrap();
        drop(state);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), HEADER.len() + 2 * RECORD_BYTES);
        for cut in HEADER.len() + RECORD_BYTES..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(open(&folder).held.height, 1);
            assert_eq!(std::fs::read(&path).unwrap().len(), HEADER.len() + RECORD_BYTES);
        }
        let mut bad = whole.clone();
        bad[HEADER.len() + 3] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        assert!(matches!(SignState::open(&path, NETWORK), Err(SignStateError::Damaged { .. })));
        std::fs::write(&path, &whole).unwrap();
        assert!(matches!(SignState::open(&path, Digest([8; 32])), Err(SignStateError::Damaged { .. })));
        assert_eq!(open(&folder).held.height, 2);
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = open(&folder);
        state.records = RECORDS_MAX - 1;
        for height in 1..4 {
            state.record(record(SignKind::Precommit, height, 0, Some(1))).unwrap();
        }
        assert!(state.records < 4);
        assert_eq!(open(&folder).held.height, 3);
    }
}
