//! Runs of the demo as subjects: small ones, one that several tests share, and files to spoil.

use retrace_tests::{
    binary::{Run, retrace},
    files::copy,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tempfile::TempDir;

/// The smallest run that convicts for certain: every step is audited.
pub const SMALL: [&str; 8] = ["--preset", "tiny", "--rounds", "2", "--steps", "4", "--audit-rate", "1"];

/// A finished demo with its home; the home goes with it.
pub struct Demo {
    folder: TempDir,
    /// Its JSON.
    pub said: Value,
}

impl Demo {
    /// Runs a demo to its good end, in one process: what is proved here is not the network.
    #[track_caller]
    pub fn new(arguments: &[&str]) -> Demo {
        let folder = TempDir::new().expect("a temporary folder");
        let home = text(&folder.path().join("home"));
        let run =
            retrace(&[&["demo", "--in-process", "--json", "--home", &home], arguments].concat()).exits(0);
        assert_eq!(run.stdout.lines().count(), 1, "--json prints one line and nothing else: {run}");
        Demo { said: run.json(), folder }
    }

    /// A small demo with one liar, `NAME:STRATEGY`.
    #[track_caller]
    pub fn with_liar(liar: &str) -> Demo {
        Demo::new(&[&SMALL[..], &["--liar", liar]].concat())
    }

    /// Its home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path beside its home that nothing has taken.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `retrace COMMAND --home HOME ARGUMENTS`.
    #[track_caller]
    pub fn retrace(&self, command: &str, arguments: &[&str]) -> Run {
        let home = text(&self.home());
        retrace(&[&[command, "--home", &home], arguments].concat())
    }

    /// The bundle of its first conviction.
    #[track_caller]
    pub fn bundle(&self) -> PathBuf {
        PathBuf::from(self.said["evidence_file"].as_str().expect("somebody was convicted"))
    }

    /// The disputes that ended with a finding; others were overtaken by them.
    pub fn convictions(&self) -> Vec<&Value> {
        let all = self.said["disputes"].as_array().expect("a list of disputes");
        all.iter().filter(|dispute| !dispute["op"].is_null()).collect()
    }

    /// Asserts that exactly these peers were slashed, once each, and that none of them was honest.
    #[track_caller]
    pub fn slashes_only(&self, peers: &[&str]) {
        let slashed = self.said["slashed"].as_array().expect("a list of slashes");
        let names: Vec<_> = slashed.iter().map(|slash| slash["peer"].as_str().unwrap_or_default()).collect();
        assert_eq!(names, peers, "slashed: {slashed:?}");
        assert_eq!(self.said["honest_slashed"], 0);
    }

    /// A copy of its home, to be spoiled.
    pub fn copy(&self) -> Copy {
        let folder = TempDir::new().expect("a temporary folder");
        copy(&self.home(), folder.path());
        Copy(folder)
    }
}

/// A demo with `trainer-2` poisoning gradients, kept for as long as any test uses it.
pub fn shared() -> Arc<Demo> {
    static KEPT: Mutex<Weak<Demo>> = Mutex::new(Weak::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.upgrade().unwrap_or_else(|| {
        let demo = Arc::new(Demo::with_liar("trainer-2:poisoned-gradient"));
        *kept = Arc::downgrade(&demo);
        demo
    })
}

/// A home that a test may spoil.
pub struct Copy(TempDir);

impl Copy {
    /// Its folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Replaces a file of the home by what is made of it.
    pub fn spoil(&self, name: &str, spoiled: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let path = self.0.path().join(name);
        let bytes = fs::read(&path).expect("the home has this file");
        fs::write(&path, spoiled(bytes)).expect("a copy can be written");
    }

    /// Runs `retrace COMMAND --home HOME ARGUMENTS`.
    #[track_caller]
    pub fn retrace(&self, command: &str, arguments: &[&str]) -> Run {
        retrace(&[&[command, "--home", &text(self.0.path())], arguments].concat())
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.to_str().expect("temporary paths are text").to_string()
}

/// Refused as input: status 2, the error and a hint on standard error, nothing on standard output.
#[track_caller]
pub fn refused(run: Run, error: &str) {
    let run = refused_as_usage(run, error);
    assert!(run.stderr.lines().any(|line| line.starts_with("hint: ")), "no hint in {run}");
}

/// Refused by the parser of arguments: status 2 and the error; its own tip, or where to find help.
#[track_caller]
pub fn refused_as_usage(run: Run, error: &str) -> Run {
    let run = run.exits(2);
    let named = run.stderr.lines().any(|line| line.starts_with("error: ") && line.contains(error));
    assert!(named, "no `error: ... {error}` in {run}");
    let helps = ["hint: ", "  tip: ", "try '--help'"].iter().any(|help| run.stderr.contains(help));
    assert!(helps, "no help in {run}");
    assert!(run.stdout.is_empty(), "an answer in spite of the error: {run}");
    run
}
