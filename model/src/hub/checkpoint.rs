//! A whole checkpoint: the files of a model, and the model of files (M-7.3 to M-7.6).

use std::collections::BTreeSet;

use super::config::{CONFIG, write_config_like};
use super::layout::{HEAD, Target, is_buffer, layout};
use super::tokenizer::byte_tokenizer;
use super::writer::write;
use super::{HubError, Tensors, read_config, write_config};
use crate::execute::Words;
use crate::program::{ParameterShape, parameter_table};
use crate::spec::ModelSpec;

/// A file of a checkpoint's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name in the folder.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Reads a model: `config` is `config.json`, `files` the weights, one file or all shards of them.
/// The parameters come in table order, as binary32 bits.
///
/// # Errors
/// Whatever is wrong with a file, and every tensor that is missing, unexpected or of another shape, by name.
pub fn import(config: &[u8], files: &[&[u8]]) -> Result<(ModelSpec, Vec<Words>), HubError> {
    let model = read_config(config)?;
    let mut tensors = Tensors::default();
    for file in files {
        tensors.join(Tensors::read(file)?)?;
    }
    let table = parameter_table(&model);
    let targets = layout(&model, &table);
    let mut known = BTreeSet::new();
    let mut parameters = vec![Words::new(); table.len()];
    for target in &targets {
        let (name, words) = take(&tensors, target)?;
        known.insert(name);
        let parts = target.form.split(words, &shapes(&table, target));
        for (at, part) in target.parts.iter().zip(parts) {
            parameters[*at] = part;
        }
    }
    for (name, tensor) in tensors.iter().filter(|(name, _)| !known.contains(name)) {
        // A tied head may be written all the same, as a copy of the embedding, which is the first parameter.
        if name == HEAD && model.tied {
            if Some(&tensor.words(name)?) != parameters.first() {
                return Err(HubError::TiedHead { name: name.to_owned() });
            }
        } else if !is_buffer(&model, name) {
            return Err(HubError::Unexpected { name: name.to_owned() });
        }
    }
    Ok((model, parameters))
}

/// The tensor of a target, under its full name or that of a bare model.
fn take<'a>(tensors: &Tensors, target: &'a Target) -> Result<(&'a str, Words), HubError> {
    let bare = target.name.strip_prefix(target.prefix).unwrap_or(&target.name);
    let found = [target.name.as_str(), bare].into_iter().find_map(|name| Some((name, tensors.get(name)?)));
    let (name, tensor) = found.ok_or_else(|| HubError::Missing { name: target.name.clone() })?;
    if tensor.shape != target.shape {
        let (expected, found) = (target.shape.clone(), tensor.shape.clone());
        return Err(HubError::Shape { name: name.to_owned(), expected, found });
    }
    Ok((name, tensor.words(name)?))
}

fn shapes<'a>(table: &'a [ParameterShape], target: &Target) -> Vec<&'a ParameterShape> {
    target.parts.iter().map(|at| &table[*at]).collect()
}

/// The bytes of `model.safetensors`: equal parameters give equal bytes.
///
/// # Errors
/// When `parameters` are not the tensors of the model's table.
pub fn write_weights(model: &ModelSpec, parameters: &[Words]) -> Result<Vec<u8>, HubError> {
    let table = parameter_table(model);
    if parameters.len() != table.len() {
        return Err(HubError::Parameters { expected: table.len(), found: parameters.len() });
    }
    for (shape, words) in table.iter().zip(parameters) {
        if shape.elements() != words.len() as u64 {
            let (name, expected) = (shape.name.clone(), shape.elements());
            return Err(HubError::ParameterLength { name, expected, found: words.len() });
        }
    }
    let targets = layout(model, &table);
    let described: Vec<_> = targets.iter().map(|t| (t.name.clone(), t.shape.clone())).collect();
    Ok(write(&described, |at| {
        let target = &targets[at];
        let parts: Vec<&[u32]> = target.parts.iter().map(|at| parameters[*at].as_slice()).collect();
        target.form.join(&parts, &shapes(&table, target))
    }))
}

/// The files of a checkpoint: configuration, weights and tokenizer. `carried` are files that came with an imported
/// model: those of its tokenizer, without which a model over 256 ids gets the one that maps text to its bytes, and its
/// `config.json`, of which M-7.6 keeps some members.
///
/// # Errors
/// As [`write_weights`], and what [`import`] refuses in a configuration.
pub fn export(model: &ModelSpec, parameters: &[Words], carried: &[File]) -> Result<Vec<File>, HubError> {
    let weights = write_weights(model, parameters)?;
    let config = match carried.iter().find(|file| file.name == CONFIG) {
        Some(imported) => write_config_like(model, &imported.bytes)?,
        None => write_config(model),
    };
    let mut files = vec![
        File { name: CONFIG.to_owned(), bytes: config.into_bytes() },
        File { name: "model.safetensors".to_owned(), bytes: weights },
    ];
    let made = files.len();
    files.extend(carried.iter().filter(|file| file.name != CONFIG).cloned());
    if files.len() == made && model.vocabulary == 256 {
        files.extend(byte_tokenizer(model.context));
    }
    Ok(files)
}
