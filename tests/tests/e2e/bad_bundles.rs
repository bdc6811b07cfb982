//! "No bundle that was touched convicts": cut, empty, endless, random or flipped bytes (V-6.1, V-6.2).

use crate::subject::{refused, shared, text};
use retrace_tests::{
    binary::{Run, judge, retrace},
    files::{below, noise},
};
use std::{fs, path::Path};
use tempfile::TempDir;

/// Places to flip a bit at.
const FLIPS: usize = 60;
/// How many of them the other judge sees too: it takes half a second each.
const JUDGED: usize = 20;
/// Longest bundle.
const BUNDLE_BYTES_MAX: usize = 1 << 20;

fn verify(path: &Path) -> Run {
    retrace(&["evidence", "verify", &text(path)])
}

/// Both judges find no bundle in it: status 2.
#[track_caller]
fn is_unreadable(bytes: &[u8], error: &str) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("bundle");
    fs::write(&path, bytes).expect("a bundle");
    refused(verify(&path), error);
    let run = judge(&path);
    assert!(!run.stderr.contains("Traceback"), "{run}");
    run.exits(2);
}

#[test]
fn cut_bundles_are_unreadable() {
    let bytes = fs::read(shared().bundle()).expect("a bundle");
    for at in [1, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        is_unreadable(&bytes[..at], "bundle");
    }
}

#[test]
fn what_is_no_bundle_is_unreadable() {
    is_unreadable(b"", "the file is empty");
    is_unreadable(&noise("no bundle", 5_000), "bundle");
    is_unreadable(b"trainer-2 lied, believe me\n", "bundle");
}

/// A reader of other people's bytes takes no more of them than a bundle may have.
#[test]
fn endless_bundles_are_unreadable() {
    let mut bytes = fs::read(shared().bundle()).expect("a bundle");
    bytes.resize(BUNDLE_BYTES_MAX + 1, 0);
    is_unreadable(&bytes, "bundle");
    bytes.truncate(BUNDLE_BYTES_MAX);
    is_unreadable(&bytes, "bundle");
}

#[test]
fn a_missing_bundle_is_named() {
    let folder = TempDir::new().expect("a temporary folder");
    refused(verify(&folder.path().join("none")), "none");
    refused(verify(folder.path()), "cannot use");
}

/// One bit, anywhere: never "proven", and never a panic. The whole bundle is proven, so the test means something.
#[test]
fn flipped_bits_never_convict() {
    let demo = shared();
    let bytes = fs::read(demo.bundle()).expect("a bundle");
    verify(&demo.bundle()).exits(0);
    judge(&demo.bundle()).exits(0);
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("bundle");
    for flip in 0..FLIPS {
        let place = below(&format!("place {flip}"), bytes.len());
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (flip % 8);
        fs::write(&path, flipped).expect("a flipped bundle");
        let mut runs = vec![verify(&path)];
        runs.extend((flip < JUDGED).then(|| judge(&path)));
        for run in runs {
            assert!([1, 2].contains(&run.code), "bit {} of byte {place}: {run}", flip % 8);
            assert!(!run.stderr.contains("panicked") && !run.stderr.contains("Traceback"), "{run}");
        }
    }
}
