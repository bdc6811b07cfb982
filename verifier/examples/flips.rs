//! Flips every byte of a bundle in turn and judges each: `cargo run -p retrace-verifier --example flips -- FILE`.

use retrace_verifier::evidence::{judge, read};
use std::process::ExitCode;

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
        let answer = match read(&flipped).map(|bundle| judge(&bundle).is_ok()) {
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
