//! Models in and out in Hugging Face's layout, as bytes: who calls reads and writes the files (M-7).

mod dtype;
mod error;
mod header;
mod reader;
mod writer;

pub use dtype::Dtype;
pub use error::HubError;
pub use reader::{Tensor, Tensors};
pub use writer::write_tensors;
