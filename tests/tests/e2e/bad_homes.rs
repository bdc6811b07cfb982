//! "A home that is not what it says is refused by name", and one that a killed process left is not (L-1.4, L-8.2).

use crate::subject::{Copy, SMALL, below, refused, shared, text};
use retrace_tests::binary::retrace;
use std::fs;
use tempfile::TempDir;

/// Every command that reads a home refuses it alike.
#[track_caller]
fn is_refused(home: &Copy, error: &str) {
    refused(home.retrace("show", &[]), error);
    refused(home.retrace("log", &["--json"]), error);
    refused(home.retrace("replay", &["--all"]), error);
}

fn lines(bytes: Vec<u8>, edit: impl FnOnce(&mut Vec<String>)) -> Vec<u8> {
    let text = String::from_utf8(bytes).expect("FORMAT is text");
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    edit(&mut lines);
    lines.join("\n").into_bytes()
}

/// "Nothing of anybody's is touched": a folder with something in it is no new home.
#[test]
fn a_full_folder_is_left_alone() {
    let folder = TempDir::new().expect("a temporary folder");
    let own = folder.path().join("my own file");
    fs::write(&own, "precious").expect("a file");
    refused(retrace(&[&["demo", "--home", &text(folder.path())], &SMALL[..]].concat()), "is not empty");
    assert_eq!(fs::read(&own).expect("the file is still there"), b"precious");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing was added");
    refused(retrace(&[&["demo", "--home", &text(&own)], &SMALL[..]].concat()), "cannot use");
}

#[test]
fn a_folder_that_is_no_home_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    for path in [folder.path().to_path_buf(), folder.path().join("missing")] {
        refused(retrace(&["show", "--home", &text(&path)]), "is no home");
    }
}

/// "Old formats are refused by name, never migrated."
#[test]
fn another_format_is_refused() {
    let home = shared().copy();
    home.spoil("FORMAT", |bytes| lines(bytes, |lines| lines[0] = "retrace home 0".into()));
    is_refused(&home, "another format: it says \"retrace home 0\"");
    home.spoil("FORMAT", |_| vec![0xFF; 64]);
    is_refused(&home, "another format");
    home.spoil("FORMAT", |_| Vec::new());
    is_refused(&home, "another format");
}

/// L-2.2: a network is the hash of its genesis.
#[test]
fn another_network_is_refused() {
    let home = shared().copy();
    home.spoil("FORMAT", |bytes| lines(bytes, |lines| lines[1] = "00".repeat(32)));
    is_refused(&home, "says it is of network 0000");
    let home = shared().copy();
    home.spoil("genesis.bin", |mut bytes| {
        bytes[50] ^= 1;
        bytes
    });
    is_refused(&home, "its genesis is of network");
    home.spoil("genesis.bin", |_| b"no genesis".to_vec());
    is_refused(&home, "genesis.bin is damaged");
}

/// Where the records of a block log begin, and how long their blocks are.
fn records(log: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(length) = log[at..].first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        found.push((at, length));
        at += 8 + length;
    }
    found
}

/// L-3.1: a block with a flipped bit, anywhere in it, is not the block that was signed.
#[test]
fn a_flipped_block_is_refused() {
    let demo = shared();
    for flip in 0..6 {
        let home = demo.copy();
        home.spoil("blocks.log", |mut log| {
            let records = records(&log);
            let (at, length) = records[records.len() / 2];
            log[at + 8 + below(&format!("flip {flip}"), length)] ^= 1 << flip;
            log
        });
        refused(home.retrace("log", &[]), "blocks.log is damaged");
    }
}

/// A record whose length lies is damage in the middle, however long it claims to be: what follows it is no torn tail.
#[test]
fn a_flipped_length_is_refused() {
    let demo = shared();
    for bit in 0..64 {
        let home = demo.copy();
        home.spoil("blocks.log", |mut log| {
            let records = records(&log);
            log[records[records.len() / 2].0 + bit / 8] ^= 1 << (bit % 8);
            log
        });
        let run = home.retrace("log", &[]);
        assert_eq!(run.code, 2, "bit {bit} of a length flipped, and half of the blocks are gone unnoticed");
        refused(run, "blocks.log is damaged");
    }
}

/// "A process killed while it wrote leaves a torn tail": all whole blocks before it are read.
#[test]
fn a_torn_tail_is_no_damage() {
    let demo = shared();
    let whole = demo.retrace("show", &["--json"]).exits(0).json();
    let height = whole["height"].as_u64().expect("a height");
    for torn in [1, 3, 64] {
        let home = demo.copy();
        home.spoil("blocks.log", |mut log| {
            log.truncate(log.len() - torn);
            log
        });
        let said = home.retrace("show", &["--json"]).exits(0).json();
        assert_eq!(said["height"], height - 1, "only the torn block is missing");
        let replay = home.retrace("replay", &["--all", "--json"]).exits(0).json();
        assert_eq!(replay["verdict"], "match");
    }
}

/// V-1.1: a blob is what its name says, or it is refused.
#[test]
fn a_flipped_shard_is_refused() {
    let home = shared().copy();
    let blobs = fs::read_dir(shared().home().join("blobs")).expect("blobs");
    for blob in blobs.map(|entry| entry.expect("an entry")) {
        home.spoil(&format!("blobs/{}", blob.file_name().to_string_lossy()), |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        });
    }
    refused(home.retrace("replay", &["--all"]), "holds other bytes than its name says");
    refused(home.retrace("replay", &["--step", "0.0.0"]), "holds other bytes than its name says");
}
