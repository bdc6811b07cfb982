//! A GPT-2 (Radford et al. 2019): learned positions, pre-norm blocks.

use super::{Matrix, activate, add, against, attend, each, embed, head, join, linear};
use retrace_model::{GptSpec, ModelSpec};

fn layer_norm(x: &Matrix, gain: &[f64], bias: &[f64], epsilon: f64) -> Matrix {
    let one = |row: &Vec<f64>| {
        let n = row.len() as f64;
        let mean = row.iter().sum::<f64>() / n;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + epsilon).sqrt();
        row.iter().enumerate().map(|(j, v)| (v - mean) * scale * gain[j] + bias[j]).collect()
    };
    x.iter().map(one).collect()
}

/// Causal attention over one sequence.
fn attention(x: &Matrix, p: &[Vec<f64>], heads: usize) -> Matrix {
    let [query, key, value] = [0, 2, 4].map(|at| linear(x, &p[at], &p[at + 1]));
    let width = x[0].len() / heads;
    let of = |h: usize| attend(&head(&query, h, width), &head(&key, h, width), &head(&value, h, width), &[]);
    linear(&join(&(0..heads).map(of).collect::<Vec<_>>()), &p[6], &p[7])
}

/// Logits of every position of one sequence.
pub fn logits(model: &ModelSpec, gpt: &GptSpec, p: &[Vec<f64>], tokens: &[u32]) -> Matrix {
    let epsilon = f64::from(f32::from_bits(gpt.norm_epsilon.0));
    let width = model.width as usize;
    let positions = p[1].chunks(width).map(<[f64]>::to_vec).collect();
    let mut x = add(&embed(tokens, &p[0], width), &positions);
    for p in p[2..].chunks(16).take(model.layers as usize) {
        let middle =
            add(&x, &attention(&layer_norm(&x, &p[0], &p[1], epsilon), &p[2..10], gpt.heads as usize));
        let hidden = linear(&layer_norm(&middle, &p[10], &p[11], epsilon), &p[12], &p[13]);
        let active = each(&hidden, |v| activate(gpt.activation, v));
        x = add(&middle, &linear(&active, &p[14], &p[15]));
    }
    let last = 2 + 16 * model.layers as usize;
    let x = layer_norm(&x, &p[last], &p[last + 1], epsilon);
    against(&x, if model.tied { &p[0] } else { &p[last + 2] })
}
