//! Where a step's time goes, row by row.

use crate::train::Session;
use retrace_model::op::{KINDS, Kind};
use retrace_model::program::{Program, Range, Row};
use retrace_model::{Engine, Observer, Words};
use std::time::{Duration, Instant};

/// Multiply-adds above which a product counts as large.
const LARGE: u64 = 1 << 26;

/// Takes the time since the last row.
struct Clock {
    last: Instant,
    rows: Vec<Duration>,
}

impl Observer for Clock {
    fn output(&mut self, _at: usize, _row: &Row, _words: &mut Words) {
        let now = Instant::now();
        self.rows.push(now - self.last);
        self.last = now;
    }
}

/// Times of a step's rows, each its fastest.
pub struct Rows {
    program: Program,
    fastest: Vec<Duration>,
}

/// Time of all rows of a kind.
pub struct Share {
    /// The op.
    pub kind: Kind,
    /// Rows of it.
    pub rows: usize,
    /// Their time.
    pub time: Duration,
}

impl Rows {
    /// Times the rows of `steps` steps. Rows that are seen whole are never fused: this is no plain step's time.
    pub fn measure(session: &mut Session<'_>, engine: Engine, steps: u32) -> Rows {
        session.set_engine(engine);
        let program = session.program().clone();
        let mut fastest = vec![Duration::MAX; program.rows.len()];
        for _ in 0..steps {
            let mut clock = Clock { last: Instant::now(), rows: Vec::with_capacity(program.rows.len()) };
            session.advance_watched(&mut clock);
            for (slot, time) in fastest.iter_mut().zip(clock.rows) {
                *slot = time.min(*slot);
            }
        }
        Rows { program, fastest }
    }

    /// Time of all rows.
    pub fn total(&self) -> Duration {
        self.fastest.iter().sum()
    }

    /// Times by op, longest first.
    pub fn shares(&self) -> Vec<Share> {
        let mut shares: Vec<Share> =
            KINDS.into_iter().map(|kind| Share { kind, rows: 0, time: Duration::ZERO }).collect();
        for (row, time) in self.program.rows.iter().zip(&self.fastest) {
            if let Some(share) = shares.iter_mut().find(|share| share.kind == row.kind) {
                share.rows += 1;
                share.time += *time;
            }
        }
        shares.retain(|share| share.rows > 0);
        shares.sort_by_key(|share| std::cmp::Reverse(share.time));
        shares
    }

    /// Multiply-adds of all products of a step.
    pub fn multiply_adds(&self) -> u64 {
        self.program.rows.iter().map(multiply_adds).sum()
    }

    /// Multiply-adds a second of the large products; none where there is none.
    pub fn large_products_a_second(&self) -> Option<f64> {
        let rows = self.program.rows.iter().zip(&self.fastest);
        let large = rows.filter(|(row, _)| row.range == Range::Full && multiply_adds(row) >= LARGE);
        let (work, time) = large
            .fold((0, Duration::ZERO), |(work, time), (row, took)| (work + multiply_adds(row), time + *took));
        (work > 0).then(|| work as f64 / time.as_secs_f64())
    }
}

/// Multiply-adds of a product; of a causal one, half of all.
fn multiply_adds(row: &Row) -> u64 {
    if row.kind != Kind::MatMul {
        return 0;
    }
    let all = row.elements() * u64::from(row.terms);
    if row.range == Range::Full && !row.masked { all } else { all / 2 }
}
