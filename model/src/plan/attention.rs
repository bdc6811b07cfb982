//! Finds the rows of an attention whose scores and probabilities nobody else reads (M-3.7, M-8.2).

use super::{Work, trace_leaf, traced};
use crate::kernel::attention::{Extent, HEAD_MAX};
use crate::op::Kind;
use crate::program::{Home, Leaf, Operand, Program, Range, Row, Scalar};

/// Six rows from the scores to the mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttentionForward {
    /// Row of the scores; maximum, exponentials, sum, probabilities and mixture follow.
    pub scores: usize,
    pub extent: Extent,
}

impl AttentionForward {
    /// Row of the maxima.
    pub fn top(self) -> usize {
        self.scores + 1
    }

    /// Row of the sums.
    pub fn sum(self) -> usize {
        self.scores + 3
    }

    /// Row of the mixture.
    pub fn mixed(self) -> usize {
        self.scores + 5
    }
}

/// Six rows from the gradient of the probabilities to those of queries, keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttentionBackward {
    pub forward: AttentionForward,
    /// Row of the probabilities' gradient.
    pub first: usize,
}

impl AttentionBackward {
    /// Row of the queries' gradient.
    pub fn query(self) -> usize {
        self.first + 3
    }

    /// Row of the keys' gradient.
    pub fn key(self) -> usize {
        self.first + 4
    }

    /// Row of the values' gradient.
    pub fn value(self) -> usize {
        self.first + 5
    }
}

const ROWS: usize = 6;

/// All rows in order, those of attentions together.
pub(super) fn fused(program: &Program) -> Vec<Work> {
    let mut works: Vec<Option<Work>> = (0..program.rows.len()).map(|at| Some(Work::Row(at))).collect();
    let readers = readers(program);
    for at in 0..program.rows.len() {
        let Some((forward, backward)) = attention_at(program, &readers, at) else { continue };
        works[at..at + ROWS].fill(None);
        works[at] = Some(Work::AttentionForward(forward));
        if let Some(backward) = backward {
            works[backward.first..backward.first + ROWS].fill(None);
            works[backward.first] = Some(Work::AttentionBackward(backward));
        }
    }
    works.into_iter().flatten().collect()
}

/// The work itself where its heads can be shown in parts, else its rows one by one.
pub(super) fn apart_unless_whole(work: Work) -> Vec<Work> {
    let rows = match work {
        Work::AttentionForward(f) if !f.extent.is_whole_parts() => f.scores..f.scores + ROWS,
        Work::AttentionBackward(b) if !b.forward.extent.is_whole_parts() => b.first..b.first + ROWS,
        _ => return vec![work],
    };
    rows.map(Work::Row).collect()
}

/// Rows that read each leaf of the op list.
fn readers(program: &Program) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); program.trace_leaves as usize];
    for (at, row) in program.rows.iter().enumerate() {
        for leaf in row.operands.iter().chain(&row.start).filter_map(|operand| traced(operand.leaf)) {
            readers[leaf as usize].push(at);
        }
    }
    readers
}

/// The attention whose scores are row `at`, with its backward pass where the program has one.
fn attention_at(
    program: &Program,
    readers: &[Vec<usize>],
    at: usize,
) -> Option<(AttentionForward, Option<AttentionBackward>)> {
    let rows = program.rows.get(at..at + ROWS)?;
    let extent = forward_extent(rows)?;
    let forward = AttentionForward { scores: at, extent };
    let inner = at..at + ROWS;
    let beyond = |row: usize| {
        let leaf = trace_leaf(program.rows[row].home)?;
        Some(
            readers[leaf as usize]
                .iter()
                .copied()
                .filter(|reader| !inner.contains(reader))
                .collect::<Vec<_>>(),
        )
    };
    let probabilities = beyond(at + 4)?;
    if !beyond(at)?.is_empty() || !beyond(at + 2)?.is_empty() {
        return None;
    }
    let Some(first) = probabilities.first().and_then(|reader| reader.checked_sub(1)) else {
        return Some((forward, None));
    };
    let backward = AttentionBackward { forward, first };
    let after = program.rows.get(first..first + ROWS)?;
    let inner = first..first + ROWS;
    let is_private = |row: usize| {
        let leaf = trace_leaf(program.rows[row].home);
        leaf.is_some_and(|leaf| readers[leaf as usize].iter().all(|reader| inner.contains(reader)))
    };
    let fits = is_backward(rows, after, extent)
        && probabilities.iter().all(|reader| inner.contains(reader))
        && (first..first + 3).all(is_private);
    fits.then_some((forward, Some(backward)))
}

/// Strides of scores by (batch, head, query, key).
fn score_strides(extent: Extent) -> [u64; 4] {
    let (h, t) = (extent.heads as u64, extent.context as u64);
    [h * t * t, t * t, t, 1]
}

/// A row's output as an operand.
fn view(row: &Row, strides: [u64; 4], term_stride: u64) -> Option<Operand> {
    let leaf = Leaf::Trace(trace_leaf(row.home)?);
    Some(Operand { leaf, length: row.elements(), offset: 0, strides, term_stride, lookup: None })
}

/// What a score row's operands look like.
struct Views {
    extent: Extent,
}

impl Views {
    fn dense(&self, row: &Row) -> Option<Operand> {
        view(row, score_strides(self.extent), 0)
    }

    fn along(&self, row: &Row) -> Option<Operand> {
        let mut strides = score_strides(self.extent);
        strides[3] = 0;
        view(row, strides, 1)
    }

    fn per_row(&self, row: &Row) -> Option<Operand> {
        let (h, t) = (self.extent.heads as u64, self.extent.context as u64);
        view(row, [h * t, t, 1, 0], 0)
    }

    /// Weights by (batch, position, head, any): terms are keys, or, transposed, queries.
    fn weights(&self, row: &Row, transposed: bool) -> Option<Operand> {
        let [batch, head, query, key] = score_strides(self.extent);
        let (position, term) = if transposed { (key, query) } else { (query, key) };
        view(row, [batch, position, head, 0], term)
    }

    fn shapes(&self) -> [[u32; 4]; 3] {
        let e = self.extent;
        let [b, h, t, d] = [e.batch, e.heads, e.context, e.head].map(|n| n as u32);
        [[b, h, t, t], [b, h, t, 1], [b, t, h, d]]
    }
}

/// A row like `like`, as far as it says where its output goes.
fn row(like: &Row, kind: Kind, shape: [u32; 4], terms: (u32, Range), operands: [Option<Operand>; 2]) -> Row {
    Row {
        kind,
        shape,
        terms: terms.0,
        range: terms.1,
        masked: false,
        start: None,
        operands: operands.into_iter().flatten().collect(),
        scalars: Vec::new(),
        home: like.home,
    }
}

/// True for an operand that is a (position, lane) matrix for each head, lanes being terms.
fn is_head_view(operand: &Operand, position: usize) -> bool {
    operand.lookup.is_none() && operand.term_stride == 1 && operand.strides[5 - position] == 0
}

/// True for an operand whose terms are positions and whose columns are lanes.
fn is_vector_view(operand: &Operand) -> bool {
    operand.lookup.is_none() && operand.strides[1] == 0 && operand.strides[3] == 1
}

fn forward_extent(rows: &[Row]) -> Option<Extent> {
    let [scores, top, exponential, sum, probability, mixed] = rows else { return None };
    let [batch, heads, context, keys] = scores.shape.map(|n| n as usize);
    let [query, key] = scores.operands.as_slice() else { return None };
    let Some(Scalar::Bits(scale)) = exponential.scalars.first().copied() else { return None };
    let extent = Extent { batch, heads, context, head: scores.terms as usize, scale };
    let plain = scores.kind == Kind::MatMul && scores.masked && scores.range == Range::Full;
    let fits = plain
        && scores.start.is_none()
        && context == keys
        && extent.head <= HEAD_MAX
        && is_head_view(query, 2)
        && is_head_view(key, 3);
    let views = Views { extent };
    let [square, tall, out] = views.shapes();
    let range = (context as u32, Range::UpTo(2));
    let none = (0, Range::Full);
    let masked = |mut row: Row, scalars: Vec<Scalar>| {
        row.masked = true;
        row.scalars = scalars;
        row
    };
    let [_, values] = mixed.operands.as_slice() else { return None };
    let expected = [
        row(top, Kind::RowMax, tall, range, [views.along(scores), None]),
        masked(
            row(exponential, Kind::SoftmaxExp, square, none, [views.dense(scores), views.per_row(top)]),
            vec![Scalar::Bits(scale)],
        ),
        row(sum, Kind::RowSum, tall, range, [views.along(exponential), None]),
        masked(
            row(probability, Kind::Divide, square, none, [views.dense(exponential), views.per_row(sum)]),
            vec![],
        ),
        row(
            mixed,
            Kind::MatMul,
            out,
            (context as u32, Range::UpTo(1)),
            [views.weights(probability, false), Some(values.clone())],
        ),
    ];
    let homes = rows.iter().all(|row| matches!(row.home, Home::Trace(_)));
    (fits && homes && is_vector_view(values) && rows[1..] == expected).then_some(extent)
}

fn is_backward(forward: &[Row], rows: &[Row], extent: Extent) -> bool {
    let views = Views { extent };
    let [square, tall, out] = views.shapes();
    let ([scores, _, _, _, probability, mixed], [slope, dot, gradient, query, key, value]) = (forward, rows)
    else {
        return false;
    };
    let ([of_mixed, of_value], [queries, keys]) = (slope.operands.as_slice(), scores.operands.as_slice())
    else {
        return false;
    };
    // The same vectors as terms by position and lanes as columns.
    let across = |operand: &Operand, position: usize| Operand {
        strides: [operand.strides[0], 0, operand.strides[1], 1],
        term_stride: operand.strides[position],
        ..operand.clone()
    };
    let terms = extent.context as u32;
    let mut expected_slope = row(
        slope,
        Kind::MatMul,
        square,
        (extent.head as u32, Range::Full),
        [Some(of_mixed.clone()), Some(of_value.clone())],
    );
    expected_slope.masked = true;
    let mut expected_gradient = row(
        gradient,
        Kind::SoftmaxBackward,
        square,
        (0, Range::Full),
        [views.dense(probability), views.dense(slope)],
    );
    expected_gradient.operands.extend(views.per_row(dot));
    expected_gradient.scalars = vec![Scalar::Bits(extent.scale)];
    expected_gradient.masked = true;
    let (up, from) = ((terms, Range::UpTo(1)), (terms, Range::From(1)));
    let product = |like: &Row, range, weights: Option<Operand>, vectors: Operand| {
        row(like, Kind::MatMul, out, range, [weights, Some(vectors)])
    };
    let expected = [
        expected_slope,
        row(dot, Kind::RowDot, tall, (terms, Range::UpTo(2)), [views.along(slope), views.along(probability)]),
        expected_gradient,
        product(query, up, views.weights(gradient, false), across(keys, 3)),
        product(key, from, views.weights(gradient, true), across(queries, 2)),
        product(value, from, views.weights(probability, true), across(of_mixed, 2)),
    ];
    let homes = rows.iter().all(|row| matches!(row.home, Home::Trace(_)));
    let same_value = mixed.operands.get(1) == Some(&across(of_value, 3));
    homes && same_value && is_head_view(of_mixed, 2) && is_head_view(of_value, 3) && *rows == expected
}
