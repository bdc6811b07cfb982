//! Slices: some groups of a tree of bytes with the hashes that tie them to its root (W-2.10).

use super::super::limits::{GROUP_BYTES, GROUP_CHUNKS_LOG};
use super::super::wire::Stretch;
use super::layout::Part;
use bao_tree::io::BaoContentItem;
use bao_tree::io::outboard::PreOrderMemOutboard;
use bao_tree::io::sync::{DecodeResponseIter, ReadAt, Size, encode_ranges};
use bao_tree::{BaoTree, BlockSize, ChunkNum, ChunkRanges};
use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read};

/// Bytes that are not the part's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the slice does not verify")]
pub(super) struct SliceInvalid;

fn tree(length: u64) -> BaoTree {
    BaoTree::new(length, BlockSize::from_chunk_log(GROUP_CHUNKS_LOG))
}

/// The chunks of some groups. The last group's range has no end, so that the length is proved with it.
fn ranges(part_groups: u64, group: u64, groups: u32) -> ChunkRanges {
    let end = group.saturating_add(u64::from(groups));
    let chunk = |group: u64| ChunkNum(group << GROUP_CHUNKS_LOG);
    if end >= part_groups {
        ChunkRanges::from(chunk(group)..)
    } else {
        ChunkRanges::from(chunk(group)..chunk(end))
    }
}

/// Verifies a slice against a part; gives the bytes with their places in the part.
pub(super) fn decode(
    part: &Part,
    stretch: Stretch,
    encoded: &[u8],
) -> Result<Vec<(u64, Bytes)>, SliceInvalid> {
    let wanted = ranges(part.groups(), stretch.group, stretch.groups);
    let mut rest = encoded;
    let root = blake3::Hash::from_bytes(part.digest.0);
    let mut leaves = Vec::new();
    for item in DecodeResponseIter::new(root, tree(part.length), &mut rest, &wanted) {
        if let BaoContentItem::Leaf(leaf) = item.map_err(|_| SliceInvalid)? {
            leaves.push((leaf.offset, leaf.data));
        }
    }
    let is_whole = leaves.len() as u64 == u64::from(stretch.groups);
    if rest.is_empty() && is_whole { Ok(leaves) } else { Err(SliceInvalid) }
}

/// A part of a file, read as if it were alone.
struct Window<'a> {
    file: &'a File,
    offset: u64,
    length: u64,
}

impl ReadAt for Window<'_> {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(position);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        std::os::unix::fs::FileExt::read_at(self.file, &mut buffer[..most], self.offset + position)
    }
}

impl Size for Window<'_> {
    fn size(&self) -> io::Result<Option<u64>> {
        Ok(Some(self.length))
    }
}

/// The hashes of a part's tree, read through once.
pub(super) fn outboard(reader: impl Read, length: u64) -> io::Result<PreOrderMemOutboard> {
    let tree = tree(length);
    let size = usize::try_from(tree.outboard_size()).map_err(io::Error::other)?;
    let mut outboard =
        PreOrderMemOutboard { root: blake3::Hash::from_bytes([0; 32]), tree, data: vec![0; size] };
    outboard.root = bao_tree::io::sync::outboard(reader.take(length), tree, &mut outboard)?;
    Ok(outboard)
}

/// Makes a slice of a part of a file, which has these groups.
pub(super) fn encode(
    file: &File,
    part: &Part,
    outboard: &PreOrderMemOutboard,
    stretch: &Stretch,
) -> io::Result<Vec<u8>> {
    let mut encoded = Vec::with_capacity(stretch.groups as usize * GROUP_BYTES as usize + 2048);
    let window = Window { file, offset: part.offset, length: part.length };
    let wanted = ranges(part.groups(), stretch.group, stretch.groups);
    encode_ranges(window, outboard, &wanted, &mut encoded)?;
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::Stretch;
    use super::super::layout::{Layout, Part};
    use super::{SliceInvalid, decode, encode, outboard};
    use std::io::Write;

    fn file_of(length: usize) -> (std::fs::File, Vec<u8>, Part) {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[&[9; 12][..], &bytes].concat()).unwrap();
        let part = Part { digest: blake3::hash(&bytes).into(), length: length as u64, offset: 12 };
        (file, bytes, part)
    }

    /// W-2.10: all stretches of a part give its bytes back, for lengths on both sides of every border.
    #[test]
    fn slices_give_the_bytes_back() {
        for length in [0, 1, 1024, 1025, 16_384, 16_385, 131_072, 131_073, 500_000] {
            let (file, bytes, part) = file_of(length);
            let outboard = outboard(&bytes[..], part.length).unwrap();
            assert_eq!(outboard.root, blake3::hash(&bytes));
            let mut found = vec![0; length];
            for stretch in Layout::stretches(0, &part) {
                let slice = encode(&file, &part, &outboard, &stretch).unwrap();
                for (at, leaf) in decode(&part, stretch, &slice).unwrap() {
                    found[at as usize..][..leaf.len()].copy_from_slice(&leaf);
                }
            }
            assert_eq!(found, bytes, "{length}");
        }
    }

    /// W-2.10: any other byte, a missing end and bytes behind it are refused.
    #[test]
    fn other_bytes_do_not_verify() {
        let (file, bytes, part) = file_of(200_000);
        let outboard = outboard(&bytes[..], part.length).unwrap();
        let stretch = Stretch { part: 0, group: 8, groups: 4 };
        let slice = encode(&file, &part, &outboard, &stretch).unwrap();
        assert!(decode(&part, stretch, &slice).is_ok());
        for at in (0..slice.len()).step_by(997) {
            let mut wrong = slice.clone();
            wrong[at] ^= 1;
            assert_eq!(decode(&part, stretch, &wrong), Err(SliceInvalid), "byte {at}");
        }
        assert_eq!(decode(&part, stretch, &slice[..slice.len() - 1]), Err(SliceInvalid));
        assert_eq!(decode(&part, stretch, &[&slice[..], &[0]].concat()), Err(SliceInvalid));
        let elsewhere = Stretch { group: 4, ..stretch };
        assert_eq!(decode(&part, elsewhere, &slice), Err(SliceInvalid));
    }

    /// W-2.10: a length that somebody made up does not survive the last stretch.
    #[test]
    fn the_last_stretch_proves_the_length() {
        let (file, bytes, part) = file_of(200_000);
        let outboard = outboard(&bytes[..], part.length).unwrap();
        let last = Layout::last_stretch(&part);
        let slice = encode(&file, &part, &outboard, &last).unwrap();
        assert!(decode(&part, last, &slice).is_ok());
        for length in [199_999, 200_001, 196_608, 1 << 40] {
            let claimed = Part { length, ..part };
            assert_eq!(decode(&claimed, Layout::last_stretch(&claimed), &slice), Err(SliceInvalid));
        }
    }
}
