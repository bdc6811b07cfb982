//! Blocks that are proposed and not decided, on disk before anybody hears that we have them (W-1.4).
//!
//! ```text
//! proposals/<height>.<block id>.block          a block that was proposed to us
//! proposals/<height>.<block id>.<round>.own    the block we answered with when asked for one in this round
//! ```

use super::disk;
use retrace_ledger::limits::BLOCK_BYTES_MAX;
use retrace_ledger::{Block, CheckedBlock, decode, encode};
use retrace_verifier::digest::Digest;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The blocks of heights that are not decided.
pub struct Kept {
    folder: PathBuf,
    blocks: BTreeMap<(u64, Digest), Arc<CheckedBlock>>,
    own: BTreeMap<(u64, u32), Digest>,
}

impl Kept {
    /// Opens the folder, or makes one. Decided heights and files that are no blocks are removed.
    pub fn open(folder: &Path, decided: u64) -> io::Result<Kept> {
        fs::create_dir_all(folder)?;
        let mut kept = Kept { folder: folder.to_path_buf(), blocks: BTreeMap::new(), own: BTreeMap::new() };
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !kept.load(&path, decided) {
                fs::remove_file(&path)?;
            }
        }
        Ok(kept)
    }

    fn load(&mut self, path: &Path, decided: u64) -> bool {
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(Name::parse) else {
            return false;
        };
        if name.height <= decided {
            return false;
        }
        let Some(block) = read(path).filter(|block| block.id() == name.id) else { return false };
        if block.header().height.0 != name.height {
            return false;
        }
        if let Some(round) = name.round {
            self.own.insert((name.height, round), name.id);
        }
        self.blocks.insert((name.height, name.id), Arc::new(block));
        true
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The block with this id.
    pub fn block(&self, height: u64, id: &Digest) -> Option<Arc<CheckedBlock>> {
        self.blocks.get(&(height, *id)).cloned()
    }

    /// All blocks of a height.
    pub fn at(&self, height: u64) -> impl Iterator<Item = &Arc<CheckedBlock>> {
        self.blocks.range((height, Digest([0; 32]))..=(height, Digest([255; 32]))).map(|(_, block)| block)
    }

    /// What we answered when asked for a block in this round.
    pub fn answer(&self, height: u64, round: u32) -> Option<Arc<CheckedBlock>> {
        self.own.get(&(height, round)).and_then(|id| self.block(height, id))
    }

    /// Keeps a block that was proposed to us; it is on disk when this returns.
    pub fn keep(&mut self, block: CheckedBlock) -> io::Result<Arc<CheckedBlock>> {
        self.write(block, None)
    }

    /// Keeps our answer for a round; it is on disk when this returns.
    pub fn keep_answer(&mut self, round: u32, block: CheckedBlock) -> io::Result<Arc<CheckedBlock>> {
        self.write(block, Some(round))
    }

    fn write(&mut self, block: CheckedBlock, round: Option<u32>) -> io::Result<Arc<CheckedBlock>> {
        let (height, id) = (block.header().height.0, block.id());
        let name = Name { height, id, round };
        disk::replace(&self.folder.join(name.text()), &encode(&block.wire()))?;
        if let Some(round) = round {
            self.own.insert((height, round), id);
        }
        let block = Arc::new(block);
        self.blocks.insert((height, id), block.clone());
        Ok(block)
    }

    /// Forgets all heights up to this one. A file that cannot be removed now is removed when the folder is opened.
    pub fn forget(&mut self, decided: u64) {
        let later = self.blocks.split_off(&(decided.saturating_add(1), Digest([0; 32])));
        let own_later = self.own.split_off(&(decided.saturating_add(1), 0));
        let blocks = std::mem::replace(&mut self.blocks, later);
        let own = std::mem::replace(&mut self.own, own_later);
        let names = blocks.into_keys().map(|(height, id)| Name { height, id, round: None });
        let own = own.into_iter().map(|((height, round), id)| Name { height, id, round: Some(round) });
        for name in names.chain(own) {
            drop(fs::remove_file(self.folder.join(name.text())));
        }
    }
}

fn read(path: &Path) -> Option<CheckedBlock> {
    let is_possible = fs::metadata(path).ok()?.len() <= BLOCK_BYTES_MAX as u64;
    let bytes = is_possible.then(|| fs::read(path).ok()).flatten()?;
    CheckedBlock::check(decode::<Block>(&bytes, BLOCK_BYTES_MAX).ok()?).ok()
}

/// The name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    height: u64,
    id: Digest,
    round: Option<u32>,
}

impl Name {
    fn text(&self) -> String {
        match self.round {
            Some(round) => format!("{:016x}.{}.{round:08x}.own", self.height, self.id),
            None => format!("{:016x}.{}.block", self.height, self.id),
        }
    }

    fn parse(text: &str) -> Option<Name> {
        let parts: Vec<&str> = text.split('.').collect();
        let (height, id) = (parts.first()?, parts.get(1)?);
        let round = match parts[2..] {
            ["block"] => None,
            [round, "own"] => Some(u32::from_str_radix(round, 16).ok()?),
            _ => return None,
        };
        let height = u64::from_str_radix(height, 16).ok()?;
        Some(Name { height, id: id.parse().ok()?, round })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::network::Net;
    use super::*;

    /// W-1.4: a kept block, and which one answered a round, survive the process; decided heights do not.
    #[test]
    fn kept_blocks_survive() {
        let folder = tempfile::tempdir().unwrap();
        let net = Net::new(1);
        let (first, second) = (net.block(0, 1), net.block(0, 2));
        let mut kept = Kept::open(folder.path(), 0).unwrap();
        kept.keep(first.clone()).unwrap();
        kept.keep_answer(3, second.clone()).unwrap();
        for kept in [kept, Kept::open(folder.path(), 0).unwrap()] {
            assert_eq!(kept.block(1, &first.id()).as_deref(), Some(&first));
            assert_eq!(kept.answer(1, 3).as_deref(), Some(&second));
            assert_eq!((kept.answer(1, 2), kept.at(1).count(), kept.at(2).count()), (None, 2, 0));
        }
        let mut kept = Kept::open(folder.path(), 0).unwrap();
        kept.forget(1);
        assert_eq!(kept.at(1).count(), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn other_files_are_removed_and_names_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let net = Net::new(1);
        let mut kept = Kept::open(folder.path(), 0).unwrap();
        kept.keep(net.block(0, 1)).unwrap();
        fs::write(folder.path().join("0000000000000001.zz.block"), b"?").unwrap();
        let wrong = Name { height: 1, id: Digest([3; 32]), round: Some(7) };
        fs::write(folder.path().join(wrong.text()), b"no block").unwrap();
        assert_eq!(Name::parse(&wrong.text()), Some(wrong));
        assert_eq!(Kept::open(folder.path(), 0).unwrap().at(1).count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(Kept::open(folder.path(), 1).unwrap().at(1).count(), 0);
    }
}
