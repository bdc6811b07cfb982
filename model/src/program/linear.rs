//! Linear layers and sums, forward and backward; every gradient chain may continue another (M-4.4, M-4.8).

use super::builder::{Builder, Draft, PER_COLUMN, Value, dense};
use super::row::Range;
use crate::op::Kind;

/// x W, from the bias where there is one: it is the chain's start value.
pub(crate) fn linear(b: &mut Builder, x: Value, weight: Value, bias: Option<Value>, size: [u32; 3]) -> Value {
    let [tokens, inputs, outputs] = size;
    let a = x.view([0, 0, u64::from(inputs), 0], 1);
    let w = weight.view(PER_COLUMN, u64::from(outputs));
    let draft = Draft::new(Kind::MatMul, [1, 1, tokens, outputs], vec![a, w]).terms(inputs, Range::Full);
    b.trace(draft.start_if(bias.map(|bias| bias.view(PER_COLUMN, 0))))
}

/// dx = start + dy W^T.
pub(crate) fn input_gradient(
    b: &mut Builder,
    weight: Value,
    dy: Value,
    size: [u32; 3],
    start: Option<Value>,
) -> Value {
    let [tokens, inputs, outputs] = size;
    let o = u64::from(outputs);
    let operands = vec![dy.view([0, 0, o, 0], 1), weight.view([0, 0, 0, o], 1)];
    let draft = Draft::new(Kind::MatMul, [1, 1, tokens, inputs], operands).terms(outputs, Range::Full);
    b.trace(draft.start_if(start.map(|start| start.view(dense(inputs), 0))))
}

/// dW = start + x^T dy, over the tokens.
pub(crate) fn weight_gradient(
    b: &mut Builder,
    x: Value,
    dy: Value,
    size: [u32; 3],
    start: Option<Value>,
) -> Value {
    let [tokens, inputs, outputs] = size;
    let (i, o) = (u64::from(inputs), u64::from(outputs));
    let operands = vec![x.view([0, 0, 1, 0], i), dy.view(PER_COLUMN, o)];
    let draft = Draft::new(Kind::MatMul, [1, 1, inputs, outputs], operands).terms(tokens, Range::Full);
    b.trace(draft.start_if(start.map(|start| start.view(dense(outputs), 0))))
}

/// Sum down every column, over the tokens, from `start`.
pub(crate) fn column_sum(
    b: &mut Builder,
    dy: Value,
    tokens: u32,
    columns: u32,
    start: Option<Value>,
) -> Value {
    let operands = vec![dy.view(PER_COLUMN, u64::from(columns))];
    let draft = Draft::new(Kind::ColumnSum, [1, 1, 1, columns], operands).terms(tokens, Range::Full);
    b.trace(draft.start_if(start.map(|start| start.view(PER_COLUMN, 0))))
}

/// Sum of products down every column, over the tokens, from `start`.
pub(crate) fn column_dot(
    b: &mut Builder,
    [left, right]: [Value; 2],
    tokens: u32,
    columns: u32,
    start: Option<Value>,
) -> Value {
    let operands = [left, right].map(|v| v.view(PER_COLUMN, u64::from(columns))).to_vec();
    let draft = Draft::new(Kind::ColumnDot, [1, 1, 1, columns], operands).terms(tokens, Range::Full);
    b.trace(draft.start_if(start.map(|start| start.view(PER_COLUMN, 0))))
}

/// a + b, dense.
pub(crate) fn add(b: &mut Builder, left: Value, right: Value, shape: [u32; 4]) -> Value {
    let d = dense(shape[3]);
    b.trace(Draft::new(Kind::Add, shape, vec![left.view(d, 0), right.view(d, 0)]))
}

/// The gradients of a pass, each to continue what the pass before left for the same parameter (M-4.8).
pub(crate) struct Gradients<'a> {
    before: Option<&'a [Value]>,
    found: Vec<Option<Value>>,
    first: usize,
}

impl<'a> Gradients<'a> {
    /// None found yet of `count` parameters.
    pub fn new(count: usize, before: Option<&'a [Value]>) -> Gradients<'a> {
        Gradients { before, found: vec![None; count], first: 0 }
    }

    /// Counts parameters from the first of a block from now on.
    pub fn block(&mut self, first: usize) {
        self.first = first;
    }

    /// What the pass before left for a parameter.
    pub fn start(&self, at: usize) -> Option<Value> {
        self.before.and_then(|values| values.get(self.first + at)).copied()
    }

    /// Sets a parameter's gradient.
    pub fn put(&mut self, at: usize, value: Value) {
        if let Some(slot) = self.found.get_mut(self.first + at) {
            *slot = Some(value);
        }
    }

    /// A linear layer's gradient of weight `at`; returns the input's, from `start`.
    pub fn project(
        &mut self,
        b: &mut Builder,
        [x, weight, dy]: [Value; 3],
        size: [u32; 3],
        at: usize,
        start: Option<Value>,
    ) -> Value {
        let input = input_gradient(b, weight, dy, size, start);
        let weight = weight_gradient(b, x, dy, size, self.start(at));
        self.put(at, weight);
        input
    }

    /// [`Gradients::project`], and the gradient of the bias after the weight.
    pub fn linear(
        &mut self,
        b: &mut Builder,
        values: [Value; 3],
        size: [u32; 3],
        at: usize,
        start: Option<Value>,
    ) -> Value {
        let input = self.project(b, values, size, at, start);
        let [_, _, dy] = values;
        let bias = column_sum(b, dy, size[0], size[2], self.start(at + 1));
        self.put(at + 1, bias);
        input
    }

    /// All gradients, in table order.
    pub fn finish(self) -> Vec<Value> {
        self.found.into_iter().flatten().collect()
    }
}
