//! The two ends of every model: token ids to embeddings, logits to the mean loss, and both backward (M-4.4, M-3.8).

use super::builder::{Builder, Draft, PER_COLUMN, PER_ROW, Value, dense, dense_by};
use super::linear::Gradients;
use super::row::{Leaf, Range};
use super::sizes::Sizes;
use crate::op::Kind;
use crate::schedule::reciprocal;

/// The batch of a step: context + 1 tokens a sequence, targets being the tokens one later.
pub(crate) fn gather(b: &mut Builder, batch: u32, context: u32) -> Value {
    let span = context + 1;
    let tokens = Value { leaf: Leaf::Tokens, length: u64::from(batch) * u64::from(span) };
    b.batch(Draft::new(Kind::Tokens, [1, 1, batch, span], vec![tokens.view(dense(span), 0)]))
}

/// Rows of a table by the inputs' ids: a (tokens, width) matrix.
pub(crate) fn look_up(b: &mut Builder, s: &Sizes, table: Value) -> Value {
    let c = s.model.width;
    let table = table.view(PER_COLUMN, 0).by(0, u64::from(c), s.model.vocabulary);
    b.trace(Draft::new(Kind::Embedding, s.split(c), vec![s.inputs(), table]))
}

/// Adds every input's gradient to its row of the table, from `start`. One chain a sequence, so that a term's place in
/// the batch is a plain stride; each starts where the last ended.
pub(crate) fn scatter(b: &mut Builder, s: &Sizes, dy: Value, start: Option<Value>) -> Option<Value> {
    let (c, t) = (u64::from(s.model.width), u64::from(s.model.context));
    let shape = [1, 1, s.model.vocabulary, s.model.width];
    let mut scattered = start;
    for sequence in 0..s.batch {
        let id = s.gathered.view([0; 4], 1).from(s.begin(sequence));
        let gradient = dy.view(PER_COLUMN, c).from(u64::from(sequence) * t * c);
        let draft = Draft::new(Kind::EmbeddingBackward, shape, vec![id, gradient])
            .terms(s.model.context, Range::Full)
            .start_if(scattered.map(|before| before.view(dense(s.model.width), 0)));
        scattered = Some(b.trace(draft));
    }
    scattered
}

/// x times a table of one row a token id: the logits of (predictions, width) vectors.
pub(crate) fn table_logits(b: &mut Builder, s: &Sizes, x: Value, table: Value) -> Value {
    let (n, c, v) = (s.batch * s.predictions, s.model.width, s.model.vocabulary);
    let a = x.view([0, 0, u64::from(c), 0], 1);
    let w = table.view([0, 0, 0, u64::from(c)], 1);
    b.trace(Draft::new(Kind::MatMul, [1, 1, n, v], vec![a, w]).terms(c, Range::Full))
}

/// The gradient of the vectors before [`table_logits`].
pub(crate) fn table_input_gradient(b: &mut Builder, s: &Sizes, logits: Value, table: Value) -> Value {
    let (n, c, v) = (s.batch * s.predictions, s.model.width, s.model.vocabulary);
    let operands = vec![logits.view([0, 0, u64::from(v), 0], 1), table.view(PER_COLUMN, u64::from(c))];
    b.trace(Draft::new(Kind::MatMul, [1, 1, n, c], operands).terms(v, Range::Full))
}

/// The gradient of the table of [`table_logits`], from `start`.
fn table_gradient(b: &mut Builder, s: &Sizes, logits: Value, x: Value, start: Option<Value>) -> Value {
    let (n, c, v) = (s.batch * s.predictions, s.model.width, s.model.vocabulary);
    let operands = vec![logits.view([0, 0, 1, 0], u64::from(v)), x.view(PER_COLUMN, u64::from(c))];
    let draft = Draft::new(Kind::MatMul, [1, 1, v, c], operands).terms(n, Range::Full);
    b.trace(draft.start_if(start.map(|before| before.view(dense(c), 0))))
}

/// Gradients of the embedding and of the head's table `head`: a tied table, 0, collects its tokens' gradients, then,
/// in the same chain, the head's.
pub(crate) fn tables_backward(
    b: &mut Builder,
    s: &Sizes,
    [dy, logits, x]: [Value; 3],
    head: usize,
    gradients: &mut Gradients,
) {
    let scattered = scatter(b, s, dy, gradients.start(0));
    let start = if head == 0 {
        scattered
    } else {
        scattered.into_iter().for_each(|table| gradients.put(0, table));
        gradients.start(head)
    };
    let table = table_gradient(b, s, logits, x, start);
    gradients.put(head, table);
}

/// What the loss leaves for its backward pass and for the pass after.
#[derive(Clone, Copy)]
pub(crate) struct Loss {
    pub exponential: Value,
    pub exponential_sum: Value,
    /// Sum of the losses of this pass and those before.
    pub total: Value,
}

/// Softmax pieces, the sum of the losses and, in the last pass, their mean.
pub(crate) fn cross_entropy(b: &mut Builder, s: &Sizes, logits: Value) -> Loss {
    let (n, v) = (s.batch * s.predictions, s.model.vocabulary);
    let (wide, rows) = (dense(v), [1, 1, n, 1]);
    let along = [0, 0, u64::from(v), 0];
    let top = b.trace(Draft::new(Kind::RowMax, rows, vec![logits.view(along, 1)]).terms(v, Range::Full));
    let exponential = b.trace(
        Draft::new(Kind::SoftmaxExp, [1, 1, n, v], vec![logits.view(wide, 0), top.view(PER_ROW, 0)])
            .scalars(&[0x3F80_0000]),
    );
    let sum = b.trace(Draft::new(Kind::RowSum, rows, vec![exponential.view(along, 1)]).terms(v, Range::Full));
    let t = u64::from(s.predictions);
    let per_prediction = [0, t, 1, 0];
    let chosen = logits.view([0, t * u64::from(v), u64::from(v), 0], 0).by(0, 1, v);
    let picked = b.trace(Draft::new(
        Kind::PickedLogit,
        s.predicted(1),
        vec![s.targets(), chosen, top.view(per_prediction, 0)],
    ));
    let losses = b.trace(Draft::new(
        Kind::CrossEntropy,
        s.predicted(1),
        vec![sum.view(per_prediction, 0), picked.view(per_prediction, 0), s.targets()],
    ));
    let total = b.trace(
        Draft::new(Kind::ColumnSum, [1; 4], vec![losses.view([0; 4], 1)])
            .terms(n, Range::Full)
            .start_if(s.loss.map(Value::everywhere)),
    );
    if s.is_last {
        b.loss(Draft::new(Kind::Scale, [1; 4], vec![total.everywhere()]).scalars(&[reciprocal(s.count)]));
    }
    Loss { exponential, exponential_sum: sum, total }
}

/// The gradient of the logits: a (predictions, vocabulary) matrix.
pub(crate) fn cross_entropy_backward(b: &mut Builder, s: &Sizes, loss: &Loss) -> Value {
    let v = s.model.vocabulary;
    let operands = vec![
        loss.exponential.view(dense_by(s.predictions, v), 0),
        loss.exponential_sum.view([0, u64::from(s.predictions), 1, 0], 0),
        s.targets(),
    ];
    b.trace(Draft::new(Kind::CrossEntropyBackward, s.predicted(v), operands).scalars(&[reciprocal(s.count)]))
}
