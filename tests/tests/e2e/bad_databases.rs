//! "A damaged database never gives a wrong answer": refused by name, or a shorter history that is right (L-8.2).

use crate::subject::{Copy, Demo, SMALL, refused, shared, text};
use retrace_tests::{
    binary::Run,
    files::{below, copy},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Places to flip a bit at, in every file of the database.
const FLIPS: usize = 4;

/// All that an undamaged home says.
struct Whole {
    demo: Demo,
    show: Value,
    log: String,
}

impl Whole {
    /// An honest run: wherever its history is cut, what is left of it replays to the same bits.
    fn new() -> Whole {
        let demo = Demo::new(&[&SMALL[..], &["--honest"]].concat());
        let show = demo.retrace("show", &["--json"]).exits(0).json();
        let log = demo.retrace("log", &["--json"]).exits(0).stdout;
        Whole { demo, show, log }
    }

    fn height(&self) -> u64 {
        self.show["height"].as_u64().expect("a height")
    }

    /// Asks a damaged home for everything: each answer is a refusal by name, or right. Gives the height, if it is told.
    #[track_caller]
    fn check(&self, home: &Copy) -> Option<u64> {
        let log = home.retrace("log", &["--json"]);
        if answers(&log) {
            assert!(self.log.starts_with(&log.stdout), "another history: {log}");
        }
        let replay = home.retrace("replay", &["--all", "--json"]);
        // A history that was cut before its first round was over has nothing to replay, and says so.
        let has_round = !replay.stderr.contains("no round of this run is over");
        if has_round && answers(&replay) {
            assert_eq!(replay.json()["verdict"], "match", "{replay}");
        }
        let show = home.retrace("show", &["--json"]);
        let said = answers(&show).then(|| show.json())?;
        let height = said["height"].as_u64().expect("a height");
        assert!(height <= self.height(), "blocks that nobody made: {show}");
        assert!(height < self.height() || said == self.show, "another state: {show}");
        Some(height)
    }
}

/// True for an answer, false for a refusal by name; anything else fails.
#[track_caller]
fn answers(run: &Run) -> bool {
    if run.code != 0 {
        refused(run.clone(), "");
    }
    run.code == 0
}

/// The files of a home's database that hold anything.
fn files(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("db")).expect("a home has a database");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        paths.filter(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0)).collect();
    files.sort();
    files
}

/// The name of a database's file, as [`Copy::spoil`] takes it.
fn below_home(file: &Path) -> String {
    format!("db/{}", file.file_name().expect("a file has a name").to_string_lossy())
}

/// "One bit, in any file": manifest, log, tables and what is there for people alike.
#[test]
fn a_flipped_bit_gives_no_wrong_answer() {
    let whole = Whole::new();
    for file in files(&whole.demo.home()) {
        let name = below_home(&file);
        for flip in 0..FLIPS {
            let home = whole.demo.copy();
            let seed = format!("{} {flip}", name.trim_matches(|c: char| !c.is_ascii_alphabetic()));
            home.spoil(&name, |mut bytes| {
                let place = below(&seed, bytes.len());
                eprintln!("{name}: bit {flip} of byte {place} of {}", bytes.len());
                bytes[place] ^= 1 << flip;
                bytes
            });
            whole.check(&home);
        }
    }
}

/// "A process killed while it wrote leaves a torn tail": all whole blocks before it are read.
#[test]
fn a_torn_tail_is_no_damage() {
    let whole = Whole::new();
    let is_log = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "log");
    let newest =
        files(&whole.demo.home()).into_iter().rfind(is_log).expect("blocks lie in a write-ahead log");
    for torn in [1, 3, 64] {
        let home = whole.demo.copy();
        home.spoil(&below_home(&newest), |mut log| {
            log.truncate(log.len() - torn);
            log
        });
        let height = whole.check(&home).expect("a torn tail is no damage");
        assert_eq!(height, whole.height() - 1, "only the torn block is missing");
    }
    let home = whole.demo.copy();
    home.spoil(&below_home(&newest), |log| log[..log.len() / 2].to_vec());
    let height = whole.check(&home).expect("half of a log is the first half of the blocks");
    assert!(height > 0 && height < whole.height() - 1, "height {height}");
}

/// L-2.2: a database of another network under this home's name.
#[test]
fn a_foreign_database_is_refused() {
    let (home, other) = (shared().copy(), Demo::new(&[&SMALL[..], &["--seed", "77", "--honest"]].concat()));
    fs::remove_dir_all(home.path().join("db")).expect("a copy can be changed");
    copy(&other.home().join("db"), &home.path().join("db"));
    for command in [&["show"][..], &["log"], &["replay", "--all"]] {
        refused(home.retrace(command[0], &command[1..]), "cannot be opened");
    }
}

/// A home whose database is gone, or is no database, is not an empty history.
#[test]
fn what_is_no_database_is_refused() {
    let home = shared().copy();
    let database = home.path().join("db");
    fs::remove_dir_all(&database).expect("a copy can be changed");
    refused(home.retrace("log", &[]), &text(&database));
    fs::create_dir(&database).expect("a folder");
    refused(home.retrace("log", &[]), &text(&database));
    fs::write(database.join("CURRENT"), b"nothing of the kind\n").expect("a file");
    refused(home.retrace("log", &[]), &text(&database));
}
