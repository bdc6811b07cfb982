//! `retrace.json`: what a checkpoint is a checkpoint of.

use retrace_model::RunSpec;
use retrace_model::tokens::TokenFormat;
use retrace_verifier::digest::Digest;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The version of this file.
const FORMAT: u32 = 1;
/// Longest file.
const BYTES_MAX: u64 = 1 << 16;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of this file.
    pub format: u32,
    /// Name of the model, for people.
    pub model: String,
    /// Version of the arithmetic, for people: the specification has it too.
    pub arithmetic_version: u16,
    /// Canonical bytes of the run specification (M-6.1) in hexadecimal.
    pub spec: String,
    /// Seed of the parameters, the data order and dropout, in hexadecimal.
    pub seed: String,
    /// Steps done.
    pub step: u32,
    /// Steps of the whole run.
    pub steps: u32,
    /// What it trains on.
    pub data: DataRecord,
    /// Bits of the last step's loss, binary32 in nats a token, in hexadecimal; none before the first.
    pub loss_bits: Option<String>,
    /// Root of the whole state (V-1.3).
    pub state_root: String,
}

/// The file that is trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// Where it was.
    pub path: PathBuf,
    /// Bytes of a token id in it.
    pub id_bytes: usize,
    /// Tokens that are trained on.
    pub training_tokens: u64,
    /// Tokens that are held out.
    pub held_out_tokens: u64,
    /// BLAKE3 of the file.
    pub blake3: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

impl Record {
    /// A record of a run at its beginning; its state has no root yet.
    pub fn new(model: &str, spec: &RunSpec, data: DataRecord) -> Record {
        Record {
            format: FORMAT,
            model: model.into(),
            arithmetic_version: spec.arithmetic_version,
            spec: hex(&borsh::to_vec(spec).unwrap_or_default()),
            seed: hex(&spec.seed),
            step: 0,
            steps: spec.steps,
            data,
            loss_bits: None,
            state_root: String::new(),
        }
    }

    /// The same run, later.
    pub fn at(&self, step: u32, loss: Option<u32>) -> Record {
        Record { step, loss_bits: loss.map(|bits| format!("{bits:08x}")), ..self.clone() }
    }

    /// Reads the file; the reason why it is none otherwise.
    pub fn read(path: &Path) -> Result<Record, String> {
        let bytes = super::read_bounded(path, BYTES_MAX).map_err(|error| error.to_string())?;
        let record: Record =
            serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        match record.format {
            FORMAT => Ok(record),
            other => Err(format!("it is of format {other}, this build reads {FORMAT}")),
        }
    }

    /// The run specification.
    pub fn spec(&self) -> Result<RunSpec, String> {
        let bytes = unhex(&self.spec).ok_or("its run specification is not hexadecimal")?;
        borsh::from_slice(&bytes).map_err(|error| format!("its run specification cannot be read: {error}"))
    }

    /// The root of the state.
    pub fn state_root(&self) -> Result<Digest, String> {
        self.state_root.parse().map_err(|error| format!("its state root cannot be read: {error}"))
    }

    /// The digest of the data.
    pub fn data_digest(&self) -> Result<Digest, String> {
        self.data.blake3.parse().map_err(|error| format!("its data's digest cannot be read: {error}"))
    }

    /// How the data holds token ids.
    pub fn token_format(&self) -> Result<TokenFormat, String> {
        let formats = [TokenFormat::Bytes, TokenFormat::U16, TokenFormat::U32];
        let found = formats.into_iter().find(|format| format.width() == self.data.id_bytes);
        found.ok_or_else(|| format!("its data has token ids of {} bytes", self.data.id_bytes))
    }

    /// Bits of the last step's loss.
    pub fn loss(&self) -> Option<u32> {
        u32::from_str_radix(self.loss_bits.as_deref()?, 16).ok()
    }

    /// The file's text.
    pub fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }
}
