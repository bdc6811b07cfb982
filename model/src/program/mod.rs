//! A unit of work as a straight list of primitive ops in single assignment (M-4.1 to M-4.4).

mod activation;
mod attention;
mod boundary;
mod builder;
mod dropout;
mod gpt;
mod grouped;
mod head;
mod linear;
mod llama;
mod mlp;
mod norm;
mod optimizer;
mod rms_norm;
mod rotary;
mod row;
mod sizes;
mod state;
mod step;
mod table;

pub use boundary::{delta_program, loss_program, merge_program};
pub use row::{Home, Leaf, Link, Lookup, Operand, Range, Row, RowError, Scalar, TERMS_MAX};
pub use state::{StateEntry, first_state, state_entries};
pub use step::{evaluation_program, step_labels, step_program};
pub use table::{ParameterShape, parameter_count, parameter_table};

/// A straight list of rows, each with one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The rows, in order of execution.
    pub rows: Vec<Row>,
    /// Leaves of the op list.
    pub trace_leaves: u32,
    /// Entries of the post-state, delta or base that the program writes.
    pub post_entries: u32,
}
