//! "A home that is not what it says is refused by name" (L-1.4, L-2.2, V-1.1); its database has a file of its own.

use crate::subject::{Copy, SMALL, refused, shared, text};
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
    for form in [&["demo", "--in-process"][..], &["demo"]] {
        let home = text(folder.path());
        refused(retrace(&[form, &["--home", &home], &SMALL].concat()), "is not empty");
        assert_eq!(fs::read(&own).expect("the file is still there"), b"precious");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing was added");
    }
    let home = text(&own);
    refused(retrace(&[&["demo", "--in-process", "--home", &home], &SMALL[..]].concat()), "cannot use");
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
    for other in ["retrace home 2", "retrace home 4"] {
        home.spoil("FORMAT", |bytes| lines(bytes, |lines| lines[0] = other.into()));
        is_refused(&home, &format!("another format: it says {other:?}"));
    }
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

/// V-1.1: a blob is what its name says, or it is refused.
#[test]
fn a_flipped_shard_is_refused() {
    let home = shared().copy();
    let blobs: Vec<_> = fs::read_dir(home.path().join("blobs")).expect("blobs").collect();
    assert!(!blobs.is_empty(), "a home has shards");
    for blob in blobs.into_iter().map(|entry| entry.expect("an entry")) {
        home.spoil(&format!("blobs/{}", blob.file_name().to_string_lossy()), |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        });
    }
    refused(home.retrace("replay", &["--all"]), "holds other bytes than its name says");
    refused(home.retrace("replay", &["--step", "0.0.0"]), "holds other bytes than its name says");
}
