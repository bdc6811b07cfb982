//! A blob on its way: verified groups in a file, and a map of them, so that a restart asks only for the rest.
//!
//! ```text
//! partial/NAME       the file as it will be, with holes
//! partial/NAME.map   digests and lengths of the parts, one bit for each verified group
//! ```
//!
//! The map may lag behind the file, and after a crash the file behind the map: the whole is hashed once more before it
//! becomes a blob.

use super::super::wire::Stretch;
use super::layout::{Layout, Part};
use crate::home::write_whole;
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use retrace_ledger::decode;
use retrace_verifier::digest::Digest;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Bytes after which the map is written again.
const MAP_INTERVAL_BYTES: u64 = 4 << 20;
/// Longest map: a bit for each group of the longest blob, and the parts.
const MAP_BYTES_MAX: usize = 8 << 20;
/// How long a partial blob is kept after its last change.
const KEPT: Duration = Duration::from_secs(3 * 24 * 3600);
/// Form of the map.
const MAP_VERSION: u8 = 1;

#[derive(BorshSerialize, BorshDeserialize)]
struct Map {
    version: u8,
    parts: Vec<(Digest, u64)>,
    have: Vec<Vec<u8>>,
}

/// A blob on its way.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    layout: Arc<Layout>,
    have: Vec<Vec<u8>>,
    missing: u64,
    unsaved_bytes: u64,
}

fn map_path(path: &Path) -> PathBuf {
    path.with_extension("map")
}

fn read_map(path: &Path) -> Option<Map> {
    let mut bytes = Vec::new();
    let file = File::open(map_path(path)).ok()?;
    file.take(MAP_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).ok()?;
    decode::<Map>(&bytes, MAP_BYTES_MAX).ok().filter(|map| map.version == MAP_VERSION)
}

fn empty(part: &Part) -> Vec<u8> {
    vec![0; usize::try_from(part.groups().div_ceil(8)).unwrap_or(usize::MAX)]
}

fn bit(group: u64) -> (usize, u8) {
    (usize::try_from(group / 8).unwrap_or(usize::MAX), 1 << (group % 8))
}

impl Partial {
    /// The length of plain bytes that an earlier fetch proved.
    pub(super) fn remembered_length(folder: &Path, name: &Digest) -> Option<u64> {
        match read_map(&folder.join(name.to_string()))?.parts.as_slice() {
            [(digest, length)] if digest == name => Some(*length),
            _ => None,
        }
    }

    /// Opens the file of a blob, with what is verified already if it was begun with this layout.
    pub(super) fn open(folder: &Path, name: &Digest, layout: Arc<Layout>) -> io::Result<Partial> {
        let path = folder.join(name.to_string());
        let parts: Vec<(Digest, u64)> = layout.parts.iter().map(|part| (part.digest, part.length)).collect();
        let fresh: Vec<Vec<u8>> = layout.parts.iter().map(empty).collect();
        let is_like = |have: &Vec<Vec<u8>>| have.iter().map(Vec::len).eq(fresh.iter().map(Vec::len));
        let found = read_map(&path).filter(|map| map.parts == parts && is_like(&map.have) && path.exists());
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(found.is_none()).open(&path)?;
        file.set_len(layout.file_length)?;
        for (offset, header) in layout.headers() {
            file.write_all_at(&header, offset)?;
        }
        let have = found.map_or(fresh, |map| map.have);
        let mut partial = Partial { path, file, layout, have, missing: 0, unsaved_bytes: 0 };
        partial.missing = partial.count_missing();
        Ok(partial)
    }

    fn count_missing(&self) -> u64 {
        let parts = self.layout.parts.iter().enumerate();
        parts.map(|(i, part)| (0..part.groups()).filter(|group| !self.has(i, *group)).count() as u64).sum()
    }

    fn has(&self, part: usize, group: u64) -> bool {
        let (byte, bit) = bit(group);
        self.have[part][byte] & bit != 0
    }

    /// The layout.
    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// True once every group was verified.
    pub(super) fn is_whole(&self) -> bool {
        self.missing == 0
    }

    /// What has to be asked for.
    pub(super) fn missing(&self) -> Vec<Stretch> {
        let parts = self.layout.parts.iter().enumerate();
        let stretches = parts.flat_map(|(i, part)| Layout::stretches(i, part));
        let lacks = |s: &Stretch| {
            (s.group..s.group + u64::from(s.groups)).any(|group| !self.has(s.part as usize, group))
        };
        stretches.filter(lacks).collect()
    }

    /// Keeps verified bytes.
    pub(super) fn keep(&mut self, stretch: Stretch, leaves: &[(u64, Bytes)]) -> io::Result<()> {
        let index = stretch.part as usize;
        let offset = self.layout.parts[index].offset;
        for (at, bytes) in leaves {
            self.file.write_all_at(bytes, offset + at)?;
            self.unsaved_bytes += bytes.len() as u64;
        }
        for group in stretch.group..stretch.group + u64::from(stretch.groups) {
            if !self.has(index, group) {
                let (byte, bit) = bit(group);
                self.have[index][byte] |= bit;
                self.missing -= 1;
            }
        }
        if self.unsaved_bytes >= MAP_INTERVAL_BYTES {
            self.save()?;
        }
        Ok(())
    }

    /// Writes the map.
    pub(super) fn save(&mut self) -> io::Result<()> {
        self.unsaved_bytes = 0;
        let parts = self.layout.parts.iter().map(|part| (part.digest, part.length)).collect();
        let map = Map { version: MAP_VERSION, parts, have: self.have.clone() };
        write_whole(&map_path(&self.path), &retrace_ledger::encode(&map)).map_err(io::Error::other)
    }

    /// Hashes the whole file and makes it the blob; false if a crash left other bytes in it, and all begins anew.
    pub(super) fn finish(&mut self, blob: &Path) -> io::Result<bool> {
        for part in &self.layout.parts {
            if hash(&self.file, part)? != part.digest {
                self.have = self.layout.parts.iter().map(empty).collect();
                self.missing = self.count_missing();
                self.save()?;
                return Ok(false);
            }
        }
        self.file.sync_all()?;
        fs::rename(&self.path, blob)?;
        match fs::remove_file(map_path(&self.path)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(true),
        }
    }
}

/// Removes what nobody went on with for days.
pub(in super::super) fn sweep(folder: &Path) {
    let is_old = |entry: &fs::DirEntry| {
        let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        changed.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > KEPT)
    };
    let old = fs::read_dir(folder).into_iter().flatten().flatten().filter(is_old);
    for entry in old {
        tracing::info!(file = %entry.path().display(), "a partial blob is forgotten");
        if let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(%error, "it could not be removed");
        }
    }
}

fn hash(file: &File, part: &Part) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    let mut at = 0;
    while at < part.length {
        let most = usize::try_from(part.length - at).unwrap_or(usize::MAX).min(buffer.len());
        file.read_exact_at(&mut buffer[..most], part.offset + at)?;
        hasher.update(&buffer[..most]);
        at += most as u64;
    }
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::super::layout::Layout;
    use super::Partial;
    use bytes::Bytes;
    use std::os::unix::fs::FileExt;

    /// W-2.10: after a restart only what is missing is asked for, and a file that a crash damaged is no blob.
    #[test]
    fn a_restart_asks_only_for_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..400_000u32).map(|i| (i % 253) as u8).collect();
        let name = blake3::hash(&bytes).into();
        let layout = std::sync::Arc::new(Layout::bytes(name, bytes.len() as u64));
        let open = || Partial::open(folder.path(), &name, layout.clone()).unwrap();
        let leaf = |at: u64, length: u64| {
            vec![(at, Bytes::copy_from_slice(&bytes[at as usize..][..length as usize]))]
        };
        let mut partial = open();
        let all = partial.missing();
        assert_eq!(all.len(), 4);
        partial.keep(all[1], &leaf(131_072, 131_072)).unwrap();
        partial.save().unwrap();
        drop(partial);
        assert_eq!(Partial::remembered_length(folder.path(), &name), Some(400_000));
        let mut partial = open();
        assert_eq!(partial.missing(), [all[0], all[2], all[3]]);
        for stretch in [all[0], all[2], all[3]] {
            let at = stretch.group * 16_384;
            let length = (u64::from(stretch.groups) * 16_384).min(400_000 - at);
            partial.keep(stretch, &leaf(at, length)).unwrap();
        }
        assert!(partial.is_whole());
        let blob = folder.path().join("blob");
        partial.file.write_all_at(&[255], 200_000).unwrap();
        assert!(!partial.finish(&blob).unwrap() && !blob.exists());
        assert_eq!(partial.missing(), all);
        for stretch in all {
            let at = stretch.group * 16_384;
            let length = (u64::from(stretch.groups) * 16_384).min(400_000 - at);
            partial.keep(stretch, &leaf(at, length)).unwrap();
        }
        assert!(partial.finish(&blob).unwrap());
        assert_eq!(std::fs::read(&blob).unwrap(), bytes);
        assert_eq!(Partial::remembered_length(folder.path(), &name), None);
    }
}
