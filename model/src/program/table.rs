//! The parameters of a model, by name and shape, in state order (M-4.4).

use crate::spec::GptSpec;

/// One parameter tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterShape {
    /// Field-standard name, as Hugging Face's GPT-2 spells it where it has one.
    pub name: String,
    /// Rows; 1 for vectors.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// True for matrices: they are decayed, and initialized from the seed.
    pub is_matrix: bool,
    /// True for the two projections into the residual stream of each block.
    pub is_residual: bool,
    /// True for norm gains, which start at one.
    pub is_gain: bool,
}

impl ParameterShape {
    /// Elements of the tensor.
    pub fn elements(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns)
    }

    /// The shape as the state root names it: vectors have one dimension.
    pub fn shape(&self) -> Vec<u32> {
        if self.is_matrix { vec![self.rows, self.columns] } else { vec![self.columns] }
    }
}

fn matrix(name: String, rows: u32, columns: u32) -> ParameterShape {
    let is_residual = name.ends_with("c_proj.weight");
    ParameterShape { name, rows, columns, is_matrix: true, is_residual, is_gain: false }
}

fn vector(name: String, columns: u32) -> ParameterShape {
    let is_gain = name.contains("ln_") && name.ends_with("weight");
    ParameterShape { name, rows: 1, columns, is_matrix: false, is_residual: false, is_gain }
}

/// Parameters of one block, in state order: the builders index them by these positions.
pub(crate) const BLOCK_PARAMETERS: usize = 16;

/// All parameters of the model: two embeddings, the blocks, the last norm.
pub fn parameter_table(model: &GptSpec) -> Vec<ParameterShape> {
    let (width, hidden) = (model.width, model.hidden);
    let mut table = vec![
        matrix("wte.weight".into(), model.vocabulary, width),
        matrix("wpe.weight".into(), model.context, width),
    ];
    for layer in 0..model.layers {
        let at = |part: &str| format!("h.{layer}.{part}");
        table.push(vector(at("ln_1.weight"), width));
        table.push(vector(at("ln_1.bias"), width));
        for part in ["query", "key", "value", "c_proj"] {
            table.push(matrix(at(&format!("attn.{part}.weight")), width, width));
            table.push(vector(at(&format!("attn.{part}.bias")), width));
        }
        table.push(vector(at("ln_2.weight"), width));
        table.push(vector(at("ln_2.bias"), width));
        table.push(matrix(at("mlp.c_fc.weight"), width, hidden));
        table.push(vector(at("mlp.c_fc.bias"), hidden));
        table.push(matrix(at("mlp.c_proj.weight"), hidden, width));
        table.push(vector(at("mlp.c_proj.bias"), width));
    }
    table.push(vector("ln_f.weight".into(), width));
    table.push(vector("ln_f.bias".into(), width));
    table
}
