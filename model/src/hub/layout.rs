//! Which tensors a checkpoint has, and which parameters of ours each of them holds (M-7.3, M-7.4).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::execute::Words;
use crate::program::ParameterShape;
use crate::spec::{Architecture, ModelSpec};

/// A tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Full name, as it is written.
    pub name: String,
    /// Its prefix, which a checkpoint of the bare model leaves out.
    pub prefix: &'static str,
    /// Its shape.
    pub shape: Vec<u64>,
    /// The parameters inside, by their place in the table.
    pub parts: Vec<usize>,
    /// How they lie in it.
    pub form: Form,
}

/// How a tensor holds parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One, as it is.
    Same,
    /// One matrix, outputs along rows.
    Transposed,
    /// Several with the same rows, side by side.
    SideBySide,
}

/// The tensors of a checkpoint of `model`, in the order in which they are written.
pub(super) fn layout(model: &ModelSpec, table: &[ParameterShape]) -> Vec<Target> {
    let places: BTreeMap<&str, usize> =
        table.iter().enumerate().map(|(at, shape)| (shape.name.as_str(), at)).collect();
    let target = |(at, shape): (usize, &ParameterShape)| {
        let prefix = prefix(model, &shape.name);
        match &model.architecture {
            Architecture::Gpt(_) => gpt(shape, at, &places),
            Architecture::Llama(_) if shape.name.ends_with("_proj.weight") => {
                Some((shape.name.clone(), vec![shape.columns, shape.rows], vec![at], Form::Transposed))
            }
            Architecture::Llama(_) | Architecture::Mlp(_) => {
                Some((shape.name.clone(), shape.shape(), vec![at], Form::Same))
            }
        }
        .map(|(name, shape, parts, form)| {
            let shape = shape.into_iter().map(u64::from).collect();
            Target { name: format!("{prefix}{name}"), prefix, shape, parts, form }
        })
    };
    table.iter().enumerate().filter_map(target).collect()
}

/// GPT-2 keeps query, key and value in one matrix: it stands where the query stands, the other two have no own.
fn gpt(
    shape: &ParameterShape,
    at: usize,
    places: &BTreeMap<&str, usize>,
) -> Option<(String, Vec<u32>, Vec<usize>, Form)> {
    let name = &shape.name;
    if name.contains(".attn.key.") || name.contains(".attn.value.") {
        return None;
    }
    if !name.contains(".attn.query.") {
        return Some((name.clone(), shape.shape(), vec![at], Form::Same));
    }
    let joined = |part: &str| name.replace(".attn.query.", &format!(".attn.{part}."));
    let parts: Vec<usize> =
        ["query", "key", "value"].iter().filter_map(|p| places.get(joined(p).as_str()).copied()).collect();
    let mut sizes = shape.shape();
    if let Some(columns) = sizes.last_mut() {
        *columns *= parts.len() as u32;
    }
    Some((joined("c_attn"), sizes, parts, Form::SideBySide))
}

/// What comes before a parameter's name in a checkpoint with a head.
fn prefix(model: &ModelSpec, name: &str) -> &'static str {
    match &model.architecture {
        _ if name == HEAD => "",
        Architecture::Gpt(_) => "transformer.",
        Architecture::Llama(_) => "model.",
        Architecture::Mlp(_) => "",
    }
}

/// The head's own table, where it is not tied.
pub(super) const HEAD: &str = "lm_head.weight";

/// True for a buffer that some versions write beside the weights: it is made from the configuration.
pub(super) fn is_buffer(model: &ModelSpec, name: &str) -> bool {
    match &model.architecture {
        Architecture::Gpt(_) => name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"),
        Architecture::Llama(_) => name.ends_with(".rotary_emb.inv_freq"),
        Architecture::Mlp(_) => false,
    }
}

impl Form {
    /// The tensor's elements from those of its parts; `parts` go with `shapes`.
    pub fn join<'a>(self, parts: &[&'a [u32]], shapes: &[&ParameterShape]) -> Cow<'a, [u32]> {
        match (self, parts, shapes) {
            (Form::Same, [part], _) => Cow::Borrowed(part),
            (Form::Transposed, [part], [shape]) => {
                Cow::Owned(transpose(part, shape.rows as usize, shape.columns as usize))
            }
            _ => Cow::Owned(side_by_side(parts, shapes)),
        }
    }

    /// The parts of a tensor, [`Form::join`]'s inverse.
    pub fn split(self, words: Words, shapes: &[&ParameterShape]) -> Vec<Words> {
        match (self, shapes) {
            (Form::Transposed, [shape]) => {
                vec![transpose(&words, shape.columns as usize, shape.rows as usize)]
            }
            (Form::SideBySide, _) => {
                let mut parts: Vec<Words> =
                    shapes.iter().map(|shape| Words::with_capacity(shape.elements() as usize)).collect();
                let mut left = words.as_slice();
                while !left.is_empty() {
                    for (part, shape) in parts.iter_mut().zip(shapes) {
                        let (row, rest) = left.split_at(shape.columns as usize);
                        part.extend_from_slice(row);
                        left = rest;
                    }
                }
                parts
            }
            _ => vec![words],
        }
    }
}

fn side_by_side(parts: &[&[u32]], shapes: &[&ParameterShape]) -> Words {
    let rows = shapes.first().map_or(0, |shape| shape.rows as usize);
    let mut joined = Words::with_capacity(parts.iter().map(|part| part.len()).sum());
    for row in 0..rows {
        for (part, shape) in parts.iter().zip(shapes) {
            let columns = shape.columns as usize;
            joined.extend_from_slice(&part[row * columns..(row + 1) * columns]);
        }
    }
    joined
}

/// Side of a block that is transposed at a time: both its rows and its columns stay in the cache.
const BLOCK: usize = 32;

/// A (rows, columns) matrix as (columns, rows).
fn transpose(words: &[u32], rows: usize, columns: usize) -> Words {
    let mut out = vec![0; words.len()];
    for top in (0..rows).step_by(BLOCK) {
        for left in (0..columns).step_by(BLOCK) {
            for row in top..rows.min(top + BLOCK) {
                for column in left..columns.min(left + BLOCK) {
                    out[column * rows + row] = words[row * columns + column];
                }
            }
        }
    }
    out
}
