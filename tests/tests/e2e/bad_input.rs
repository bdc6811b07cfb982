//! "Bad input is answered, not punished": status 2, an error that names it, a hint, and never a panic.

use crate::subject::{refused, refused_as_usage, text};
use retrace_tests::{
    binary::{Run, retrace},
    files::noise,
};
use std::fs;
use tempfile::TempDir;

/// Runs a small demo that must not begin: its home stays missing.
#[track_caller]
fn demo(arguments: &[&str]) -> Run {
    let folder = TempDir::new().expect("a temporary folder");
    let home = folder.path().join("home");
    let small = ["--preset", "tiny", "--rounds", "1", "--steps", "4"];
    let run = retrace(&[&["demo", "--in-process", "--home", &text(&home)], &small[..], arguments].concat());
    assert!(!home.exists(), "a refused demo left a home: {run}");
    run
}

#[track_caller]
fn trained_on(bytes: &[u8]) -> Run {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("data.txt");
    fs::write(&path, bytes).expect("a file to train on");
    demo(&["--data", &text(&path)])
}

#[test]
fn data_that_cannot_be_read_is_named() {
    let folder = TempDir::new().expect("a temporary folder");
    refused(demo(&["--data", &text(&folder.path().join("missing.txt"))]), "missing.txt");
    // No permission stops a superuser, but nobody reads a file as if it were a folder.
    let file = folder.path().join("file");
    fs::write(&file, "text").expect("a file");
    refused(demo(&["--data", &text(&file.join("below"))]), "cannot read");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    refused(demo(&["--data", &text(&empty)]), "holds no text");
}

#[test]
fn data_that_is_no_text_is_refused() {
    refused(trained_on(b""), "holds no text");
    refused(trained_on(b"too short to hold anything out"), "has 30 bytes");
    let mut text = vec![b'a'; 200_000];
    text[150_000] = 0;
    refused(trained_on(&text), "byte 150000 is not UTF-8, or is a NUL");
    text[1_000] = 0xFF;
    refused(trained_on(&text), "is not text");
    refused(trained_on(&noise("binary", 200_000)), "is not text");
}

/// Clap's own tip is as good as a hint.
#[test]
fn unknown_flags_get_a_tip() {
    let run = refused_as_usage(demo(&["--sede", "7"]), "unexpected argument '--sede'");
    assert!(run.stderr.contains("tip: a similar argument exists: '--seed'"), "{run}");
    refused_as_usage(retrace(&["dmeo"]), "unrecognized subcommand 'dmeo'");
    refused_as_usage(demo(&["--honest", "--liar", "trainer-1"]), "cannot be used with");
}

#[test]
fn unknown_liars_are_refused() {
    let run = demo(&["--liar", "trainer-2:wrong-rat"]);
    assert!(run.stderr.contains("did you mean wrong-rate?"), "{run}");
    refused(run, "wrong-rat is no strategy");
    let run = demo(&["--liar", "trainer2:wrong-rate"]);
    assert!(run.stderr.contains("did you mean trainer-2?"), "{run}");
    refused(run, "trainer2 is no trainer");
    refused(demo(&["--liar", "verifier-1:wrong-rate"]), "verifier-1 is no trainer");
    refused(demo(&["--liar", "trainer-1:"]), "is no strategy");
    refused(demo(&["--liar", ""]), "is no trainer");
}

#[test]
fn numbers_out_of_range_are_refused() {
    for rate in ["1.5", "-0.5", "nan", "inf", "most", ""] {
        refused_as_usage(demo(&[&format!("--audit-rate={rate}")]), "--audit-rate");
    }
    for (flag, value) in [
        ("--rounds", "0"),
        ("--rounds", "1001"),
        ("--steps", "3"),
        ("--steps", "18446744073709551616"),
        ("--seed", "-1"),
        ("--seed", "x"),
        ("--preset", "huge"),
        ("--backend", "abacus"),
        ("--threads", "0"),
        ("--threads", "65"),
    ] {
        // A flag that the small demo sets already may not be given twice, so these stand alone.
        refused_as_usage(retrace(&["demo", &format!("{flag}={value}")]), flag);
    }
}
