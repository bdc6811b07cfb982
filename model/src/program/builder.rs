//! Appends rows and hands out the leaves that later rows read.

use super::row::{Home, Leaf, Lookup, Operand, Range, Row, Scalar};
use crate::op::Kind;

/// A leaf with its element count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub leaf: Leaf,
    pub length: u64,
}

impl Value {
    /// A view with these strides, from the first element.
    pub fn view(self, strides: [u64; 4], term_stride: u64) -> Operand {
        Operand { leaf: self.leaf, length: self.length, offset: 0, strides, term_stride, lookup: None }
    }

    /// The one element of a scalar, for every index.
    pub fn everywhere(self) -> Operand {
        self.view([0; 4], 0)
    }
}

impl Operand {
    /// The same view from another first element.
    pub(crate) fn from(mut self, offset: u64) -> Operand {
        self.offset = offset;
        self
    }

    /// The same view, moved by the row that an earlier operand's id names.
    pub(crate) fn by(mut self, operand: u8, stride: u64, bound: u32) -> Operand {
        self.lookup = Some(Lookup { operand, stride, bound });
        self
    }
}

/// A row under construction: everything but its home.
pub(crate) struct Draft(Row);

impl Draft {
    pub fn new(kind: Kind, shape: [u32; 4], operands: Vec<Operand>) -> Draft {
        let home = Home::Trace(0);
        let (terms, range, masked, start, scalars) = (0, Range::Full, false, None, Vec::new());
        Draft(Row { kind, shape, terms, range, masked, start, operands, scalars, home })
    }

    pub fn terms(mut self, terms: u32, range: Range) -> Draft {
        self.0.terms = terms;
        self.0.range = range;
        self
    }

    pub fn masked(mut self) -> Draft {
        self.0.masked = true;
        self
    }

    pub fn start(mut self, start: Operand) -> Draft {
        self.0.start = Some(start);
        self
    }

    /// The same draft with a start value where there is one.
    pub fn start_if(self, start: Option<Operand>) -> Draft {
        match start {
            Some(start) => self.start(start),
            None => self,
        }
    }

    pub fn scalars(mut self, bits: &[u32]) -> Draft {
        self.0.scalars = bits.iter().map(|b| Scalar::Bits(*b)).collect();
        self
    }

    pub fn derived(mut self, scalars: Vec<Scalar>) -> Draft {
        self.0.scalars = scalars;
        self
    }
}

/// The growing program.
#[derive(Default)]
pub(crate) struct Builder {
    pub rows: Vec<Row>,
    /// For people: where in the model each row stands. Not part of the program's bytes.
    labels: Vec<String>,
    part: String,
    scope: String,
    sites: u32,
    trace_leaves: u32,
    post_entries: u32,
}

impl Builder {
    /// Appends a row whose output is a leaf of the op list.
    pub fn trace(&mut self, draft: Draft) -> Value {
        let leaf = self.trace_leaves;
        self.trace_leaves += 1;
        self.push(draft, Home::Trace(leaf), Leaf::Trace(leaf))
    }

    /// The output of the same row where there is one, else [`Builder::trace`]: for what every pass makes alike.
    pub fn once(&mut self, draft: Draft) -> Value {
        let same = |row: &&Row| Row { home: draft.0.home, ..(*row).clone() } == draft.0;
        match self.rows.iter().find(same).map(|row| (row.home, row.elements())) {
            Some((Home::Trace(leaf), length)) => Value { leaf: Leaf::Trace(leaf), length },
            _ => self.trace(draft),
        }
    }

    /// Appends a row whose output is entry `entry` of the post-state.
    pub fn post(&mut self, draft: Draft, entry: u32) -> Value {
        self.post_entries += 1;
        self.push(draft, Home::Post(entry), Leaf::Post(entry))
    }

    /// Appends a row whose output is the batch.
    pub fn batch(&mut self, draft: Draft) -> Value {
        self.push(draft, Home::Batch, Leaf::Batch)
    }

    /// Appends a row whose output is the claimed loss; nothing reads it.
    pub fn loss(&mut self, draft: Draft) {
        self.push(draft, Home::Loss, Leaf::Losses);
    }

    fn push(&mut self, draft: Draft, home: Home, leaf: Leaf) -> Value {
        let mut row = draft.0;
        row.home = home;
        let length = row.elements();
        self.labels.push(format!("{}{}{:?}", self.part, self.scope, row.kind));
        self.rows.push(row);
        Value { leaf, length }
    }

    /// The number of a new site of dropout.
    pub fn site(&mut self) -> u32 {
        self.sites += 1;
        self.sites - 1
    }

    /// Names what the next scopes belong to.
    pub fn part(&mut self, part: String) {
        self.part = part;
    }

    /// Names the part of the model that the next rows belong to.
    pub fn scope(&mut self, scope: String) {
        self.scope = scope;
    }

    /// Ends the program, for people: one label a row.
    pub fn labels(self) -> Vec<String> {
        self.labels
    }

    /// Ends the program.
    pub fn finish(self) -> super::Program {
        super::Program { rows: self.rows, trace_leaves: self.trace_leaves, post_entries: self.post_entries }
    }
}

/// Strides of a row-major matrix in dimensions 2 and 3.
pub(crate) fn dense(columns: u32) -> [u64; 4] {
    [0, 0, u64::from(columns), 1]
}

/// Strides of a dense tensor.
pub(crate) fn row_major(shape: [u32; 4]) -> [u64; 4] {
    let [_, planes, rows, columns] = shape.map(u64::from);
    [planes * rows * columns, rows * columns, columns, 1]
}

/// Strides of a matrix whose rows are indexed by dimensions 1 and 2, `rows` of them for each step of dimension 1.
pub(crate) fn dense_by(rows: u32, columns: u32) -> [u64; 4] {
    let (rows, columns) = (u64::from(rows), u64::from(columns));
    [0, rows * columns, columns, 1]
}

/// Strides of a vector along the rows of a matrix: one value a row.
pub(crate) const PER_ROW: [u64; 4] = [0, 0, 1, 0];
/// Strides of a vector along the columns of a matrix: one value a column.
pub(crate) const PER_COLUMN: [u64; 4] = [0, 0, 0, 1];
/// Shape of a scalar.
pub(crate) const SCALAR: [u32; 4] = [1; 4];
