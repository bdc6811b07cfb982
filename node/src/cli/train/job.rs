//! From arguments to a run that is ready to go. Whatever can be refused is refused before anything is computed.

use super::{Args, Ids};
use crate::train::{Asked, Checkpoint, Job, Loaded, PRESETS, Plan, Text, TrainError, check_free, load};
use retrace_model::tokens::TokenFormat;
use std::path::{Path, PathBuf};

/// The run that the arguments ask for.
pub fn job(args: &Args) -> Result<Job, TrainError> {
    match &args.resume {
        Some(folder) => resumed(args, folder),
        None => fresh(args),
    }
}

fn resumed(args: &Args, folder: &Path) -> Result<Job, TrainError> {
    let checkpoint = Checkpoint::load(folder)?;
    let out = match args.out.as_deref().filter(|out| *out != folder) {
        Some(out) => {
            check_free(out)?;
            out
        }
        None => folder,
    };
    if checkpoint.record.step == checkpoint.spec.steps {
        return Err(TrainError::Finished { path: folder.into(), steps: checkpoint.spec.steps });
    }
    let model = &checkpoint.spec.model;
    let path = args.data.as_ref().unwrap_or(&checkpoint.record.data.path);
    let format = checkpoint.record.token_format();
    let format = format.map_err(|reason| TrainError::NoCheckpoint { path: folder.into(), reason })?;
    let text = Text::read(path, format, model.vocabulary, u64::from(model.context) + 1)?;
    Job::resume(checkpoint, text, out.to_path_buf())
}

fn fresh(args: &Args) -> Result<Job, TrainError> {
    // The parser sees to it that these are there.
    let name = args.model.as_deref().unwrap_or(PRESETS[0]);
    let asked = Asked {
        steps: args.steps.unwrap_or(1),
        seed: args.seed,
        batch: args.batch,
        peak: args.learning_rate,
    };
    let folder = Path::new(name);
    let is_folder = !PRESETS.contains(&name) && folder.is_dir();
    let (plan, carried) = if is_folder {
        let Loaded { model, parameters, carried } = load(folder, None)?;
        (Plan::of_model(name, model, parameters, &asked)?, carried)
    } else {
        (Plan::of_preset(name, &asked)?, Vec::new())
    };
    let out = match &args.out {
        Some(out) => {
            check_free(out)?;
            out.clone()
        }
        None => free_beside(folder),
    };
    let model = &plan.spec.model;
    let data = args.data.clone().unwrap_or_default();
    let format = format(args.ids, model.vocabulary);
    let text = Text::read(&data, format, model.vocabulary, u64::from(model.context) + 1)?;
    Ok(Job::start(plan, text, out, carried))
}

/// Bytes for a model over bytes, ids as asked for otherwise, and no wider than they must be where nothing is.
fn format(asked: Option<Ids>, vocabulary: u32) -> TokenFormat {
    match asked {
        Some(Ids::Bytes) => TokenFormat::Bytes,
        Some(Ids::U16) => TokenFormat::U16,
        Some(Ids::U32) => TokenFormat::U32,
        None if vocabulary == 256 => TokenFormat::Bytes,
        None if vocabulary <= 1 << 16 => TokenFormat::U16,
        None => TokenFormat::U32,
    }
}

/// A folder that is nobody's yet, in the working folder and named after the model.
fn free_beside(model: &Path) -> PathBuf {
    let name = model.file_name().map_or("model".into(), |name| name.to_string_lossy().into_owned());
    let numbered =
        (1..).map(|n| if n == 1 { format!("{name}-checkpoint") } else { format!("{name}-checkpoint-{n}") });
    let free = numbered.map(PathBuf::from).find(|path| check_free(path).is_ok());
    free.unwrap_or_else(|| "checkpoint".into())
}
