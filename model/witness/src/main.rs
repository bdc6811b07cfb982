//! The witness as a program: checks the vectors in the files named, takes the golden steps, compares a sample of this
//! machine's operations with the referee's integers (M-1.5), exits 1 on a difference.

#[path = "../../tests/arithmetic_cases/mod.rs"]
mod arithmetic_cases;

use arithmetic_cases::sweep::parts;
use retrace_model::Words;
use retrace_model::selftest::goldens;
use retrace_witness::{Vector, Verdict, backend_names, check, engine};
use serde_json::Value;
use std::error::Error;
use std::process::ExitCode;

/// Random and boundary cases, each of all operations of both widths.
const CASES: u64 = 1_000_000;
/// Chains of accumulators.
const CHAINS: u64 = 10_000;
const SEED: u64 = 64;

fn main() -> ExitCode {
    let mut differences = 0;
    println!("backends {}", backend_names());
    for path in std::env::args().skip(1) {
        match check_file(&path) {
            Ok((count, lines)) => {
                lines.iter().for_each(|line| println!("different {line}"));
                println!("vectors {} of {count}", count - lines.len());
                differences += lines.len();
            }
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    for golden in goldens() {
        let hash = golden.hash_with(&engine());
        println!("{} {hash}", golden.name);
        differences += usize::from(hash != golden.hash);
    }
    for part in parts(CASES, CHAINS, true) {
        match (0..part.blocks()).find_map(|block| part.difference(block, SEED)) {
            None => println!("referee {} of {}", part.cases(), part.name()),
            Some(difference) => {
                println!("different {}: {difference}", part.name());
                differences += 1;
            }
        }
    }
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many vectors a file has, and a line for each that differs.
fn check_file(path: &str) -> Result<(usize, Vec<String>), Box<dyn Error>> {
    let list: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut different = Vec::new();
    for (at, value) in list.iter().enumerate() {
        let vector = read(value).ok_or_else(|| format!("vector {at} cannot be read"))?;
        if let Verdict::Differs(why) = check(&vector) {
            different.push(format!("{at}: {why}"));
        }
    }
    Ok((list.len(), different))
}

fn read(value: &Value) -> Option<Vector> {
    let row = unhex(value.get("row")?.as_str()?)?;
    let leaves: Option<Vec<_>> = value.get("leaves")?.as_array()?.iter().map(words).collect();
    Some(Vector { row: borsh::from_slice(&row).ok()?, leaves: leaves?, output: words(value.get("output")?)? })
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn words(text: &Value) -> Option<Words> {
    text.as_str()?.split_whitespace().map(|word| u32::from_str_radix(word, 16).ok()).collect()
}
