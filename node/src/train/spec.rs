//! A run specification by whatever names one.

use super::checkpoint::{RECORD, Record, read_bounded};
use super::error::TrainError;
use super::plan::{Asked, Plan, check};
use super::preset::Preset;
use retrace_model::RunSpec;
use std::path::Path;

/// Longest file of a run specification.
const BYTES_MAX: u64 = 1 << 12;

/// The run that is named: a preset, a checkpoint's folder or its record, or a file with canonical bytes (M-6.1).
///
/// # Errors
/// A name of nothing, or of a run outside the limits.
pub fn spec_named(name: &str) -> Result<RunSpec, TrainError> {
    if Preset::named(name).is_some() {
        let asked = Asked { steps: 1_000, seed: 1, batch: None, peak: None };
        return Ok(Plan::of_preset(name, &asked)?.spec);
    }
    let refuse = |reason: String| TrainError::NoRun { name: name.into(), reason };
    let path = Path::new(name);
    let record = if path.is_dir() { path.join(RECORD) } else { path.to_path_buf() };
    let spec = if record.extension().is_some_and(|extension| extension == "json") {
        Record::read(&record).and_then(|record| record.spec()).map_err(refuse)?
    } else {
        let bytes = read_bounded(path, BYTES_MAX).map_err(|error| refuse(error.to_string()))?;
        borsh::from_slice(&bytes)
            .map_err(|error| refuse(format!("it holds no run specification: {error}")))?
    };
    check(&spec).map_err(|source| TrainError::Spec { source })?;
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::{TrainError, spec_named};

    #[test]
    fn a_run_is_named_by_its_model_or_its_bytes() {
        let spec = spec_named("gpt-small").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spec.bin");
        let bytes = borsh::to_vec(&spec).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let named = |path: &std::path::Path| spec_named(path.to_str().unwrap());
        assert_eq!(named(&path).unwrap(), spec);
        std::fs::write(&path, &bytes[1..]).unwrap();
        assert!(named(&path).is_err());
        assert!(matches!(spec_named("no such thing"), Err(TrainError::NoRun { .. })));
        // A folder without a record.
        assert!(matches!(named(folder.path()), Err(TrainError::NoRun { .. })));
    }
}
