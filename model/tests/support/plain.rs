//! A GPT in plain binary64, written from the papers and not from the programs: the gradients' judge.
#![allow(clippy::disallowed_methods)] // the judge is plain binary64 with the platform's functions

use retrace_model::ModelSpec;

type Matrix = Vec<Vec<f64>>;

/// x W + b, W row-major with `outputs` columns.
fn linear(x: &Matrix, weight: &[f64], bias: &[f64]) -> Matrix {
    let outputs = bias.len();
    let dot =
        |row: &[f64], j: usize| row.iter().enumerate().map(|(k, v)| v * weight[k * outputs + j]).sum::<f64>();
    x.iter().map(|row| (0..outputs).map(|j| bias[j] + dot(row, j)).collect()).collect()
}

fn layer_norm(x: &Matrix, gain: &[f64], bias: &[f64]) -> Matrix {
    let one = |row: &Vec<f64>| {
        let n = row.len() as f64;
        let mean = row.iter().sum::<f64>() / n;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + 1e-5).sqrt();
        row.iter().enumerate().map(|(j, v)| (v - mean) * scale * gain[j] + bias[j]).collect()
    };
    x.iter().map(one).collect()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|s| (s - top).exp()).sum();
    scores.iter().map(|s| (s - top).exp() / sum).collect()
}

/// Causal attention over one sequence.
fn attention(x: &Matrix, p: &[Vec<f64>], heads: usize) -> Matrix {
    let [query, key, value] = [0, 2, 4].map(|at| linear(x, &p[at], &p[at + 1]));
    let width = x[0].len();
    let head = width / heads;
    let mut mixed = vec![vec![0.0; width]; x.len()];
    for h in 0..heads {
        let lanes = h * head..(h + 1) * head;
        for i in 0..x.len() {
            let score =
                |k: usize| lanes.clone().map(|d| query[i][d] * key[k][d]).sum::<f64>() / (head as f64).sqrt();
            let weights = softmax(&(0..=i).map(score).collect::<Vec<_>>());
            for (k, weight) in weights.iter().enumerate() {
                lanes.clone().for_each(|d| mixed[i][d] += weight * value[k][d]);
            }
        }
    }
    linear(&mixed, &p[6], &p[7])
}

fn add(a: &Matrix, b: &Matrix) -> Matrix {
    a.iter().zip(b).map(|(x, y)| x.iter().zip(y).map(|(u, v)| u + v).collect()).collect()
}

fn block(x: &Matrix, p: &[Vec<f64>], heads: usize) -> Matrix {
    let middle = add(x, &attention(&layer_norm(x, &p[0], &p[1]), &p[2..10], heads));
    let hidden = linear(&layer_norm(&middle, &p[10], &p[11]), &p[12], &p[13]);
    let active = hidden.iter().map(|row| row.iter().map(|v| gelu(*v)).collect()).collect();
    add(&middle, &linear(&active, &p[14], &p[15]))
}

/// Mean cross-entropy in nats of a batch whose sequences are `context + 1` tokens long; `p` in table order.
pub fn loss(model: &ModelSpec, p: &[Vec<f64>], tokens: &[u32]) -> f64 {
    let (context, width) = (model.context as usize, model.width as usize);
    let mut total = 0.0;
    for sequence in tokens.chunks(context + 1) {
        let embed = |(at, id): (usize, &u32)| {
            (0..width).map(|j| p[0][*id as usize * width + j] + p[1][at * width + j]).collect()
        };
        let mut x: Matrix = sequence[..context].iter().enumerate().map(embed).collect();
        for layer in 0..model.layers as usize {
            x = block(&x, &p[2 + 16 * layer..18 + 16 * layer], model.heads().expect("attention") as usize);
        }
        let x = layer_norm(&x, &p[p.len() - 2], &p[p.len() - 1]);
        for (row, target) in x.iter().zip(&sequence[1..]) {
            let logit =
                |id: usize| row.iter().enumerate().map(|(j, v)| v * p[0][id * width + j]).sum::<f64>();
            let logits: Vec<f64> = (0..model.vocabulary as usize).map(logit).collect();
            total -= softmax(&logits)[*target as usize].ln();
        }
    }
    total / (tokens.len() / (context + 1) * context) as f64
}
