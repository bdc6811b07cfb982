//! Runs from a toy to seven billion parameters, in one layout.

use retrace_model::selftest::golden_spec;
use retrace_model::{Architecture, GptSpec, RunSpec};

/// A size, with the tokens of a step that are played.
pub struct Size {
    pub name: &'static str,
    pub spec: RunSpec,
}

struct Shape {
    vocabulary: u32,
    context: u32,
    width: u32,
    layers: u32,
    hidden: u32,
    heads: u32,
}

fn size(name: &'static str, sequences: u32, shape: &Shape) -> Size {
    let mut spec = golden_spec();
    let m = &mut spec.model;
    (m.vocabulary, m.context, m.width) = (shape.vocabulary, shape.context, shape.width);
    (m.layers, m.hidden) = (shape.layers, shape.hidden);
    m.architecture = Architecture::Gpt(GptSpec::new(shape.heads));
    (spec.batch, spec.steps, spec.schedule.warmup_steps) = (sequences, 500, 10);
    Size { name, spec }
}

/// Smallest first; `quick` leaves out what takes more than seconds.
pub fn sizes(quick: bool) -> Vec<Size> {
    let toy = Shape { vocabulary: 256, context: 32, width: 48, layers: 2, hidden: 192, heads: 4 };
    let small = Shape { vocabulary: 50_257, context: 1024, width: 768, layers: 12, hidden: 3072, heads: 12 };
    let middle =
        Shape { vocabulary: 131_072, context: 2048, width: 2048, layers: 16, hidden: 8192, heads: 32 };
    let large =
        Shape { vocabulary: 131_072, context: 2048, width: 4096, layers: 32, hidden: 11_008, heads: 32 };
    let mut list = vec![size("toy", 4, &toy), size("100 M", 1, &small)];
    if !quick {
        list.push(size("1 B", 1, &middle));
        list.push(size("7 B", 1, &large));
        list.push(size("7 B", 16, &large));
    }
    list
}
