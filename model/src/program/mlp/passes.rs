//! Both passes of an MLP language model (M-4.7).

use crate::program::activation::{activate, activate_backward};
use crate::program::builder::{Builder, Value};
use crate::program::dropout::{Site, drop_again, drop_new};
use crate::program::head::{Loss, cross_entropy, cross_entropy_backward, look_up, scatter};
use crate::program::linear::{Gradients, linear};
use crate::program::sizes::Sizes;
use crate::spec::MlpSpec;

/// What a hidden layer leaves for its backward pass.
#[derive(Clone, Copy)]
struct Layer {
    input: Value,
    /// Inputs of the layer.
    width: u32,
    hidden: Value,
    site: Option<Site>,
}

/// What the whole forward pass leaves.
pub(crate) struct Forward {
    layers: Vec<Layer>,
    /// What the head reads, and how wide it is.
    last: (Value, u32),
    /// The loss, for the pass after.
    pub loss: Loss,
}

/// Tokens to mean cross-entropy; `p` are all parameters in table order.
pub(crate) fn forward(b: &mut Builder, s: &Sizes, mlp: &MlpSpec, p: &[Value]) -> Forward {
    let (n, h) = (s.batch, s.model.hidden);
    b.scope("forward/embedding/".into());
    // A sequence's embeddings one after another are one row: (tokens, width) is (sequences, context * width).
    let (mut x, mut width) = (look_up(b, s, p[0]), s.model.context * s.model.width);
    let mut layers = Vec::new();
    for layer in 0..s.model.layers as usize {
        b.scope(format!("forward/layers.{layer}/"));
        let [weight, bias] = [p[1 + 2 * layer], p[2 + 2 * layer]];
        let hidden = linear(b, x, weight, Some(bias), [n, width, h]);
        let activated = activate(b, mlp.activation, hidden, [n, h]);
        let (kept, site) = drop_new(b, s, activated, [1, 1, n, h], false);
        layers.push(Layer { input: x, width, hidden, site });
        (x, width) = (kept, h);
    }
    b.scope("forward/head/".into());
    let [weight, bias] = [p[p.len() - 2], p[p.len() - 1]];
    let logits = linear(b, x, weight, Some(bias), [n, width, s.model.vocabulary]);
    let loss = cross_entropy(b, s, logits);
    Forward { layers, last: (x, width), loss }
}

/// The gradient of every parameter, in table order, each from what the pass `before` left.
pub(crate) fn backward(
    b: &mut Builder,
    s: &Sizes,
    mlp: &MlpSpec,
    f: &Forward,
    p: &[Value],
    before: Option<&[Value]>,
) -> Vec<Value> {
    let (n, h) = (s.batch, s.model.hidden);
    let mut gradients = Gradients::new(p.len(), before);
    b.scope("backward/head/".into());
    let logits = cross_entropy_backward(b, s, &f.loss);
    let (at, (x, width)) = (p.len() - 2, f.last);
    let mut dy = gradients.linear(b, [x, p[at], logits], [n, width, s.model.vocabulary], at, None);
    for (layer, kept) in f.layers.iter().enumerate().rev() {
        b.scope(format!("backward/layers.{layer}/"));
        let activated = drop_again(b, s, dy, kept.site);
        let hidden = activate_backward(b, mlp.activation, [kept.hidden, activated], [n, h]);
        let at = 1 + 2 * layer;
        dy = gradients.linear(b, [kept.input, p[at], hidden], [n, kept.width, h], at, None);
    }
    b.scope("backward/embedding/".into());
    scatter(b, s, dy, gradients.start(0)).into_iter().for_each(|table| gradients.put(0, table));
    gradients.finish()
}
