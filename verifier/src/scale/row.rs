//! Which rows of a step's program are played: the products by layout, and one op of every other kind of cost.

use retrace_model::RunSpec;
use retrace_model::op::Kind;
use retrace_model::program::{Home, Leaf, Program, Row};
use std::fmt;

/// How a product reads its operands, as linear algebra libraries name it: N as stored, T transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// x W.
    NN,
    /// dy W^T.
    NT,
    /// x^T dy.
    TN,
    /// No product.
    None,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Layout::NN => "NN",
            Layout::NT => "NT",
            Layout::TN => "TN",
            Layout::None => "-",
        })
    }
}

/// A row that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowName {
    /// The first linear layer of the last block's feed-forward part.
    Forward,
    /// Its input's gradient.
    InputGradient,
    /// Its weight's gradient.
    WeightGradient,
    /// Logits from the tied table.
    Logits,
    /// The maximum of the logits along the vocabulary.
    RowMax,
    /// exp of the logits.
    SoftmaxExp,
    /// Their sum along the vocabulary.
    RowSum,
    /// Gradient of the logits.
    LogitGradient,
    /// Ordered scatter-add of the last sequence into the tied table.
    Scatter,
    /// The optimizer's new value of the tied table.
    Parameter,
}

/// All rows that are played.
pub const ROWS: [RowName; 10] = [
    RowName::Forward,
    RowName::InputGradient,
    RowName::WeightGradient,
    RowName::Logits,
    RowName::RowMax,
    RowName::SoftmaxExp,
    RowName::RowSum,
    RowName::LogitGradient,
    RowName::Scatter,
    RowName::Parameter,
];

impl RowName {
    /// What a table calls it.
    pub fn name(self) -> &'static str {
        match self {
            RowName::Forward => "matmul x W",
            RowName::InputGradient => "matmul dy W^T",
            RowName::WeightGradient => "matmul x^T dy",
            RowName::Logits => "matmul, logits",
            RowName::RowMax => "row max, vocabulary",
            RowName::SoftmaxExp => "softmax exp",
            RowName::RowSum => "row sum, vocabulary",
            RowName::LogitGradient => "logit gradient",
            RowName::Scatter => "scatter-add",
            RowName::Parameter => "AdamW, parameter",
        }
    }

    /// The layout of a product.
    pub fn layout(self) -> Layout {
        match self {
            RowName::Forward => Layout::NN,
            RowName::InputGradient | RowName::Logits => Layout::NT,
            RowName::WeightGradient => Layout::TN,
            _ => Layout::None,
        }
    }
}

impl fmt::Display for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Position of the named row in the step program of a run with a GPT, AdamW and one pass; the last one where there are
/// several. None where the program has no such row.
pub fn choose(spec: &RunSpec, program: &Program, name: RowName) -> Option<usize> {
    let m = &spec.model;
    let (tokens, wide) = (spec.batch * m.context, u64::from(m.hidden));
    let product = |row: &Row, rows: u32, columns: u32, strides: [u64; 2]| {
        row.kind == Kind::MatMul
            && row.shape == [1, 1, rows, columns]
            && row.operands[0].term_stride == strides[0]
            && row.operands[1].term_stride == strides[1]
    };
    let along_vocabulary =
        |row: &Row, kind| row.kind == kind && row.shape[2] == tokens && row.terms == m.vocabulary;
    let is_weight = |row: &Row| matches!(row.operands[1].leaf, Leaf::Pre(at) if at > 0);
    let is_it = |row: &Row| match name {
        RowName::Forward => product(row, tokens, m.hidden, [1, wide]) && is_weight(row),
        RowName::InputGradient => {
            product(row, tokens, m.width, [1, 1]) && is_weight(row) && row.terms == m.hidden
        }
        RowName::WeightGradient => product(row, m.width, m.hidden, [u64::from(m.width), wide]),
        RowName::Logits => product(row, tokens, m.vocabulary, [1, 1]),
        RowName::RowMax => along_vocabulary(row, Kind::RowMax),
        RowName::SoftmaxExp => row.kind == Kind::SoftmaxExp && row.shape[3] == m.vocabulary,
        RowName::RowSum => along_vocabulary(row, Kind::RowSum),
        RowName::LogitGradient => row.kind == Kind::CrossEntropyBackward,
        RowName::Scatter => row.kind == Kind::EmbeddingBackward,
        RowName::Parameter => row.kind == Kind::AdamParameter && row.home == Home::Post(0),
    };
    program.rows.iter().rposition(is_it)
}
