//! The block log: appended, synced, and read back whole; a torn tail is what a killed process leaves.
//!
//! ```text
//! record = length (u32, little endian), complement of the length, canonical bytes of the block
//! ```
//!
//! The complement tells a damaged length from a torn tail: without it a flipped bit would hide all later blocks.

use super::{HomeError, disk};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Longest block with its signature.
const BLOCK_BYTES_MAX: usize = (1 << 20) + 4096;

pub(super) fn append(path: &Path, block: &[u8]) -> Result<(), HomeError> {
    let length = block.len() as u32;
    let mut record = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    record.extend(block);
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(disk(path))?;
    file.write_all(&record).map_err(disk(path))?;
    file.sync_data().map_err(disk(path))
}

pub(super) fn read(path: &Path) -> Result<Vec<Vec<u8>>, HomeError> {
    let log = match fs::read(path) {
        Ok(log) => log,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(HomeError::Disk { path: path.to_path_buf(), source }),
    };
    let mut rest = &log[..];
    let mut blocks = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, complement @ ..] = *head;
        let claimed = u32::from_le_bytes([a, b, c, d]);
        let length = claimed as usize;
        if length > BLOCK_BYTES_MAX || !claimed != u32::from_le_bytes(complement) {
            let what = format!("the length of block {} is not one", blocks.len() + 1);
            return Err(HomeError::Damaged { path: path.to_path_buf(), what });
        }
        let Some((bytes, after)) = after.split_at_checked(length) else { break };
        blocks.push(bytes.to_vec());
        rest = after;
    }
    Ok(blocks)
}
