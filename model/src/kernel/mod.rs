//! Bodies that compute a row's output: the definition, and fast ones that must give the same bits.

pub(crate) mod attention;
mod chain;
mod element;
mod fast;
mod lanes;
mod lines;
mod micro;
mod pool;
mod product;
mod reference;
mod scratch;

use crate::observer::Sight;
use crate::op::{Form, Kind, OPERANDS_MAX, SCALARS_MAX};
use crate::program::{Range, Row};
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

/// Which body computes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// The definition, one element at a time.
    Reference,
    /// The fast body without vector instructions of its own: right, and slow where multiply-add is software, as on
    /// x86-64 and in WebAssembly.
    Portable,
    /// The fast body for NEON.
    Neon,
    /// The fast body for AVX2 with FMA.
    Avx2,
    /// The fast body for AVX-512F with VL and DQ.
    Avx512,
}

impl Backend {
    /// Backends that this machine can run, slowest first.
    pub fn available() -> Vec<Backend> {
        let mut found = vec![Backend::Reference, Backend::Portable];
        #[cfg(target_arch = "aarch64")]
        found.push(Backend::Neon);
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                found.push(Backend::Avx2);
            }
            let wide = std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512vl")
                && std::arch::is_x86_feature_detected!("avx512dq");
            if wide && found.contains(&Backend::Avx2) {
                found.push(Backend::Avx512);
            }
        }
        found
    }

    /// The fastest backend of this machine.
    pub fn best() -> Backend {
        Backend::available().last().copied().unwrap_or(Backend::Reference)
    }

    /// The name as flags spell it.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Reference => "reference",
            Backend::Portable => "portable",
            Backend::Neon => "neon",
            Backend::Avx2 => "avx2",
            Backend::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A backend name that is unknown, or that this machine cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("backend {name} is not one of: {}", available_names())]
pub struct UnknownBackend {
    /// What was asked for.
    pub name: String,
}

fn available_names() -> String {
    Backend::available().iter().map(|b| b.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Backend {
    type Err = UnknownBackend;
    fn from_str(name: &str) -> Result<Backend, UnknownBackend> {
        let found = Backend::available().into_iter().find(|b| b.name() == name);
        found.ok_or_else(|| UnknownBackend { name: name.to_string() })
    }
}

/// A backend and how many threads share each row; no choice changes a bit (M-1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    /// The body.
    pub backend: Backend,
    /// Threads, at least 1.
    pub threads: usize,
}

/// Calls `work` once for every part below `parts`, on up to `threads` threads of the engine, the caller being one of
/// them: for work of others between steps, such as digests. Within a row's work, or beside it, the caller does it all.
///
/// # Panics
/// When a part panics.
pub fn share(threads: usize, parts: usize, work: &(dyn Fn(usize) + Sync)) {
    pool::run(threads, parts, work);
}

/// What a row reads: one slice a leaf, scalars resolved.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    /// The operands' leaves, in row order.
    pub operands: [&'a [f32]; OPERANDS_MAX],
    /// The start value's leaf.
    pub start: &'a [f32],
    /// Scalars.
    pub scalars: [f32; SCALARS_MAX],
}

/// Multiply-adds below which a row is done before a second thread has started.
const THREAD_WORK_MIN: u64 = 1 << 18;
/// What an element of an element-wise op counts for, in multiply-adds.
const ELEMENT_WORK: u64 = 16;

/// Pieces a thread, so that the fastest one takes more of them.
const PIECES: usize = 4;

/// Computes one row into `out`, whose length is the row's element count, and shows it.
pub(crate) fn compute(engine: &Engine, row: &Row, sources: &Sources, out: &mut [f32], sight: Sight) {
    let parts = sight.by_parts(out.len());
    if !by_rows(engine, row, sources, out, parts) {
        sight.whole(engine.threads, out);
    }
}

/// Computes one row; true where that was by rows of the output, whose pieces were shown as they were there.
fn by_rows(engine: &Engine, row: &Row, sources: &Sources, out: &mut [f32], sight: Sight) -> bool {
    if engine.backend != Backend::Reference && product::is_product(row) {
        product::batch(engine, row, sources, out);
        return false;
    }
    let columns = row.shape[3] as usize;
    let rows = out.len() / columns;
    let work = row.elements() * if row.terms == 0 { ELEMENT_WORK } else { u64::from(row.terms) };
    let threads = if work < THREAD_WORK_MIN { 1 } else { engine.threads.clamp(1, rows.max(1)) };
    if threads == 1 && rows == 1 && engine.threads > 1 && work >= THREAD_WORK_MIN {
        by_columns(engine, row, sources, out);
        return false;
    }
    if threads == 1 && !sight.is_open() {
        compute_rows(engine.backend, row, sources, 0, out);
        return false;
    }
    let (sight, share) = sight.cut(rows, rows.div_ceil(threads * PIECES), columns, threads);
    let pieces: Vec<_> = out.chunks_mut(share * columns).map(Mutex::new).collect();
    pool::run(threads, pieces.len(), &|part| {
        // Each piece is taken once; the lock only hands it over.
        if let Ok(mut piece) = pieces[part].lock() {
            compute_rows(engine.backend, row, sources, part * share, &mut piece);
            sight.part(part * share * columns, &piece);
        }
    });
    sight.is_open()
}

/// Columns of a piece of a row's only output row.
const PIECE_COLUMNS: usize = 128;

/// Shares an output of one row by its columns: each piece is a row of the same kind whose views begin later.
fn by_columns(engine: &Engine, row: &Row, sources: &Sources, out: &mut [f32]) {
    let lookup = row.operands.iter().chain(&row.start).any(|operand| operand.lookup.is_some());
    let moves = matches!(row.range, Range::UpTo(3) | Range::From(3)) || row.masked;
    // An op that reads its index would see another one.
    if lookup || moves || row.kind.form() != Form::Chain || row.kind == Kind::EmbeddingBackward {
        return compute_rows(engine.backend, row, sources, 0, out);
    }
    let pieces: Vec<_> = out.chunks_mut(PIECE_COLUMNS).map(Mutex::new).collect();
    pool::run(engine.threads, pieces.len(), &|part| {
        let Ok(mut piece) = pieces[part].lock() else { return };
        let mut share = row.clone();
        share.shape[3] = piece.len() as u32;
        for operand in share.operands.iter_mut().chain(&mut share.start) {
            operand.offset += operand.strides[3] * (part * PIECE_COLUMNS) as u64;
        }
        compute_rows(engine.backend, &share, sources, 0, &mut piece);
    });
}

/// Computes the output rows from `first` on that fit into `out`.
fn compute_rows(backend: Backend, row: &Row, sources: &Sources, first: usize, out: &mut [f32]) {
    if backend == Backend::Reference {
        return reference::rows(row, sources, first, out);
    }
    fast::run(backend, fast::Rows { row, sources, first, out });
}
