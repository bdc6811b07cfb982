//! The parameters of a model, by name and shape, in state order (M-4.4).

use crate::spec::{Architecture, ModelSpec};

/// One parameter tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterShape {
    /// Field-standard name, as Hugging Face spells it where it has one.
    pub name: String,
    /// Rows; 1 for vectors.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// True for matrices: they are decayed, and initialized from the seed.
    pub is_matrix: bool,
    /// True for the two projections into the residual stream of each block: they start smaller (M-6.2).
    pub is_residual: bool,
    /// True for norm gains, which start at one.
    pub is_gain: bool,
}

impl ParameterShape {
    /// A matrix, inputs along rows unless it is a table of embeddings.
    pub(crate) fn matrix(name: String, rows: u32, columns: u32) -> ParameterShape {
        ParameterShape { name, rows, columns, is_matrix: true, is_residual: false, is_gain: false }
    }

    /// A matrix that writes into the residual stream.
    pub(crate) fn residual(name: String, rows: u32, columns: u32) -> ParameterShape {
        ParameterShape { is_residual: true, ..ParameterShape::matrix(name, rows, columns) }
    }

    /// A bias.
    pub(crate) fn bias(name: String, columns: u32) -> ParameterShape {
        ParameterShape { name, rows: 1, columns, is_matrix: false, is_residual: false, is_gain: false }
    }

    /// The gain of a norm.
    pub(crate) fn gain(name: String, columns: u32) -> ParameterShape {
        ParameterShape { is_gain: true, ..ParameterShape::bias(name, columns) }
    }

    /// Elements of the tensor.
    pub fn elements(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns)
    }

    /// The shape as the state root names it: vectors have one dimension.
    pub fn shape(&self) -> Vec<u32> {
        if self.is_matrix { vec![self.rows, self.columns] } else { vec![self.columns] }
    }
}

/// All parameters of a model, in state order.
pub fn parameter_table(model: &ModelSpec) -> Vec<ParameterShape> {
    match &model.architecture {
        Architecture::Gpt(_) => super::gpt::parameters(model),
        Architecture::Llama(llama) => super::llama::parameters(model, llama),
        Architecture::Mlp(_) => super::mlp::parameters(model),
    }
}

/// Length of [`parameter_table`], for who would rather not make it: layers may be many.
pub fn parameter_count(model: &ModelSpec) -> u64 {
    let (layers, head) = (u64::from(model.layers), u64::from(!model.tied));
    match &model.architecture {
        Architecture::Gpt(_) => 4 + 16 * layers + head,
        Architecture::Llama(_) => 2 + 9 * layers + head,
        Architecture::Mlp(_) => 1 + 2 * layers + 2,
    }
}
