//! The files of a model in Hugging Face's layout, read from and made for a folder (M-7).

use super::super::error::TrainError;
use super::{OPTIMIZER, WEIGHTS, read_bounded};
use retrace_model::hub::{self, File, TOKENIZER_FILE_MAX, TOKENIZER_FILES, Tensors};
use retrace_model::program::{StateEntry, parameter_table, state_entries};
use retrace_model::{ModelSpec, RunSpec, Words};
use std::path::Path;

/// Longest `config.json`, and longest list of a large model's files.
const TEXT_BYTES_MAX: u64 = 16 << 20;
/// Longest file of weights: more than this machine could train.
const WEIGHTS_BYTES_MAX: u64 = 1 << 36;
/// The list of files of a model that has more than one.
const INDEX: &str = "model.safetensors.index.json";

/// Files that came with a model and stay with it: its tokenizer, and for the sake of its special tokens its
/// `config.json`.
pub type Carried = Vec<File>;

/// A model from a folder.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its sizes.
    pub model: ModelSpec,
    /// Its parameters, in table order.
    pub parameters: Vec<Words>,
    /// Its tokenizer's files and its configuration.
    pub carried: Carried,
}

/// Reads the model in `folder`; with `expected`, only that one.
///
/// # Errors
/// Files that cannot be read, or hold something else, by name.
pub fn load(folder: &Path, expected: Option<&ModelSpec>) -> Result<Loaded, TrainError> {
    let refuse = |reason: String| TrainError::Model { path: folder.into(), reason };
    let config = read_bounded(&folder.join("config.json"), TEXT_BYTES_MAX)?;
    let index = folder.join(INDEX);
    let names = if index.exists() && !folder.join(WEIGHTS).exists() {
        let text = read_bounded(&index, TEXT_BYTES_MAX)?;
        hub::shard_names(&text).map_err(|error| refuse(error.to_string()))?
    } else {
        vec![WEIGHTS.to_string()]
    };
    let read = |name: &String| read_bounded(&folder.join(name), WEIGHTS_BYTES_MAX);
    let files = names.iter().map(read).collect::<Result<Vec<Vec<u8>>, TrainError>>()?;
    let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let (model, parameters) = hub::import(&config, &slices).map_err(|error| refuse(error.to_string()))?;
    if expected.is_some_and(|expected| *expected != model) {
        return Err(refuse("its config.json describes another model than its retrace.json".into()));
    }
    let mut carried = vec![File { name: "config.json".to_string(), bytes: config }];
    for name in TOKENIZER_FILES.into_iter().filter(|name| folder.join(name).exists()) {
        let bytes = read_bounded(&folder.join(name), TOKENIZER_FILE_MAX)?;
        carried.push(File { name: name.to_string(), bytes });
    }
    Ok(Loaded { model, parameters, carried })
}

/// Tensors of a run's state that are parameters.
pub fn parameters(spec: &RunSpec) -> usize {
    parameter_table(&spec.model).len()
}

/// The files of a checkpoint that other tools load.
///
/// # Errors
/// A model that the layout cannot hold.
pub fn model_files(
    model: &ModelSpec,
    parameters: &[Words],
    carried: &Carried,
) -> Result<Vec<File>, TrainError> {
    hub::export(model, parameters, carried)
        .map_err(|error| TrainError::Unwritable { reason: error.to_string() })
}

/// What the optimizer keeps, in state order.
fn kept(spec: &RunSpec) -> impl Iterator<Item = (String, Vec<u64>)> {
    let entries = state_entries(spec).into_iter().filter(|entry| !entry.prefix.is_empty());
    entries.map(|StateEntry { prefix, parameter }| {
        let shape = parameter.shape().into_iter().map(u64::from).collect();
        (format!("{prefix}{}", parameter.name), shape)
    })
}

/// The bytes of the optimizer's file.
///
/// # Errors
/// Tensors of other sizes than the run's.
pub fn optimizer_file(spec: &RunSpec, moments: &[Words]) -> Result<Vec<u8>, TrainError> {
    let tensors: Vec<(String, Vec<u64>, Words)> =
        kept(spec).zip(moments).map(|((name, shape), words)| (name, shape, words.clone())).collect();
    hub::write_tensors(&tensors).map_err(|error| TrainError::Unwritable { reason: error.to_string() })
}

/// What the optimizer kept, from its file; the reason why it is none otherwise.
pub fn moments(path: &Path, spec: &RunSpec) -> Result<Vec<Words>, String> {
    let bytes = read_bounded(path, WEIGHTS_BYTES_MAX).map_err(|error| error.to_string())?;
    let tensors = Tensors::read(&bytes).map_err(|error| format!("{OPTIMIZER}: {error}"))?;
    let words = |(name, shape): (String, Vec<u64>)| {
        let tensor = tensors.get(&name).filter(|tensor| tensor.shape == shape);
        let tensor = tensor.ok_or_else(|| format!("{OPTIMIZER} has no {name} of the model's shape"))?;
        tensor.words(&name).map_err(|error| format!("{OPTIMIZER}: {error}"))
    };
    kept(spec).map(words).collect()
}
