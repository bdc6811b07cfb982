//! burn's side of a training step, on its pure Rust CPU backend: `burn_step THREADS LAYERS WIDTH HEADS CONTEXT BATCH`.
//!
//! Reads `step N` lines and answers each with `{"seconds": ..., "loss": ...}`, the mean of N steps. burn clips each
//! tensor by its own norm, not all by one: cheaper than ours.

use std::io::{BufRead, Write};
use std::time::Instant;

use burn::grad_clipping::GradientClippingConfig;
use burn::module::{Module, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Embedding, EmbeddingConfig, Gelu, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Distribution, Int, Tensor};

const VOCABULARY: usize = 256;
const BATCHES: usize = 8;
const LEARNING_RATE: f64 = 3e-4;

#[derive(Module, Debug)]
struct Block {
    norm_1: LayerNorm,
    norm_2: LayerNorm,
    attention: Linear,
    projection: Linear,
    expand: Linear,
    shrink: Linear,
    heads: usize,
}

impl Block {
    fn new(width: usize, heads: usize, device: &Device) -> Block {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let norm = || LayerNormConfig::new(width).init(device);
        Block {
            norm_1: norm(),
            norm_2: norm(),
            attention: linear(width, 3 * width),
            projection: linear(width, width),
            expand: linear(width, 4 * width),
            shrink: linear(4 * width, width),
            heads,
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, context, width] = x.dims();
        let parts = self.attention.forward(self.norm_1.forward(x.clone()));
        let part = |at: usize| {
            let part = parts.clone().narrow(2, at * width, width);
            part.reshape([batch, context, self.heads, width / self.heads]).swap_dims(1, 2)
        };
        let options = AttentionModuleOptions { scale: None, softcap: None, is_causal: true };
        let mixed = attention(part(0), part(1), part(2), None, None, options);
        let mixed = mixed.swap_dims(1, 2).reshape([batch, context, width]);
        let x = x + self.projection.forward(mixed);
        let hidden = self.expand.forward(self.norm_2.forward(x.clone()));
        x + self.shrink.forward(Gelu::new_approximate().forward(hidden))
    }
}

#[derive(Module, Debug)]
struct Gpt {
    tokens: Embedding,
    places: Param<Tensor<2>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
}

impl Gpt {
    fn new([layers, width, heads, context]: [usize; 4], device: &Device) -> Gpt {
        let small = Initializer::Normal { mean: 0.0, std: 0.02 };
        Gpt {
            tokens: EmbeddingConfig::new(VOCABULARY, width).with_initializer(small.clone()).init(device),
            places: small.init([context, width], device),
            blocks: (0..layers).map(|_| Block::new(width, heads, device)).collect(),
            norm: LayerNormConfig::new(width).init(device),
        }
    }

    fn loss(&self, ids: Tensor<2, Int>, targets: Tensor<2, Int>) -> Tensor<1> {
        let [batch, context] = ids.dims();
        let mut x = self.tokens.forward(ids) + self.places.val().unsqueeze();
        for block in &self.blocks {
            x = block.forward(x);
        }
        let y: Tensor<2> = self.norm.forward(x).flatten(0, 1);
        let logits = y.matmul(self.tokens.weight.val().transpose());
        let loss = CrossEntropyLossConfig::new().init(&logits.device());
        loss.forward(logits, targets.reshape([batch * context]))
    }
}

/// A run, held between steps.
struct Training {
    model: Gpt,
    optimizer: ModuleOptimizer,
    batches: Vec<Tensor<2, Int>>,
    context: usize,
    at: usize,
}

impl Training {
    fn new(sizes: [usize; 4], batch: usize, device: &Device) -> Training {
        let context = sizes[3];
        let settings = AdamWConfig::new().with_beta_2(0.95).with_epsilon(1e-8).with_weight_decay(0.1);
        let settings = settings.with_grad_clipping(Some(GradientClippingConfig::Norm(1.0)));
        let spread = Distribution::Uniform(0.0, VOCABULARY as f64);
        let batches = (0..BATCHES).map(|_| Tensor::random([batch, context + 1], spread, device)).collect();
        Training { model: Gpt::new(sizes, device), optimizer: settings.init(), batches, context, at: 0 }
    }

    fn step(mut self) -> (Training, f32) {
        let words = self.batches[self.at % BATCHES].clone();
        let ids = words.clone().narrow(1, 0, self.context);
        let loss = self.model.loss(ids, words.narrow(1, 1, self.context));
        let value = loss.clone().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.optimizer.step(LEARNING_RATE, self.model, gradients);
        self.at += 1;
        (self, value)
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [_threads, layers, width, heads, context, batch] = numbers[..] else {
        panic!("usage: burn_step THREADS LAYERS WIDTH HEADS CONTEXT BATCH")
    };
    let device = Device::flex().autodiff();
    let mut training = Training::new([layers, width, heads, context], batch, &device);
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the driver writes text");
        let count: usize = line.trim_start_matches("step ").parse().expect("`step N`");
        let (start, mut loss) = (Instant::now(), 0.0);
        for _ in 0..count {
            (training, loss) = training.step();
        }
        println!("{{\"seconds\": {:e}, \"loss\": {loss}}}", start.elapsed().as_secs_f64() / count as f64);
        std::io::stdout().flush().expect("the driver reads");
    }
}
