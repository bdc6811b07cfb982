//! The op table: every primitive op, one file a family, and the two shapes a definition can have.
//!
//! An [`Element`] op gives each output element from at most three operand elements. A [`Term`] op folds a chain
//! of terms into one accumulator per output element (or per lane). There is no third shape, so the referee
//! has exactly two things to recompute: one element, or one term (M-3.1).

mod adamw;
mod attention;
mod clip;
mod cross_entropy;
mod dropout;
mod embedding;
mod gelu;
mod matmul;
mod nesterov;
mod norm;
mod pointwise;
mod reduce;
mod relu;
mod rotary;
mod sgd;
mod silu;

/// Definitions that kernels call by name, where they compute several rows at once.
pub(crate) mod definitions {
    pub(crate) use super::attention::{SoftmaxBackward, SoftmaxExp};
    pub(crate) use super::matmul::MultiplyAdd;
    pub(crate) use super::pointwise::Divide;
    pub(crate) use super::reduce::{Maximum, Sum};
}

use crate::arithmetic::Real32;
use borsh::{BorshDeserialize, BorshSerialize};

/// Most operands of any op: it bounds the judging transaction (V-3.6).
pub const OPERANDS_MAX: usize = 3;
/// Most scalars of any op.
pub const SCALARS_MAX: usize = 5;
/// Lanes of a row reduction (M-3.4).
pub const LANES: usize = 16;

/// What an element or term definition may look at: operand elements, their raw words, scalars, position.
#[derive(Clone, Copy)]
pub struct Arguments<F> {
    /// Operand elements as numbers, in row order; unused ones are +0.
    pub x: [F; OPERANDS_MAX],
    /// The same elements as raw words, for operands that are token ids.
    pub words: [u32; OPERANDS_MAX],
    /// The row's scalars, resolved.
    pub s: [F; SCALARS_MAX],
    /// Index of the output element, four dimensions, leading ones first.
    pub index: [u64; 4],
}

/// An op whose output element is one expression of its operand elements.
pub trait Element {
    /// The definition of one element.
    fn value<F: Real32>(a: Arguments<F>) -> F;
}

/// An op that folds terms, ascending, into an accumulator that starts at +0 unless [`Term::EMPTY`] says else.
pub trait Term {
    /// Bits of the accumulator before the first term.
    const EMPTY: u32 = 0;
    /// The accumulator after one more term.
    fn next<F: Real32>(accumulator: F, a: Arguments<F>) -> F;
    /// Joins two lane totals in the fixed tree; only row reductions have lanes.
    fn join<F: Real32>(left: F, right: F) -> F {
        left + right
    }
}

/// The primitive ops. The number of an op is its wire form and is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Kind {
    /// Token ids read from a shard of the manifest.
    Tokens = 0,
    /// Row of a table chosen by a token id.
    Embedding = 1,
    /// Ordered scatter-add of row gradients to their token's row.
    EmbeddingBackward = 2,
    /// Sum over k of a times b by fused multiply-add.
    MatMul = 3,
    /// a + b.
    Add = 4,
    /// a - b.
    Subtract = 5,
    /// a times a scalar.
    Scale = 6,
    /// a times b.
    Multiply = 7,
    /// a + b times a scalar, fused.
    AddScaled = 8,
    /// 1 / sqrt(a times scalar + scalar).
    ReciprocalStd = 9,
    /// a times b + c, fused.
    Affine = 10,
    /// GELU, tanh form.
    Gelu = 11,
    /// Its gradient.
    GeluBackward = 12,
    /// exp((a - b) times a scalar).
    SoftmaxExp = 13,
    /// a / b.
    Divide = 14,
    /// p (dp - r) times a scalar.
    SoftmaxBackward = 15,
    /// Logit of the target less the row maximum.
    PickedLogit = 16,
    /// ln(sum) - picked.
    CrossEntropy = 17,
    /// (e / sum - onehot) times a scalar.
    CrossEntropyBackward = 18,
    /// min(1, bound / sqrt(square sum)).
    ClipScale = 19,
    /// AdamW first moment.
    AdamFirst = 20,
    /// AdamW second moment.
    AdamSecond = 21,
    /// AdamW parameter.
    AdamParameter = 22,
    /// Outer momentum of the merge.
    NesterovMomentum = 23,
    /// Outer parameter of the merge.
    NesterovParameter = 24,
    /// Sum down a column.
    ColumnSum = 25,
    /// Sum of products down a column.
    ColumnDot = 26,
    /// Sum along a row in 16 lanes.
    RowSum = 27,
    /// Sum of products along a row in 16 lanes.
    RowDot = 28,
    /// Maximum along a row in 16 lanes.
    RowMax = 29,
    /// GELU, erf form.
    GeluErf = 30,
    /// Its gradient.
    GeluErfBackward = 31,
    /// a / (1 + exp(-a)).
    Silu = 32,
    /// Its gradient.
    SiluBackward = 33,
    /// Sines and cosines of rotary positions; it has no operand.
    RotaryTable = 34,
    /// a times a scalar where the counters say so, else +0.
    Dropout = 35,
    /// Momentum of SGD.
    SgdMomentum = 36,
    /// Parameter of SGD.
    SgdParameter = 37,
    /// a where it is above zero.
    Relu = 38,
    /// Its gradient.
    ReluBackward = 39,
}

/// How an op's elements come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One expression.
    Element,
    /// One chain of terms.
    Chain,
    /// Sixteen chains, then a fixed tree.
    Lanes,
}

/// All kinds, in wire order.
pub const KINDS: [Kind; 40] = [
    Kind::Tokens,
    Kind::Embedding,
    Kind::EmbeddingBackward,
    Kind::MatMul,
    Kind::Add,
    Kind::Subtract,
    Kind::Scale,
    Kind::Multiply,
    Kind::AddScaled,
    Kind::ReciprocalStd,
    Kind::Affine,
    Kind::Gelu,
    Kind::GeluBackward,
    Kind::SoftmaxExp,
    Kind::Divide,
    Kind::SoftmaxBackward,
    Kind::PickedLogit,
    Kind::CrossEntropy,
    Kind::CrossEntropyBackward,
    Kind::ClipScale,
    Kind::AdamFirst,
    Kind::AdamSecond,
    Kind::AdamParameter,
    Kind::NesterovMomentum,
    Kind::NesterovParameter,
    Kind::ColumnSum,
    Kind::ColumnDot,
    Kind::RowSum,
    Kind::RowDot,
    Kind::RowMax,
    Kind::GeluErf,
    Kind::GeluErfBackward,
    Kind::Silu,
    Kind::SiluBackward,
    Kind::RotaryTable,
    Kind::Dropout,
    Kind::SgdMomentum,
    Kind::SgdParameter,
    Kind::Relu,
    Kind::ReluBackward,
];

impl Kind {
    /// The form of this op's definition.
    pub fn form(self) -> Form {
        match self {
            Kind::MatMul | Kind::ColumnSum | Kind::ColumnDot | Kind::EmbeddingBackward => Form::Chain,
            Kind::RowSum | Kind::RowDot | Kind::RowMax => Form::Lanes,
            _ => Form::Element,
        }
    }

    /// How many operands a row of this kind names, its start value not counted.
    pub fn arity(self) -> usize {
        match self {
            Kind::RotaryTable => 0,
            Kind::Tokens | Kind::Scale | Kind::ReciprocalStd | Kind::ClipScale | Kind::Dropout => 1,
            Kind::Gelu | Kind::GeluErf | Kind::Silu | Kind::Relu => 1,
            Kind::ColumnSum | Kind::RowSum | Kind::RowMax => 1,
            Kind::Affine | Kind::SoftmaxBackward | Kind::PickedLogit => 3,
            Kind::CrossEntropy | Kind::CrossEntropyBackward | Kind::AdamFirst | Kind::AdamSecond => 3,
            Kind::AdamParameter | Kind::NesterovParameter | Kind::SgdMomentum => 3,
            _ => 2,
        }
    }
}

/// Receives the definition of an [`Element`] op as a type.
pub trait ElementVisitor {
    /// What the visit gives.
    type Output;
    /// Called with the op's type.
    fn visit<E: Element>(self) -> Self::Output;
}

/// Receives the definition of a [`Term`] op as a type.
pub trait TermVisitor {
    /// What the visit gives.
    type Output;
    /// Called with the op's type.
    fn visit<T: Term>(self) -> Self::Output;
}

/// Hands the definition of `kind` to `visitor`; `None` when the kind is a chain.
#[inline(always)]
pub fn with_element<V: ElementVisitor>(kind: Kind, visitor: V) -> Option<V::Output> {
    Some(match kind {
        Kind::Tokens => visitor.visit::<embedding::Tokens>(),
        Kind::Embedding => visitor.visit::<embedding::Embedding>(),
        Kind::Add => visitor.visit::<pointwise::Add>(),
        Kind::Subtract => visitor.visit::<pointwise::Subtract>(),
        Kind::Scale => visitor.visit::<pointwise::Scale>(),
        Kind::Multiply => visitor.visit::<pointwise::Multiply>(),
        Kind::AddScaled => visitor.visit::<pointwise::AddScaled>(),
        Kind::Affine => visitor.visit::<pointwise::Affine>(),
        Kind::Divide => visitor.visit::<pointwise::Divide>(),
        Kind::ReciprocalStd => visitor.visit::<norm::ReciprocalStd>(),
        Kind::Gelu => visitor.visit::<gelu::Gelu>(),
        Kind::GeluBackward => visitor.visit::<gelu::GeluBackward>(),
        Kind::SoftmaxExp => visitor.visit::<attention::SoftmaxExp>(),
        Kind::SoftmaxBackward => visitor.visit::<attention::SoftmaxBackward>(),
        Kind::PickedLogit => visitor.visit::<cross_entropy::PickedLogit>(),
        Kind::CrossEntropy => visitor.visit::<cross_entropy::CrossEntropy>(),
        Kind::CrossEntropyBackward => visitor.visit::<cross_entropy::CrossEntropyBackward>(),
        Kind::ClipScale => visitor.visit::<clip::ClipScale>(),
        Kind::AdamFirst => visitor.visit::<adamw::First>(),
        Kind::AdamSecond => visitor.visit::<adamw::Second>(),
        Kind::AdamParameter => visitor.visit::<adamw::Parameter>(),
        Kind::NesterovMomentum => visitor.visit::<nesterov::Momentum>(),
        Kind::NesterovParameter => visitor.visit::<nesterov::Parameter>(),
        Kind::GeluErf => visitor.visit::<gelu::GeluErf>(),
        Kind::GeluErfBackward => visitor.visit::<gelu::GeluErfBackward>(),
        Kind::Silu => visitor.visit::<silu::Silu>(),
        Kind::SiluBackward => visitor.visit::<silu::SiluBackward>(),
        Kind::RotaryTable => visitor.visit::<rotary::RotaryTable>(),
        Kind::Dropout => visitor.visit::<dropout::Dropout>(),
        Kind::SgdMomentum => visitor.visit::<sgd::Momentum>(),
        Kind::SgdParameter => visitor.visit::<sgd::Parameter>(),
        Kind::Relu => visitor.visit::<relu::Relu>(),
        Kind::ReluBackward => visitor.visit::<relu::ReluBackward>(),
        _ => return None,
    })
}

/// Hands the definition of `kind` to `visitor`; `None` when the kind is element-wise.
#[inline(always)]
pub fn with_term<V: TermVisitor>(kind: Kind, visitor: V) -> Option<V::Output> {
    Some(match kind {
        Kind::MatMul | Kind::ColumnDot | Kind::RowDot => visitor.visit::<matmul::MultiplyAdd>(),
        Kind::ColumnSum | Kind::RowSum => visitor.visit::<reduce::Sum>(),
        Kind::RowMax => visitor.visit::<reduce::Maximum>(),
        Kind::EmbeddingBackward => visitor.visit::<embedding::ScatterAdd>(),
        _ => return None,
    })
}
