//! candle's side of a training step: `candle_step THREADS LAYERS WIDTH HEADS CONTEXT BATCH`.
//!
//! Reads `step N` lines and answers each with `{"seconds": ..., "loss": ...}`, the mean of N steps. candle has no
//! backward for its fast layer norm, softmax and attention, so the slow forms stand here.

use std::io::{BufRead, Write};
use std::time::Instant;

use candle_core::backprop::GradStore;
use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::{AdamW, Embedding, Init, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, loss, ops};

const VOCABULARY: usize = 256;
const BATCHES: usize = 8;
const CLIP_NORM: f64 = 1.0;
const NORM_EPSILON: f32 = 1e-5;

struct Norm(Tensor, Tensor);

impl Norm {
    fn new(width: usize, variables: VarBuilder) -> Result<Norm> {
        let gain = variables.get_with_hints(width, "weight", Init::Const(1.0))?;
        Ok(Norm(gain, variables.get_with_hints(width, "bias", Init::Const(0.0))?))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm_slow(x, &self.0, &self.1, NORM_EPSILON)
    }
}

struct Block {
    heads: usize,
    norms: [Norm; 2],
    attention: Linear,
    projection: Linear,
    expand: Linear,
    shrink: Linear,
}

impl Block {
    fn new(width: usize, heads: usize, variables: VarBuilder) -> Result<Block> {
        let linear = |from, to, name: &str| candle_nn::linear(from, to, variables.pp(name));
        Ok(Block {
            heads,
            norms: [Norm::new(width, variables.pp("norm_1"))?, Norm::new(width, variables.pp("norm_2"))?],
            attention: linear(width, 3 * width, "attention")?,
            projection: linear(width, width, "projection")?,
            expand: linear(width, 4 * width, "expand")?,
            shrink: linear(4 * width, width, "shrink")?,
        })
    }

    fn forward(&self, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (batch, context, width) = x.dims3()?;
        let head = width / self.heads;
        let parts = self.attention.forward(&self.norms[0].forward(x)?)?;
        let part = |at: usize| {
            let part = parts.narrow(D::Minus1, at * width, width)?;
            part.reshape((batch, context, self.heads, head))?.transpose(1, 2)?.contiguous()
        };
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let scores = (q.matmul(&k.t()?)? * (1.0 / (head as f64).sqrt()))?.broadcast_add(mask)?;
        let mixed = ops::softmax(&scores, D::Minus1)?.matmul(&v)?;
        let mixed = mixed.transpose(1, 2)?.contiguous()?.reshape((batch, context, width))?;
        let x = (x + self.projection.forward(&mixed)?)?;
        let hidden = self.expand.forward(&self.norms[1].forward(&x)?)?.gelu()?;
        &x + self.shrink.forward(&hidden)?
    }
}

struct Gpt {
    tokens: Embedding,
    places: Tensor,
    blocks: Vec<Block>,
    norm: Norm,
    mask: Tensor,
}

impl Gpt {
    fn new([layers, width, heads, context]: [usize; 4], variables: VarBuilder) -> Result<Gpt> {
        let small = Init::Randn { mean: 0.0, stdev: 0.02 };
        let table = variables.get_with_hints((VOCABULARY, width), "tokens", small)?;
        let lower = Tensor::tril2(context, DType::U32, &Device::Cpu)?;
        let hidden = Tensor::full(f32::NEG_INFINITY, (context, context), &Device::Cpu)?;
        let blocks = (0..layers).map(|at| Block::new(width, heads, variables.pp(format!("block_{at}"))));
        Ok(Gpt {
            tokens: Embedding::new(table, width),
            places: variables.get_with_hints((context, width), "places", small)?,
            blocks: blocks.collect::<Result<_>>()?,
            norm: Norm::new(width, variables.pp("norm"))?,
            mask: lower.where_cond(&hidden.zeros_like()?, &hidden)?,
        })
    }

    fn loss(&self, ids: &Tensor, targets: &Tensor) -> Result<Tensor> {
        let mut x = self.tokens.forward(ids)?.broadcast_add(&self.places)?;
        for block in &self.blocks {
            x = block.forward(&x, &self.mask)?;
        }
        let y = self.norm.forward(&x)?.flatten(0, 1)?;
        let logits = y.matmul(&self.tokens.embeddings().t()?)?;
        loss::cross_entropy(&logits, &targets.flatten_all()?)
    }
}

/// Scales all gradients down to a global norm of 1.
fn clip(gradients: &mut GradStore, variables: &[Var]) -> Result<()> {
    let mut total = 0.0;
    for variable in variables {
        if let Some(gradient) = gradients.get(variable) {
            total += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
        }
    }
    let norm = total.sqrt();
    for variable in variables.iter().filter(|_| norm > CLIP_NORM) {
        if let Some(gradient) = gradients.remove(variable) {
            gradients.insert(variable, (gradient * (CLIP_NORM / norm))?);
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [_threads, layers, width, heads, context, batch] = numbers[..] else {
        panic!("usage: candle_step THREADS LAYERS WIDTH HEADS CONTEXT BATCH")
    };
    let map = VarMap::new();
    let variables = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    let model = Gpt::new([layers, width, heads, context], variables)?;
    let all = map.all_vars();
    let settings = ParamsAdamW { lr: 3e-4, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1 };
    let mut optimizer = AdamW::new(all.clone(), settings)?;
    let draw = || Tensor::rand(0f32, VOCABULARY as f32, (batch, context + 1), &Device::Cpu)?.to_dtype(DType::U32);
    let batches = (0..BATCHES).map(|_| draw()).collect::<Result<Vec<_>>>()?;
    let mut at = 0;
    for line in std::io::stdin().lock().lines() {
        let count: usize = line?.trim_start_matches("step ").parse().expect("`step N`");
        let (start, mut last) = (Instant::now(), 0.0);
        for _ in 0..count {
            let words = &batches[at % BATCHES];
            let loss = model.loss(&words.narrow(1, 0, context)?, &words.narrow(1, 1, context)?)?;
            let mut gradients = loss.backward()?;
            clip(&mut gradients, &all)?;
            optimizer.step(&gradients)?;
            (last, at) = (loss.to_scalar::<f32>()?, at + 1);
        }
        println!("{{\"seconds\": {:e}, \"loss\": {last}}}", start.elapsed().as_secs_f64() / count as f64);
        std::io::stdout().flush()?;
    }
    Ok(())
}
