//! "Training without any network": the same bits on every backend, from one process or several, as files that load again.

use crate::subject::text;
use retrace_model::{Backend, hub};
use retrace_tests::binary::{Run, command, retrace};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What a checkpoint's folder holds.
const FILES: [&str; 6] = [
    "config.json",
    "model.safetensors",
    "optimizer.safetensors",
    "retrace.json",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// A folder with a text of some 24 KiB that is easy to learn.
pub struct Room(TempDir);

impl Room {
    pub fn new() -> Room {
        let room = Room(TempDir::new().expect("a temporary folder"));
        let line =
            |n: usize| format!("{n} bottles stand on the wall, and {} stand on the floor.\n", 3 * n % 97);
        let text: String = (0..400).map(line).collect();
        std::fs::write(room.data(), text).expect("a file to train on");
        room
    }

    pub fn data(&self) -> PathBuf {
        self.at("text.txt")
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The arguments of a run of a model into `out`.
    pub fn arguments(&self, model: &str, steps: u32, out: &str) -> Vec<String> {
        let (data, out, steps) = (text(&self.data()), text(&self.at(out)), steps.to_string());
        let flags = [
            "train", "--local", "--json", "--model", model, "--data", &data, "--steps", &steps, "--out", &out,
        ];
        flags.map(String::from).to_vec()
    }

    #[track_caller]
    pub fn train(&self, model: &str, steps: u32, out: &str, more: &[&str]) -> Run {
        let mut arguments = self.arguments(model, steps, out);
        arguments.extend(more.iter().map(|flag| flag.to_string()));
        retrace(&arguments)
    }
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name} of {}: {error}", folder.display()))
}

#[track_caller]
fn number(said: &Value, key: &str) -> f64 {
    said[key].as_f64().unwrap_or_else(|| panic!("{key} is no number in {said}"))
}

#[track_caller]
fn are_equal(one: &Path, other: &Path) {
    for name in FILES {
        assert!(
            bytes(one, name) == bytes(other, name),
            "{name} differs in {} and {}",
            one.display(),
            other.display()
        );
    }
}

/// "Two runs with different backends and thread counts end in byte-identical `model.safetensors`."
#[test]
fn every_backend_and_thread_count_ends_in_the_same_bytes() {
    let room = Room::new();
    let mut said = Vec::new();
    for (backend, threads) in Backend::available().into_iter().zip(["1", "2", "3", "2"]) {
        let flags = ["--backend", backend.name(), "--threads", threads];
        let run = room.train("gpt-tiny", 3, backend.name(), &flags).exits(0).json();
        assert_eq!((&run["backend"], run["finished"] == true), (&Value::from(backend.name()), true));
        said.push(run);
    }
    assert!(said.len() >= 2, "nothing to compare");
    let first = Backend::available()[0].name();
    for (backend, run) in Backend::available().into_iter().zip(&said) {
        are_equal(&room.at(first), &room.at(backend.name()));
        assert_eq!(run["weights_blake3"], said[0]["weights_blake3"]);
        assert_eq!(run["state_root"], said[0]["state_root"]);
    }
    // What `b3sum` prints of the file.
    let weights = blake3::hash(&bytes(&room.at(first), "model.safetensors"));
    assert_eq!(said[0]["weights_blake3"], weights.to_hex().as_str());
    room.train("gpt-tiny", 3, "recomputed", &["--recompute"]).exits(0);
    are_equal(&room.at(first), &room.at("recomputed"));
    let other = room.train("gpt-tiny", 3, "other-seed", &["--seed", "2"]).exits(0).json();
    assert_ne!(other["weights_blake3"], said[0]["weights_blake3"], "the seed changes nothing");
}

/// "RETRACE_BACKEND to force one", and a flag is stronger.
#[test]
fn the_environment_chooses_a_backend() {
    let room = Room::new();
    let mut from = command(&room.arguments("mlp-tiny", 1, "one"));
    let output = from.env("RETRACE_BACKEND", "portable").output().expect("the binary ends");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["backend"], "portable");
    let mut from = command(&room.arguments("mlp-tiny", 1, "two"));
    let output = from.env("RETRACE_BACKEND", "abacus").output().expect("the binary ends");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("backend abacus is not one of"));
}

/// "The loss falls", for every family, and the checkpoint holds the model that was trained.
#[test]
fn every_family_learns_and_its_checkpoint_loads_again() {
    let room = Room::new();
    for model in ["gpt-tiny", "llama-tiny", "mlp-tiny"] {
        let run = room.train(model, 80, model, &["--eval-every", "40"]).exits(0);
        assert!(run.stderr.contains("held out"), "no look at the held-out text: {run}");
        let said = run.json();
        let (first, last) = (number(&said, "loss_first"), number(&said, "loss_last"));
        // Uniform bytes are 8 bits, and a fresh model knows no better.
        assert!(first > 7.0 && last < first - 1.5, "{model}: {first} to {last} bits a byte");
        let (held_out, unigram) = (number(&said, "held_out_bits"), number(&said, "unigram_bits"));
        assert!(
            held_out < 7.0 && unigram < 5.0,
            "{model}: {held_out} bits on held-out text, unigram {unigram}"
        );
        let folder = room.at(model);
        let loaded = hub::import(&bytes(&folder, "config.json"), &[&bytes(&folder, "model.safetensors")]);
        let (_, parameters) = loaded.expect("the checkpoint is a model");
        let elements: usize = parameters.iter().map(Vec::len).sum();
        assert_eq!(said["parameters"], elements);
        // Going on from it: it knows already what a fresh one had to learn.
        let onward = room.train(&text(&folder), 2, &format!("{model}-onward"), &[]).exits(0).json();
        let onward = number(&onward, "loss_first");
        assert!(onward < first - 1.0, "{model} begins at {onward} after {last}");
    }
}

/// "An interruption changes no bit": stopped, resumed and saved in between, or all at once.
#[test]
fn a_resumed_run_ends_in_the_bytes_of_an_uninterrupted_one() {
    let room = Room::new();
    for model in ["gpt-tiny", "llama-tiny", "mlp-tiny"] {
        let (whole, parts) = (format!("{model}-whole"), format!("{model}-parts"));
        let said = room.train(model, 9, &whole, &["--save-every", "0"]).exits(0).json();
        let stopped =
            room.train(model, 9, &parts, &["--stop-after", "4", "--save-every", "2"]).exits(0).json();
        assert_eq!((&stopped["step"], &stopped["finished"]), (&Value::from(4), &Value::from(false)));
        let folder = text(&room.at(&parts));
        let resume = ["train", "--local", "--json", "--resume", &folder];
        let early =
            retrace(&[&resume[..], &["--stop-after", "7", "--threads", "2"]].concat()).exits(0).json();
        assert_eq!(early["step"], 7);
        let resumed = retrace(&resume).exits(0).json();
        assert_eq!(resumed["loss_bits"], said["loss_bits"]);
        assert_eq!(resumed["held_out_bits"], said["held_out_bits"]);
        are_equal(&room.at(&whole), &room.at(&parts));
        let done = retrace(&resume);
        crate::subject::refused(done, "is at its last step, 9");
    }
}

/// "Ctrl-C saves and says how to go on."
#[test]
fn an_interrupt_saves_a_whole_checkpoint() {
    let room = Room::new();
    let steps = room.arguments("gpt-tiny", 1_000_000, "long");
    let mut child = command(&[&steps[..], &["--save-every".into(), "3".into()]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.ends_with("saved")), "no checkpoint in passing");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().expect("the binary ends").code(), Some(1));
    let folder = room.at("long");
    let hint = format!("retrace train --local --resume {}", folder.display());
    assert!(rest.iter().any(|line| line.contains(&hint)), "no hint in {rest:?}");
    let record: Value = serde_json::from_slice(&bytes(&folder, "retrace.json")).expect("a record");
    let next = record["step"].as_u64().expect("a step") + 1;
    let flags = ["train", "--local", "--json", "--resume", &text(&folder), "--stop-after", &next.to_string()];
    assert_eq!(retrace(&flags).exits(0).json()["step"], next);
    let beside = std::fs::read_dir(folder.parent().expect("a parent")).expect("a folder").count();
    assert_eq!(beside, 2, "something is left beside the checkpoint and the text");
}
