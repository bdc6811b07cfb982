//! What disputes cost as tables for people: by size, and each op's judging transaction by size (V-4.10).

use super::{ROWS, Sizes};
use std::fmt;

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = self.by_size();
        writeln!(f, "The dearest dispute of each size: bytes, moves of a side, microseconds of judging")?;
        writeln!(
            f,
            "{:<5} {:>13} {:>7} {:>12} {:>7} {:>7} {:>7} {:>5} {:>5} {:>7}",
            "size", "parameters", "tokens", "tensors", "posted", "judging", "file", "moves", "us", "seconds"
        )?;
        for at in &sizes {
            writeln!(
                f,
                "{:<5} {:>13} {:>7} {:>12} {:>7} {:>7} {:>7} {:>5} {:>5} {:>7.1}",
                at.size,
                at.parameters,
                at.tokens,
                at.tensor_bytes,
                at.posted_bytes,
                at.judging_bytes,
                at.bundle_bytes,
                at.moves,
                at.judge_ns / 1_000,
                at.nanoseconds as f64 / 1e9,
            )?;
        }
        writeln!(f, "\nBytes of the judging transaction, by op")?;
        write!(f, "{:<20} {:<2}", "", "")?;
        sizes.iter().try_for_each(|at| write!(f, " {:>11}", format!("{}/{}", at.size, at.tokens)))?;
        for name in ROWS {
            write!(f, "\n{:<20} {:<2}", name, name.layout())?;
            let of_op = self.disputes.iter().filter(|d| d.name == name);
            of_op.map(|d| d.judging_bytes).try_for_each(|bytes| write!(f, " {bytes:>11}"))?;
        }
        writeln!(f)
    }
}
