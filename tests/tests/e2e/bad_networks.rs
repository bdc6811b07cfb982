//! "A node that cannot start says why": manifests, homes, genesis files and consent, with nothing left behind (W-4).

use crate::subject::{refused, refused_as_usage, text};
use retrace_tests::{binary::retrace, files::noise};
use std::fs;
use tempfile::TempDir;

/// Nodes that a run needs.
const NODES: &str = "[[node]]\nrole = \"validator\"\n[[node]]\nrole = \"trainer\"\n[[node]]\nrole = \"verifier\"\ncount = 2\n";

/// Starts a devnet that must not begin: its folder stays missing.
#[track_caller]
fn is_refused(manifest: &str, error: &str) {
    let folder = TempDir::new().expect("a temporary folder");
    let (path, home) = (folder.path().join("manifest.toml"), folder.path().join("devnet"));
    fs::write(&path, manifest).expect("a manifest");
    let run = retrace(&["devnet", "start", "--manifest", &text(&path), "--home", &text(&home)]);
    assert!(!home.exists(), "a refused devnet left a folder: {run}");
    refused(run, error);
}

#[test]
fn bad_manifests_are_named() {
    is_refused("", "there is no validator");
    is_refused("[[node]", "line 1");
    is_refused(&format!("{NODES}[netwrk]"), "there is no key netwrk");
    is_refused(&format!("{NODES}[run]\nround = 3"), "there is no key run.round");
    is_refused(&format!("{NODES}[run]\nverdicts = 3"), "3 are needed");
    is_refused(&format!("{NODES}[[node]]\nrole = \"verifier\"\nstrategy = \"stale-step\""), "does not train");
    is_refused(
        &format!("{NODES}[[perturb]]\nat = \"1s\"\nnode = \"x\"\naction = \"kill\""),
        "perturb[1].node",
    );
    is_refused(&format!("{NODES}[network]\nunbond = {{ seconds = 1 }}"), "stake unbonds in");
}

/// "`data` is published to every peer: said, and asked for": without a terminal to ask on, the answer is no.
#[test]
fn data_is_published_by_consent_only() {
    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("private.txt");
    fs::write(&data, "text that is nobody's business\n".repeat(5_000)).expect("a file");
    is_refused(&format!("{NODES}[run]\ndata = [{:?}]", text(&data)), "would become public");
}

#[test]
fn what_is_no_devnet_is_named() {
    let folder = TempDir::new().expect("a temporary folder");
    let home = text(folder.path());
    for command in ["stop", "clean", "status"] {
        refused(retrace(&["devnet", command, "--home", &home]), "devnet");
    }
    assert!(folder.path().is_dir(), "what is no devnet is not cleaned");
}

/// L-2.1, L-2.2: a network begins with a genesis that is one.
#[test]
fn bad_genesis_files_make_no_home() {
    let folder = TempDir::new().expect("a temporary folder");
    let (genesis, passphrase) = (folder.path().join("genesis.bin"), folder.path().join("passphrase"));
    fs::write(&passphrase, "secret\n").expect("a file");
    let home = folder.path().join("home");
    let init = || {
        let (home, genesis, passphrase) = (text(&home), text(&genesis), text(&passphrase));
        retrace(&["init", "--home", &home, "--genesis", &genesis, "--passphrase-file", &passphrase])
    };
    refused(init(), "genesis.bin");
    for bytes in [Vec::new(), noise("genesis", 500), vec![0; 2 << 20]] {
        fs::write(&genesis, bytes).expect("a file");
        refused(init(), "genesis.bin");
    }
    assert!(!home.exists(), "a refused init left a home");
    refused_as_usage(
        retrace(&["init", "--home", &text(&home), "--genesis", "x", "--role", "miner"]),
        "miner",
    );
}

#[test]
fn what_is_no_home_does_not_start() {
    let folder = TempDir::new().expect("a temporary folder");
    let home = text(folder.path());
    refused(retrace(&["start", "--home", &home]), "is no home");
    refused(retrace(&["stake", "show", "--home", &home]), "is no home");
    refused(retrace(&["keys", "show", "--home", &home]), "is no home");
}

/// Nobody answers at port 1: that is a failure of the work, not of the question.
#[test]
fn a_silent_node_is_named() {
    let place = ["--rpc", "http://127.0.0.1:1"];
    for command in [&["status"][..], &["runs"], &["log"], &["show"]] {
        let run = retrace(&[command, &place].concat()).exits(1);
        assert!(run.stderr.contains("error: ") && run.stderr.contains("127.0.0.1:1"), "{run}");
        assert!(run.stderr.contains("hint: ") && run.stdout.is_empty(), "{run}");
    }
    refused(retrace(&["status"]), "which node?");
    refused(retrace(&["status", "--rpc", "127.0.0.1:1:2"]), "127.0.0.1:1:2");
}
