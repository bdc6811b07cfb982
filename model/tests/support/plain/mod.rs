//! Language models in plain binary64, written from the papers and not from the programs: the gradients' judge.
#![allow(clippy::disallowed_methods)] // the judge is plain binary64 with the platform's functions

mod gpt;
mod llama;
mod mlp;

use retrace_model::{Activation, Architecture, ModelSpec};

/// Rows of numbers: one a token, or one an example.
pub type Matrix = Vec<Vec<f64>>;

/// x W, W row-major with `outputs` columns.
fn project(x: &Matrix, weight: &[f64], outputs: usize) -> Matrix {
    let dot =
        |row: &[f64], j: usize| row.iter().enumerate().map(|(k, v)| v * weight[k * outputs + j]).sum::<f64>();
    x.iter().map(|row| (0..outputs).map(|j| dot(row, j)).collect()).collect()
}

/// x W + b.
fn linear(x: &Matrix, weight: &[f64], bias: &[f64]) -> Matrix {
    let shifted = |row: Vec<f64>| row.iter().zip(bias).map(|(v, b)| v + b).collect();
    project(x, weight, bias.len()).into_iter().map(shifted).collect()
}

fn add(a: &Matrix, b: &Matrix) -> Matrix {
    pairwise(a, b, |x, y| x + y)
}

fn pairwise(a: &Matrix, b: &Matrix, f: impl Fn(f64, f64) -> f64) -> Matrix {
    a.iter().zip(b).map(|(x, y)| x.iter().zip(y).map(|(u, v)| f(*u, *v)).collect()).collect()
}

fn each(x: &Matrix, f: impl Fn(f64) -> f64) -> Matrix {
    x.iter().map(|row| row.iter().map(|v| f(*v)).collect()).collect()
}

/// The error function by its Maclaurin series, or by its continued fraction far out.
fn erf(x: f64) -> f64 {
    let root = std::f64::consts::PI.sqrt();
    if x.abs() > 3.0 {
        let below = (1..80).rev().fold(x.abs(), |tail, k| x.abs() + f64::from(k) / 2.0 / tail);
        return x.signum() * (1.0 - (-x * x).exp() / (root * below));
    }
    let (mut power, mut sum) = (x, x);
    for k in 1..200 {
        power *= -x * x / f64::from(k);
        sum += power / f64::from(2 * k + 1);
    }
    2.0 / root * sum
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        Activation::GeluErf => 0.5 * x * (1.0 + erf(x / 2.0f64.sqrt())),
        Activation::Silu => silu(x),
        Activation::Relu => x.max(0.0),
    }
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|s| (s - top).exp()).sum();
    scores.iter().map(|s| (s - top).exp() / sum).collect()
}

/// What dropout multiplies `size` numbers a layer of sequence `at` by; none where nothing drops.
fn masks(layers: usize, size: usize, kept: &[Vec<f64>], at: usize) -> Matrix {
    let Some(first) = kept.first() else { return Vec::new() };
    let sequences = first.len() / size;
    let row = at % sequences * size;
    (0..layers).map(|layer| kept[at / sequences * layers + layer][row..row + size].to_vec()).collect()
}

/// Softmax attention of one head: position i mixes the values of positions up to i, their weights multiplied by `mask`
/// where there is one.
fn attend(query: &Matrix, key: &Matrix, value: &Matrix, mask: &[f64]) -> Matrix {
    let root = (query[0].len() as f64).sqrt();
    let at = |i: usize| {
        let score = |k: usize| query[i].iter().zip(&key[k]).map(|(q, k)| q * k).sum::<f64>() / root;
        let mut weights = softmax(&(0..=i).map(score).collect::<Vec<_>>());
        weights.iter_mut().zip(mask.iter().skip(i * query.len())).for_each(|(weight, kept)| *weight *= kept);
        let lane = |d: usize| weights.iter().zip(value).map(|(w, v)| w * v[d]).sum();
        (0..value[0].len()).map(lane).collect()
    };
    (0..query.len()).map(at).collect()
}

/// The lanes of head `which`.
fn head(x: &Matrix, which: usize, width: usize) -> Matrix {
    x.iter().map(|row| row[which * width..(which + 1) * width].to_vec()).collect()
}

/// Heads side by side.
fn join(heads: &[Matrix]) -> Matrix {
    (0..heads[0].len()).map(|at| heads.iter().flat_map(|h| h[at].clone()).collect()).collect()
}

/// Rows of `table` that the tokens name.
fn embed(tokens: &[u32], table: &[f64], width: usize) -> Matrix {
    tokens.iter().map(|id| table[*id as usize * width..(*id as usize + 1) * width].to_vec()).collect()
}

/// Logits against a table of one row an id.
fn against(x: &Matrix, table: &[f64]) -> Matrix {
    let width = x[0].len();
    let dot = |row: &Vec<f64>, of: &[f64]| row.iter().zip(of).map(|(a, b)| a * b).sum();
    x.iter().map(|row| table.chunks(width).map(|of| dot(row, of)).collect()).collect()
}

/// Mean cross-entropy in nats of a batch whose sequences are `context + 1` tokens long; `p` in table order. `kept` is
/// what dropout multiplies by: a tensor a micro-batch and layer, of an MLP's hidden layers or a Llama's probabilities.
pub fn loss(model: &ModelSpec, p: &[Vec<f64>], tokens: &[u32], kept: &[Vec<f64>]) -> f64 {
    let (context, mut total, mut count) = (model.context as usize, 0.0, 0.0);
    for (at, sequence) in tokens.chunks(context + 1).enumerate() {
        let (seen, after) = (&sequence[..context], &sequence[1..]);
        let masks = |size: u32| masks(model.layers as usize, size as usize, kept, at);
        let (logits, targets) = match &model.architecture {
            Architecture::Gpt(gpt) => (gpt::logits(model, gpt, p, seen), after),
            Architecture::Llama(llama) => {
                let masks = masks(llama.heads * model.context * model.context);
                (llama::logits(model, llama, p, seen, &masks), after)
            }
            Architecture::Mlp(mlp) => {
                (mlp::logits(model, mlp, p, seen, &masks(model.hidden)), &sequence[context..])
            }
        };
        assert_eq!(logits.len(), targets.len());
        for (row, target) in logits.iter().zip(targets) {
            total -= softmax(row)[*target as usize].ln();
            count += 1.0;
        }
    }
    total / count
}
