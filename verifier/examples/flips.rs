//! Flips every byte of a bundle or contradiction in turn and judges each:
//! `cargo run -p retrace-verifier --example flips -- FILE`.

use retrace_verifier::evidence::{Kind, Unreadable, judge, judge_contradiction, read, read_contradiction};
use std::process::ExitCode;

fn is_proven(bytes: &[u8]) -> Result<bool, Unreadable> {
    match Kind::of(bytes)? {
        Kind::Contradiction => read_contradiction(bytes).map(|found| judge_contradiction(&found).is_ok()),
        // The ledger judges what its clock decided; here it is another kind than a bundle.
        Kind::Arithmetic | Kind::Clock => read(bytes).map(|bundle| judge(&bundle).is_ok()),
    }
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: flips FILE");
        return ExitCode::from(2);
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("error: {path}: {error}");
            return ExitCode::from(2);
        }
    };
    // Unreadable, disproven, proven.
    let mut counts = [0usize; 3];
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let answer = match is_proven(&flipped) {
            Err(_) => 0,
            Ok(false) => 1,
            Ok(true) => 2,
        };
        counts[answer] += 1;
    }
    println!(
        "{} bytes flipped: {} unreadable, {} disproven, {} proven",
        bytes.len(),
        counts[0],
        counts[1],
        counts[2]
    );
    ExitCode::from(u8::from(counts[2] > 0))
}
