//! Checkpoints: a folder in Hugging Face's layout, and beside it what resuming needs.
//!
//! ```text
//! config.json, model.safetensors       the model, as other tools load it
//! tokenizer.json and its like          bytes as tokens, or what the model brought along
//! optimizer.safetensors                what the optimizer keeps for each parameter
//! retrace.json                         run specification, step, data and the state's root
//! ```

mod folder;
mod layout;
mod record;

pub use folder::check_free;
pub use layout::{Carried, Loaded, load};
pub use record::{DataRecord, Record};

use super::error::{TrainError, disk};
use super::plan::check;
use folder::Staged;
use retrace_model::{RunSpec, Words, hub};
use retrace_verifier::digest::Digest;
use retrace_verifier::state::{StateKind, root_of};
use std::path::Path;

/// Name of the record's file.
pub const RECORD: &str = "retrace.json";
/// Name of the weights' file.
const WEIGHTS: &str = "model.safetensors";
/// Name of the optimizer's file.
const OPTIMIZER: &str = "optimizer.safetensors";

/// A run that can go on.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What its record says.
    pub record: Record,
    /// What it trains.
    pub spec: RunSpec,
    /// Parameters, then what the optimizer keeps.
    pub state: Vec<Words>,
    /// Files that came with the model and stay with it.
    pub carried: Carried,
}

/// What was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Root of the state.
    pub state_root: Digest,
    /// BLAKE3 of the weights' file, as `b3sum` prints it.
    pub weights: Digest,
}

impl Checkpoint {
    /// Reads a folder that [`save`] wrote, and checks that the state is the one that its record names.
    ///
    /// # Errors
    /// A folder that is no checkpoint, or one that is damaged.
    pub fn load(path: &Path) -> Result<Checkpoint, TrainError> {
        let refuse = |reason: String| TrainError::NoCheckpoint { path: path.into(), reason };
        let record = Record::read(&path.join(RECORD)).map_err(refuse)?;
        let spec = record.spec().map_err(refuse)?;
        check(&spec).map_err(|source| refuse(source.to_string()))?;
        let Loaded { parameters, carried, .. } = load(path, Some(&spec.model))?;
        let moments = layout::moments(&path.join(OPTIMIZER), &spec).map_err(refuse)?;
        let state: Vec<Words> = parameters.into_iter().chain(moments).collect();
        let (found, expected) =
            (root_of(StateKind::Inner, &spec, &state), record.state_root().map_err(refuse)?);
        if found != expected {
            return Err(TrainError::Damaged { path: path.into(), found, expected });
        }
        if record.step > spec.steps {
            return Err(refuse(format!("it is at step {} of {}", record.step, spec.steps)));
        }
        Ok(Checkpoint { record, spec, state, carried })
    }
}

/// Writes a checkpoint in the place of the one that may be there: whole, or not at all. The record's state root is set
/// here.
///
/// # Errors
/// A disk that refuses, a model that the layout cannot hold.
pub fn save(
    path: &Path,
    mut record: Record,
    spec: &RunSpec,
    state: &[Words],
    carried: &Carried,
) -> Result<Saved, TrainError> {
    let state_root = root_of(StateKind::Inner, spec, state);
    record.state_root = state_root.to_string();
    let staged = Staged::beside(path)?;
    let (parameters, moments) = state.split_at(layout::parameters(spec));
    let mut weights = Digest([0; 32]);
    for hub::File { name, bytes } in layout::model_files(&spec.model, parameters, carried)? {
        if name == WEIGHTS {
            weights = blake3::hash(&bytes).into();
        }
        staged.put(&name, &bytes)?;
    }
    staged.put(OPTIMIZER, &layout::optimizer_file(spec, moments)?)?;
    staged.put(RECORD, &record.text())?;
    staged.commit(path)?;
    Ok(Saved { state_root, weights })
}

/// Reads a file of at most `limit` bytes.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, TrainError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(disk(path))?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, limit + 1), &mut bytes).map_err(disk(path))?;
    if bytes.len() as u64 > limit {
        let reason = format!("{} has more than {limit} bytes", path.display());
        return Err(TrainError::Model { path: path.parent().unwrap_or(path).into(), reason });
    }
    Ok(bytes)
}
