//! "Bad input is answered": training that cannot begin says why, what helps, and touches nothing.

use crate::subject::{refused, refused_as_usage, text};
use crate::training::Room;
use retrace_tests::binary::{Run, retrace};
use std::fs;

#[track_caller]
fn train(room: &Room, model: &str, more: &[&str]) -> Run {
    let run = room.train(model, 2, "refused", more);
    assert!(!room.at("refused").exists(), "a refused run left a checkpoint: {run}");
    run
}

#[test]
fn a_network_is_not_meant() {
    let run = retrace(&["train", "--model", "gpt-tiny", "--data", "x", "--steps", "1"]);
    assert!(run.stderr.contains("retrace start --role trainer"), "{run}");
    refused(run, "trains on this machine alone");
}

#[test]
fn models_that_are_none() {
    let room = Room::new();
    let run = train(&room, "gpt-smal", &[]);
    assert!(run.stderr.contains("did you mean gpt-small?"), "{run}");
    refused(run, "gpt-smal is no model");
    // A folder without a model, and one with a damaged one.
    let folder = room.at("model");
    fs::create_dir(&folder).expect("a folder");
    refused(train(&room, &text(&folder), &[]), "config.json");
    room.train("gpt-tiny", 1, "good", &[]).exits(0);
    let config = fs::read(room.at("good").join("config.json")).expect("a configuration");
    fs::write(folder.join("config.json"), config).expect("a file");
    fs::write(folder.join("model.safetensors"), [255; 64]).expect("a file");
    refused(train(&room, &text(&folder), &[]), "the header says it has");
}

#[test]
fn data_that_cannot_be_trained_on() {
    let room = Room::new();
    let instead = |bytes: &[u8]| fs::write(room.data(), bytes).expect("a file");
    instead(&[b'a'; 32]);
    refused(train(&room, "gpt-tiny", &[]), "has 32 tokens; one sequence of this model needs 33");
    instead(b"");
    refused(train(&room, "gpt-tiny", &[]), "has 0 tokens");
    // Exactly one sequence is enough, and nothing of it can be held out.
    instead(&[b'a'; 33]);
    let said = room.train("gpt-tiny", 1, "one", &[]).exits(0).json();
    assert!(said["held_out_bits"].is_null());
    instead(&[1, 0, 0, 9, 1, 0]);
    refused(train(&room, "gpt-tiny", &["--ids", "u32"]), "holds no token ids of this model");
    fs::remove_file(room.data()).expect("the file was there");
    refused(train(&room, "gpt-tiny", &[]), "text.txt");
}

#[test]
fn flags_out_of_range() {
    let room = Room::new();
    for (flag, value) in [
        ("--backend", "abacus"),
        ("--threads", "0"),
        ("--batch", "0"),
        ("--learning-rate", "nan"),
        ("--learning-rate", "0"),
        ("--eval-every", "0"),
        ("--seed", "-1"),
    ] {
        refused_as_usage(train(&room, "gpt-tiny", &[&format!("{flag}={value}")]), flag);
    }
    let usage = ["train", "--local", "--model", "gpt-tiny", "--steps", "1"];
    assert!(retrace(&usage).exits(2).stderr.contains("--data"));
    refused_as_usage(retrace(&["train", "--local", "--resume", "x", "--seed", "2"]), "cannot be used with");
}

#[test]
fn places_that_are_taken() {
    let room = Room::new();
    fs::create_dir(room.at("taken")).expect("a folder");
    fs::write(room.at("taken").join("note"), "mine").expect("a file");
    refused(room.train("gpt-tiny", 1, "taken", &[]), "is not empty");
    assert_eq!(fs::read_to_string(room.at("taken").join("note")).expect("the note"), "mine");
}

#[test]
fn checkpoints_that_cannot_be_resumed() {
    let room = Room::new();
    let resume = |more: &[&str]| {
        let folder = text(&room.at("run"));
        retrace(&[&["train", "--local", "--resume", &folder], more].concat())
    };
    refused(resume(&[]), "is no checkpoint to resume");
    room.train("gpt-tiny", 4, "run", &["--stop-after", "2"]).exits(0);
    let kept = |name: &str| room.at("run").join(name);
    // Other data.
    let other = room.at("other.txt");
    fs::write(&other, "something else entirely ".repeat(20)).expect("a file");
    refused(resume(&["--data", &text(&other)]), "is not the file that this checkpoint was trained on");
    // One bit of the optimizer's state.
    let path = kept("optimizer.safetensors");
    let good = fs::read(&path).expect("the optimizer");
    let mut bad = good.clone();
    *bad.last_mut().expect("bytes") ^= 1;
    fs::write(&path, bad).expect("a file");
    refused(resume(&[]), "is damaged: its state hashes to");
    fs::write(&path, good).expect("a file");
    // A record that says nothing.
    let path = kept("retrace.json");
    let good = fs::read_to_string(&path).expect("the record");
    fs::write(&path, "{}").expect("a file");
    refused(resume(&[]), "is no checkpoint to resume");
    fs::write(&path, good.replace("\"format\": 1", "\"format\": 2")).expect("a file");
    refused(resume(&[]), "it is of format 2");
    fs::write(&path, good).expect("a file");
    resume(&[]).exits(0);
}
