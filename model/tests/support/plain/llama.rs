//! A Llama (Touvron et al. 2023): root-mean-square norms (Zhang and Sennrich 2019), rotary positions (Su et al. 2021,
//! halves as in GPT-NeoX), grouped queries (Ainslie et al. 2023), a gated hidden layer (Shazeer 2020).

use super::{Matrix, add, against, attend, each, embed, head, join, pairwise, project, silu};
use retrace_model::{LlamaSpec, ModelSpec};

fn number(bits: retrace_model::F32Bits) -> f64 {
    f64::from(f32::from_bits(bits.0))
}

fn norm(x: &Matrix, gain: &[f64], epsilon: f64) -> Matrix {
    let one = |row: &Vec<f64>| {
        let mean = row.iter().map(|v| v * v).sum::<f64>() / row.len() as f64;
        row.iter().zip(gain).map(|(v, g)| v / (mean + epsilon).sqrt() * g).collect()
    };
    x.iter().map(one).collect()
}

/// Lanes j and j + half are a point of the plane, turned by position times base^(-2j / width).
fn rotate(x: &Matrix, base: f64) -> Matrix {
    let width = x[0].len();
    let half = width / 2;
    let mut turned = x.clone();
    for (position, (row, from)) in turned.iter_mut().zip(x).enumerate() {
        for j in 0..half {
            let angle = position as f64 * base.powf(-2.0 * j as f64 / width as f64);
            row[j] = from[j] * angle.cos() - from[j + half] * angle.sin();
            row[j + half] = from[j + half] * angle.cos() + from[j] * angle.sin();
        }
    }
    turned
}

/// Causal attention over one sequence; `p` are the four projections, `mask` is (head, query, key) or empty.
fn attention(x: &Matrix, p: &[Vec<f64>], llama: &LlamaSpec, mask: &[f64]) -> Matrix {
    let width = x[0].len() / llama.heads as usize;
    let shared = width * llama.key_value_heads as usize;
    let (query, key, value) =
        (project(x, &p[0], x[0].len()), project(x, &p[1], shared), project(x, &p[2], shared));
    let members = (llama.heads / llama.key_value_heads) as usize;
    let base = number(llama.rope_base);
    let of = |h: usize| {
        let (query, key) = (head(&query, h, width), head(&key, h / members, width));
        let mask = mask.chunks(x.len() * x.len()).nth(h).unwrap_or_default();
        attend(&rotate(&query, base), &rotate(&key, base), &head(&value, h / members, width), mask)
    };
    project(&join(&(0..llama.heads as usize).map(of).collect::<Vec<_>>()), &p[3], x[0].len())
}

/// Logits of every position of one sequence; `masks` multiply the blocks' probabilities where there are any.
pub fn logits(
    model: &ModelSpec,
    llama: &LlamaSpec,
    p: &[Vec<f64>],
    tokens: &[u32],
    masks: &Matrix,
) -> Matrix {
    let (width, hidden, epsilon) = (model.width as usize, model.hidden as usize, number(llama.norm_epsilon));
    let mut x = embed(tokens, &p[0], width);
    for (at, p) in p[1..].chunks(9).take(model.layers as usize).enumerate() {
        let mask = masks.get(at).map_or(&[][..], Vec::as_slice);
        let middle = add(&x, &attention(&norm(&x, &p[0], epsilon), &p[1..5], llama, mask));
        let seen = norm(&middle, &p[5], epsilon);
        let gate = each(&project(&seen, &p[6], hidden), silu);
        let gated = pairwise(&gate, &project(&seen, &p[7], hidden), |g, u| g * u);
        x = add(&middle, &project(&gated, &p[8], width));
    }
    let last = 1 + 9 * model.layers as usize;
    let x = norm(&x, &p[last], epsilon);
    against(&x, if model.tied { &p[0] } else { &p[last + 1] })
}
