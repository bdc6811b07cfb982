//! Models in and out in Hugging Face's layout, as bytes: who calls reads and writes the files (M-7).

mod checkpoint;
mod config;
mod dtype;
mod error;
mod header;
mod index;
mod layout;
mod reader;
mod text;
mod tokenizer;
mod writer;

pub use checkpoint::{File, export, import, write_weights};
pub use config::{read_config, write_config};
pub use dtype::Dtype;
pub use error::HubError;
pub use index::shard_names;
pub use reader::{Tensor, Tensors};
pub use tokenizer::{TOKENIZER_FILE_MAX, TOKENIZER_FILES};
pub use writer::write_tensors;
