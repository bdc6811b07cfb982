//! Our side of the matrix products in `benches/peers`: `matmul_worker --threads N --backend NAME`.
//!
//! `product FORM M N K COUNT HEADS` computes HEADS products in one row and answers `{"seconds": ...}` for one time, the
//! mean of COUNT after a few untimed ones; `peak` answers `{"flops_per_second": ...}`, the most that this backend's
//! multiply-adds reach.
#![allow(clippy::disallowed_methods)] // a measurement reads the clock

use std::io::{BufRead, Write};
use std::time::Instant;

use retrace_model::op::Kind;
use retrace_model::program::{Home, Leaf, Operand, Program, Range, Row};
use retrace_model::{
    Engine, Inputs, StepId, StepScalars, Unobserved, Words, Workspace, execute_in, selftest,
};

#[path = "support/fma_peak.rs"]
mod fma_peak;
#[path = "support/options.rs"]
mod options;

/// `heads` products of m x k by k x n; the forms say which operand is stored transposed.
struct Product {
    program: Program,
    state: Vec<Words>,
}

impl Product {
    fn new(form: &str, [m, n, k]: [u64; 3], heads: u64) -> Product {
        let (a_row, a_term) = if form == "TN" { (1, m) } else { (k, 1) };
        let (b_column, b_term) = if form == "NT" { (k, 1) } else { (1, n) };
        let operand = |entry, length, strides, term_stride| Operand {
            leaf: Leaf::Pre(entry),
            length,
            offset: 0,
            strides,
            term_stride,
            lookup: None,
        };
        let row = Row {
            kind: Kind::MatMul,
            shape: [1, heads as u32, m as u32, n as u32],
            terms: k as u32,
            range: Range::Full,
            masked: false,
            start: None,
            operands: vec![
                operand(0, heads * m * k, [0, m * k, a_row, 0], a_term),
                operand(1, heads * k * n, [0, k * n, 0, b_column], b_term),
            ],
            scalars: Vec::new(),
            home: Home::Post(0),
        };
        let program = Program { rows: vec![row], trace_leaves: 0, post_entries: 1 };
        Product { program, state: vec![numbers(heads * m * k), numbers(heads * k * n)] }
    }

    /// Seconds of one run of the row, the mean of `count`.
    fn seconds(&self, engine: &Engine, workspace: &mut Workspace, count: u32) -> f64 {
        let scalars = StepScalars::new(&selftest::golden_spec(), StepId { round: 0, slot: 0, step: 0 });
        let inputs = Inputs { pre: &self.state, ..Inputs::default() };
        let start = Instant::now();
        for _ in 0..count {
            let outputs = execute_in(workspace, &self.program, inputs, &scalars, engine, &mut Unobserved);
            workspace.recycle(std::hint::black_box(outputs).post);
        }
        start.elapsed().as_secs_f64() / f64::from(count)
    }
}

/// Numbers of both signs below one half.
fn numbers(count: u64) -> Words {
    let draw = |i: u32| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5;
    (0..count as u32).map(|i| draw(i).to_bits()).collect()
}

fn main() {
    let engine = options::engine();
    let mut workspace = Workspace::default();
    let mut last = (String::new(), Product::new("NN", [1, 1, 1], 1));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the driver writes text");
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a size is a number");
        match words.first() {
            Some(&"peak") => println!("{{\"flops_per_second\": {:e}}}", fma_peak::measure(&engine)),
            Some(&"product") => {
                if last.0 != line {
                    let sizes = [number(2), number(3), number(4)];
                    last = (line.clone(), Product::new(words[1], sizes, number(6)));
                    last.1.seconds(&engine, &mut workspace, 1);
                }
                let count = number(5) as u32;
                last.1.seconds(&engine, &mut workspace, count / 4);
                println!("{{\"seconds\": {:e}}}", last.1.seconds(&engine, &mut workspace, count));
            }
            _ => panic!("`{line}` is neither `product FORM M N K COUNT HEADS` nor `peak`"),
        }
        std::io::stdout().flush().expect("the driver reads");
    }
}
