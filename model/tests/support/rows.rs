//! Rows of every kind with drawn shapes, views, ranges, masks and start values.

use super::{Generator, view};
use retrace_model::Words;
use retrace_model::arithmetic::CANONICAL_NAN;
use retrace_model::op::{Form, Kind, SCALARS_MAX};
use retrace_model::program::{Home, Lookup, Operand, Range, Row, Scalar};

/// A row and the leaves that it reads.
pub struct Case {
    pub row: Row,
    pub leaves: Vec<Words>,
}

/// Extents at the edges of vectors, tiles and blocks.
const EXTENTS: [u32; 12] = [1, 2, 3, 5, 6, 7, 12, 15, 16, 17, 33, 70];

struct Maker<'a> {
    draw: &'a mut Generator,
    shape: [u32; 4],
    terms: u32,
    leaves: Vec<Words>,
}

impl Maker<'_> {
    /// A view over the dimensions that `moves` allows (the fifth is the term), in a drawn memory order.
    fn view(&mut self, moves: [bool; 5]) -> Operand {
        let extents = [self.shape[0], self.shape[1], self.shape[2], self.shape[3], self.terms.max(1)];
        let mut order = [0, 1, 2, 3, 4];
        // Often the dense order, else any.
        if self.draw.below(3) == 0 {
            (1..5).rev().for_each(|at| order.swap(at, self.draw.below(at as u64 + 1) as usize));
        } else if self.draw.below(2) == 0 {
            order.swap(3, 4);
        }
        let mut strides = [0; 5];
        let mut length = 1 + self.draw.below(2) * self.draw.below(3);
        let mut stride = length;
        for at in order.into_iter().rev().filter(|at| moves[*at]) {
            strides[at] = stride;
            length += stride * u64::from(extents[at] - 1);
            stride *= u64::from(extents[at]);
        }
        let mut operand =
            view(self.leaves.len() as u32, 0, [strides[0], strides[1], strides[2], strides[3]], strides[4]);
        operand.offset = self.draw.below(4);
        operand.length = operand.offset + length + self.draw.below(3);
        self.leaves.push(self.draw.words(operand.length as usize));
        operand
    }

    /// Any dimensions, the last one nearly always.
    fn any(&mut self) -> Operand {
        let mut moves = [true; 5];
        for (at, slot) in moves.iter_mut().enumerate() {
            *slot = self.draw.below(if at >= 3 { 8 } else { 4 }) != 0;
        }
        moves[4] &= self.terms > 0;
        self.view(moves)
    }

    /// Token ids, one in eight at or above `bound`.
    fn ids(&mut self, bound: u32, moves: [bool; 5]) -> Operand {
        let ids = self.view(moves);
        let count = ids.length as usize;
        let draw = &mut *self.draw;
        let id = |draw: &mut Generator| draw.below(u64::from(bound) * 8 / 7 + 1) as u32;
        *self.leaves.last_mut().expect("just made") = (0..count).map(|_| id(draw)).collect();
        ids
    }

    /// Ids of targets, one a row, some of them ignored in either spelling (M-3.8).
    fn targets(&mut self, bound: u32) -> Operand {
        let ids = self.ids(bound, [true, true, true, false, false]);
        for word in self.leaves.last_mut().expect("just made") {
            match self.draw.below(8) {
                0 => *word = u32::MAX,
                1 => *word = CANONICAL_NAN,
                _ => {}
            }
        }
        ids
    }

    fn operands(&mut self, kind: Kind) -> Vec<Operand> {
        let by_row = [true, true, true, false, false];
        match kind {
            Kind::MatMul if self.draw.below(8) != 0 => {
                let still = 1 + self.draw.below(2) as usize;
                let mut b = [true; 5];
                b[still] = false;
                vec![self.view([true, true, true, false, true]), self.view(b)]
            }
            Kind::EmbeddingBackward => {
                let table = self.draw.below(4) != 0;
                if table {
                    (self.shape[0], self.shape[1]) = (1, 1);
                }
                let ids = self.ids(self.shape[2], [!table, false, false, false, true]);
                let gradients = self.view([!table, !table, !table, true, true]);
                vec![ids, gradients]
            }
            Kind::Embedding | Kind::PickedLogit => {
                let (bound, varies) = (1 + self.draw.below(9) as u32, self.draw.below(4) == 0);
                let ids = self.ids(bound, [true, true, true, varies, false]);
                let mut table = self.any();
                let stride = table.length;
                table.lookup = Some(Lookup { operand: 0, stride, bound });
                table.length *= u64::from(bound);
                *self.leaves.last_mut().expect("just made") = self.draw.words(table.length as usize);
                let more = kind.arity() - 2;
                [ids, table].into_iter().chain((0..more).map(|_| self.any())).collect()
            }
            Kind::CrossEntropy => {
                let (sum, picked) = (self.any(), self.any());
                vec![sum, picked, self.targets(9)]
            }
            Kind::CrossEntropyBackward => {
                let (e, sum) = (self.any(), self.view(by_row));
                vec![e, sum, self.targets(self.shape[3])]
            }
            _ => (0..kind.arity()).map(|_| self.any()).collect(),
        }
    }
}

/// Scalars of a row: any words, or what the op can do something with.
fn scalars(kind: Kind, draw: &mut Generator) -> [u32; SCALARS_MAX] {
    let mut scalars = std::array::from_fn(|_| draw.word());
    match kind {
        Kind::RotaryTable if draw.below(4) != 0 => {
            // -2 ln(base) / head, base up to 10^6 and head from 2 to 64.
            let rate = -13.8 * f64::from(draw.uniform().abs()) / (1 + draw.below(32)) as f64;
            let high = rate as f32;
            let low = (rate - f64::from(high)) as f32;
            scalars[..3].copy_from_slice(&[high.to_bits(), low.to_bits(), draw.below(40) as u32]);
        }
        Kind::Dropout => {
            scalars[..4].fill_with(|| draw.next() as u32);
            // A threshold at either end, now and then.
            if draw.below(6) == 0 {
                scalars[3] = [0, u32::MAX][draw.below(2) as usize];
            }
        }
        _ => {}
    }
    scalars
}

/// How much work a drawn row is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// At the edges of vectors and tiles.
    Small,
    /// More terms than one block of a product.
    Long,
    /// Enough for a second thread.
    Large,
}

/// A drawn row of this kind.
pub fn case(kind: Kind, size: Size, draw: &mut Generator) -> Case {
    let extent = |draw: &mut Generator| EXTENTS[draw.below(EXTENTS.len() as u64) as usize];
    let mut shape = [1, 1, extent(draw), extent(draw)];
    if draw.below(2) == 0 {
        shape = [1 + draw.below(3) as u32, 1 + draw.below(4) as u32, 1 + draw.below(18) as u32, extent(draw)];
    }
    if kind == Kind::RotaryTable && draw.below(4) != 0 {
        shape = [1 + draw.below(20) as u32, 2, 2, 1 + draw.below(9) as u32];
    }
    let mut terms = if kind.form() == Form::Element { 0 } else { extent(draw) };
    if size == Size::Long {
        terms = 300;
    }
    if size == Size::Large {
        (shape, terms) = match kind.form() {
            Form::Element => ([1, 3, 187, 257], 0),
            Form::Chain => ([1, 3, 47, 131], 130 + 137 * draw.below(2) as u32),
            Form::Lanes => ([2, 3, 357, 1], 999),
        };
    } else if kind.form() == Form::Lanes && draw.below(4) != 0 {
        shape[3] = 1;
    }
    let mut maker = Maker { draw, shape, terms, leaves: Vec::new() };
    let operands = maker.operands(kind);
    let shape = maker.shape;
    let is_chain = kind.form() != Form::Element;
    let started = kind.form() == Form::Chain && maker.draw.below(2) == 0;
    let across = maker.draw.below(4) != 0;
    let start = started.then(|| maker.view([true, true, across, true, false]));
    let Maker { leaves, .. } = maker;
    let dimension = draw.below(4) as u8;
    let range = match draw.below(4) {
        0 if is_chain => Range::UpTo(dimension),
        1 if is_chain => Range::From(dimension),
        _ => Range::Full,
    };
    let masked = draw.below(4) == 0;
    let scalars = scalars(kind, draw).map(Scalar::Bits).to_vec();
    let row = Row { kind, shape, terms, range, masked, start, operands, scalars, home: Home::Trace(0) };
    Case { row, leaves }
}
