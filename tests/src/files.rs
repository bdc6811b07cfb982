//! Folders to spoil, and bytes and places that every run of a test sees alike.

use std::{fs, path::Path};

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder for the copy");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).expect("a copy") }
    }
}

/// Pseudo-random bytes that every run of a test sees alike: BLAKE3's output stream.
pub fn noise(seed: &str, bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    blake3::Hasher::new_derive_key("retrace tests noise")
        .update(seed.as_bytes())
        .finalize_xof()
        .fill(&mut noise);
    noise
}

/// A pseudo-random number below `limit`.
pub fn below(seed: &str, limit: usize) -> usize {
    let word = noise(seed, 8).try_into().expect("eight bytes");
    (u64::from_le_bytes(word) % limit as u64) as usize
}
