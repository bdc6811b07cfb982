//! Compares the integer referee with this machine's floating-point unit on many cases (M-1.5).
//!
//! `softfloat [CASES] [SEED]`: exits with 1 at the first difference. A case is every operation of both
//! widths on drawn operands.

#[path = "../tests/arithmetic_cases/mod.rs"]
mod arithmetic_cases;

use std::process::ExitCode;

use arithmetic_cases::{Generator, random_difference};

const DEFAULT_CASES: u64 = 1_000_000_000;
const PROGRESS_EVERY: u64 = 10_000_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Ok(cases), Ok(seed)) =
        (arguments.next().unwrap_or(Ok(DEFAULT_CASES)), arguments.next().unwrap_or(Ok(0)))
    else {
        eprintln!("usage: softfloat [CASES] [SEED]");
        return ExitCode::from(2);
    };
    let mut draw = Generator(seed);
    for case in 1..=cases {
        if let Some(difference) = random_difference(&mut draw) {
            eprintln!("case {case} of seed {seed}: {difference}");
            return ExitCode::FAILURE;
        }
        if case % PROGRESS_EVERY == 0 {
            println!("{case} of {cases} cases agree");
        }
    }
    println!("{cases} cases agree (seed {seed})");
    ExitCode::SUCCESS
}
