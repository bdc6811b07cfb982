//! The block log: appended, synced, and read back whole; a torn tail is what a killed process leaves.

use super::{HomeError, disk};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Longest block with its signature.
const BLOCK_BYTES_MAX: usize = (1 << 20) + 4096;

pub(super) fn append(path: &Path, block: &[u8]) -> Result<(), HomeError> {
    let mut record = (block.len() as u32).to_le_bytes().to_vec();
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
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        if length > BLOCK_BYTES_MAX {
            let what = format!("block {} claims {length} bytes", blocks.len() + 1);
            return Err(HomeError::Damaged { path: path.to_path_buf(), what });
        }
        let Some((bytes, after)) = after.split_at_checked(length) else { break };
        blocks.push(bytes.to_vec());
        rest = after;
    }
    Ok(blocks)
}
