//! Who sees a run: every output whole and in order, or in parts from the threads that compute them (M-8.5).

use crate::execute::Words;
use crate::kernel::share;
use crate::program::Row;

/// Sees every output as it is written: tracing, and nothing else in an honest build.
pub trait Observer {
    /// Called once a row, in order, with the row's position and its output.
    fn output(&mut self, _at: usize, _row: &Row, _words: &mut Words) {}

    /// True for an observer that looks at nothing: then rows may go together (M-8.2), and `output` is not called.
    fn is_blind(&self) -> bool {
        false
    }

    /// Who takes the outputs in parts (M-8.5); then `output` is not called. The answer does not change.
    fn parts(&self) -> Option<&dyn Parts> {
        None
    }
}

/// Sees nothing.
pub struct Unobserved;
impl Observer for Unobserved {
    fn is_blind(&self) -> bool {
        true
    }
}

/// Elements that parts of an output are multiples of.
pub const PART_UNIT: usize = 256;

/// Sees outputs in parts: those of different rows in any order, and from several threads at once (M-8.5).
pub trait Parts: Sync {
    /// The elements from `first` on of row `at`'s output. Every element comes once; a part begins at a multiple of
    /// [`PART_UNIT`], and ends at one or with the output.
    fn part(&self, at: usize, first: usize, words: &[u32]);
}

/// What a run shows, which decides its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Nothing,
    Parts,
    Whole,
}

impl View {
    pub fn of(observer: &dyn Observer) -> View {
        match observer.parts() {
            _ if observer.is_blind() => View::Nothing,
            Some(_) => View::Parts,
            None => View::Whole,
        }
    }
}

/// Elements of a part at most, where the output's form allows: it is seen while it is in a core's own cache.
const PART: usize = 1 << 15;
/// Elements of an output that is not worth being seen in parts.
const SMALL: usize = 1 << 14;

/// A row before the one who takes parts; or before nobody.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    parts: Option<&'a dyn Parts>,
    at: usize,
}

impl<'a> Sight<'a> {
    /// Nobody's.
    pub const NONE: Sight<'static> = Sight { parts: None, at: 0 };

    /// Row `at`, seen by `parts`.
    pub fn new(parts: Option<&'a dyn Parts>, at: usize) -> Sight<'a> {
        Sight { parts, at }
    }

    /// The same observer's of the row `rows` later.
    pub fn later(self, rows: usize) -> Sight<'a> {
        Sight { at: self.at + rows, ..self }
    }

    /// Nobody's where an output of this length is better seen as a whole, when it is there.
    pub fn by_parts(self, elements: usize) -> Sight<'a> {
        if elements < SMALL { Sight { parts: None, ..self } } else { self }
    }

    /// True where somebody sees.
    pub fn is_open(self) -> bool {
        self.parts.is_some()
    }

    /// Shows a part.
    pub fn part(self, first: usize, elements: &[f32]) {
        if let Some(parts) = self.parts {
            parts.part(self.at, first, bytemuck::cast_slice(elements));
        }
    }

    /// Shows an output that is all there, on up to `threads` threads.
    pub fn whole(self, threads: usize, elements: &[f32]) {
        if self.parts.is_none() {
            return;
        }
        let count = elements.len().div_ceil(PART);
        share(threads, count, &|at| {
            let end = elements.len().min((at + 1) * PART);
            self.part(at * PART, &elements[at * PART..end]);
        });
    }

    /// How to cut `rows` lines for some threads, of which each takes about `share` at once: who sees the pieces, and the
    /// lines of each. Whole parts of lines of an odd length are many lines: where that would leave a thread without any,
    /// nobody sees them, and the output is better seen as a whole.
    pub fn cut(self, rows: usize, share: usize, columns: usize, threads: usize) -> (Sight<'a>, usize) {
        let piece = self.piece(share, columns);
        if rows.div_ceil(piece) < threads { (Sight { parts: None, ..self }, share) } else { (self, piece) }
    }

    /// Rows of a piece of work: `rows` where nobody sees it, else at most about as many, and whole parts.
    fn piece(self, rows: usize, columns: usize) -> usize {
        if self.parts.is_none() {
            return rows;
        }
        let rows = rows.min(PART.div_ceil(columns)).max(1);
        // The largest power of two elements that rows of this length can be multiples of: parts of such places are
        // whole subtrees of a digest.
        let units = (0..=PART.ilog2()).map(|bits| 1usize << bits).filter(|unit| *unit >= PART_UNIT);
        let needed = units.map(|unit| unit >> columns.trailing_zeros().min(unit.ilog2()));
        let least = PART_UNIT >> columns.trailing_zeros().min(PART_UNIT.ilog2());
        let step = needed.filter(|needed| *needed <= rows).max().unwrap_or(least);
        rows / step * step + if rows < step { step } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Deaf;
    impl Parts for Deaf {
        fn part(&self, _at: usize, _first: usize, _words: &[u32]) {}
    }

    /// M-8.5: pieces end at whole parts, and are near what was asked for where they can be.
    #[test]
    fn pieces_are_whole_parts() {
        let sight = Sight::new(Some(&Deaf), 0);
        for columns in [1, 2, 3, 15, 16, 48, 65, 250, 256, 257, 300, 768, 1000, 1024, 4096, 50_257, 100_000] {
            for rows in [1, 2, 7, 64, 100, 256, 1000, 5000] {
                let piece = sight.piece(rows, columns);
                assert!(
                    piece > 0 && (piece * columns).is_multiple_of(PART_UNIT),
                    "{rows} x {columns}: {piece}"
                );
                assert!(piece <= rows.max(PART_UNIT), "{rows} x {columns}: {piece}");
                assert_eq!(Sight::NONE.piece(rows, columns), rows);
            }
        }
        assert_eq!([sight.piece(256, 256), sight.piece(1000, 1024), sight.piece(500, 768)], [128, 32, 32]);
        assert_eq!(sight.piece(256, 1), 256);
    }
}
