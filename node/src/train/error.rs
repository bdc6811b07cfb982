//! Why a local training run cannot begin or go on.

use super::text::DATA_BYTES_MAX;
use retrace_model::SpecError;
use retrace_model::tokens::TokensError;
use retrace_verifier::digest::Digest;
use std::io;
use std::path::{Path, PathBuf};

/// A run that cannot begin or go on.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TrainError {
    /// A file or folder.
    #[error("cannot use {path}: {source}")]
    #[diagnostic(help("check the path, its permissions and the space left on its disk"))]
    Disk {
        /// What was touched.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Neither a preset nor a folder.
    #[error("{name} is no model: there is no preset and no folder of this name")]
    #[diagnostic(help("{hint}"))]
    NoModel {
        /// What was asked for.
        name: String,
        /// What there is.
        hint: String,
    },
    /// Nothing that names a run.
    #[error("{name} names no run: {reason}")]
    #[diagnostic(help(
        "name a model of `retrace train`, such as gpt-small, a checkpoint's folder, or a file with the canonical \
         bytes of a run specification"
    ))]
    NoRun {
        /// What was asked for.
        name: String,
        /// Why not.
        reason: String,
    },
    /// Sizes that no step may have.
    #[error("this run is outside the limits: {source}")]
    #[diagnostic(help("choose a smaller --batch or another --model"))]
    Spec {
        /// Which limit.
        source: SpecError,
    },
    /// A folder in Hugging Face's layout that is refused.
    #[error("{path} is not loaded: {reason}")]
    #[diagnostic(help("a folder with config.json and model.safetensors of a GPT-2 or a Llama is expected"))]
    Model {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A model that the layout cannot hold.
    #[error("the checkpoint cannot be written: {reason}")]
    #[diagnostic(help("nothing was saved"))]
    Unwritable {
        /// Why not.
        reason: String,
    },
    /// No sequence fits.
    #[error("{path} has {found} tokens; one sequence of this model needs {needed}")]
    #[diagnostic(help("name a longer file, or a model with a shorter context, such as gpt-tiny"))]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Its tokens.
        found: u64,
        /// Context and one.
        needed: u64,
    },
    /// More than is read.
    #[error("{path} has more than {DATA_BYTES_MAX} bytes")]
    #[diagnostic(help("name a smaller file"))]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Ids that the model does not have, or that are cut.
    #[error("{path} holds no token ids of this model: {source}")]
    #[diagnostic(help(
        "a model with more than 256 token ids trains on a file of little-endian ids, 2 bytes each, or 4 with \
         --ids u32, not on text: numpy.array(ids, dtype='<u2').tofile(FILE)"
    ))]
    Tokens {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TokensError,
    },
    /// Another file than before.
    #[error("{path} is not the file that this checkpoint was trained on: BLAKE3 {found}, not {expected}")]
    #[diagnostic(help("name the same file with --data; to train on another one, start anew with --model"))]
    OtherData {
        /// The file.
        path: PathBuf,
        /// What it hashes to.
        found: Digest,
        /// What the checkpoint names.
        expected: Digest,
    },
    /// Something is in the place of the checkpoint.
    #[error("{path} is not empty")]
    #[diagnostic(help("nothing was touched; name a new folder with --out, or go on with --resume"))]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// Not a checkpoint of ours.
    #[error("{path} is no checkpoint to resume: {reason}")]
    #[diagnostic(help(
        "a checkpoint is a folder that `retrace train --local` wrote; other models start anew with --model"
    ))]
    NoCheckpoint {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// Its tensors are not those that its record names.
    #[error("{path} is damaged: its state hashes to {found}, its record says {expected}")]
    #[diagnostic(help("restore the folder from a copy: going on from other bits would be another run"))]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What it hashes to.
        found: Digest,
        /// What it should.
        expected: Digest,
    },
    /// Nothing is left to do.
    #[error("{path} is at its last step, {steps}")]
    #[diagnostic(help(
        "to train it further under a new schedule, name it with --model, and a new folder with --out"
    ))]
    Finished {
        /// The folder.
        path: PathBuf,
        /// Steps of its run.
        steps: u32,
    },
    /// The loss is no number any more.
    #[error("the loss of step {step} is not a finite number: this run has diverged")]
    #[diagnostic(help("the last checkpoint, if there is one, is untouched; lower --learning-rate"))]
    Diverged {
        /// The step, from 1.
        step: u32,
    },
}

/// What a disk answered about `path`.
pub fn disk(path: &Path) -> impl FnOnce(io::Error) -> TrainError {
    let path = path.to_path_buf();
    |source| TrainError::Disk { path, source }
}
