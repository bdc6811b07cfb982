//! What every builder needs to know of one pass: sizes, where its sequences lie, what it continues (M-4.4, M-4.8).

use super::builder::Value;
use super::row::Operand;
use crate::spec::{ModelSpec, RunSpec};

/// One forward and backward pass over some of a step's sequences.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub model: ModelSpec,
    /// Sequences of this pass.
    pub batch: u32,
    /// Tokens of this pass: batch times context.
    pub tokens: u32,
    /// Predictions of one sequence.
    pub predictions: u32,
    /// Predictions of the whole step: the loss is their mean.
    pub count: u32,
    /// Heads of attention; 1 where there is none.
    pub heads: u32,
    /// Width of one head.
    pub head: u32,
    /// The words of the whole step, context + 1 a sequence.
    pub gathered: Value,
    /// First sequence of this pass among them.
    pub first: u32,
    /// Sum of the losses of the passes before.
    pub loss: Option<Value>,
    /// True for the pass that ends the step's loss.
    pub is_last: bool,
    /// True where dropout drops: in training, by a run that has any.
    pub drops: bool,
}

impl Sizes {
    /// Pass `pass` of a training step, whose batch is `gathered`; `loss` is what the pass before left.
    pub fn training(spec: &RunSpec, gathered: Value, pass: u32, loss: Option<Value>) -> Sizes {
        let batch = spec.batch / spec.accumulation;
        Sizes {
            count: spec.batch * spec.model.predictions(),
            first: pass * batch,
            loss,
            is_last: pass + 1 == spec.accumulation,
            drops: spec.model.dropout.0 != 0,
            ..Sizes::evaluation(spec, gathered, batch)
        }
    }

    /// The only pass of an evaluation.
    pub fn evaluation(spec: &RunSpec, gathered: Value, batch: u32) -> Sizes {
        let model = spec.model;
        let (heads, predictions) = (model.heads().unwrap_or(1), model.predictions());
        Sizes {
            model,
            batch,
            tokens: batch * model.context,
            predictions,
            count: batch * predictions,
            heads,
            head: model.width / heads,
            gathered,
            first: 0,
            loss: None,
            is_last: true,
            drops: false,
        }
    }

    /// Where a sequence of this pass begins in the batch.
    pub fn begin(&self, sequence: u32) -> u64 {
        u64::from(self.first + sequence) * (u64::from(self.model.context) + 1)
    }

    /// Ids as seen from an index (0, sequence, position, any), the first position being `offset` words in.
    fn words(&self, offset: u64) -> Operand {
        self.gathered.view([0, u64::from(self.model.context) + 1, 1, 0], 0).from(self.begin(0) + offset)
    }

    /// Ids of the inputs, for an index (0, sequence, position, any).
    pub fn inputs(&self) -> Operand {
        self.words(0)
    }

    /// Ids of the targets, for an index (0, sequence, prediction, any): the last words of every sequence.
    pub fn targets(&self) -> Operand {
        self.words(u64::from(self.model.context + 1 - self.predictions))
    }

    /// Shape (1, sequence, position, columns) of a (tokens, columns) matrix, so that ids and places are plain strides.
    pub fn split(&self, columns: u32) -> [u32; 4] {
        [1, self.batch, self.model.context, columns]
    }

    /// Shape (1, sequence, prediction, columns).
    pub fn predicted(&self, columns: u32) -> [u32; 4] {
        [1, self.batch, self.predictions, columns]
    }

    /// Shape of attention scores: sequence, head, query, key.
    pub fn scores(&self) -> [u32; 4] {
        [self.batch, self.heads, self.model.context, self.model.context]
    }

    /// Strides of scores indexed (sequence, head, query, key).
    pub fn score_strides(&self) -> [u64; 4] {
        super::builder::row_major(self.scores())
    }

    /// Strides of one value a score row.
    pub fn score_row_strides(&self) -> [u64; 4] {
        let (h, t) = (u64::from(self.heads), u64::from(self.model.context));
        [h * t, t, 1, 0]
    }

    /// Strides of a (tokens, width) matrix indexed (sequence, head, position, any), position in dimension `at`.
    pub fn head_strides(&self, at: usize) -> [u64; 4] {
        let (t, c) = (u64::from(self.model.context), u64::from(self.model.width));
        let mut strides = [t * c, u64::from(self.head), 0, 0];
        strides[at] = c;
        strides
    }
}
