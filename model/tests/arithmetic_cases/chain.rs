//! Whole chains, link by link, as the kernels fold them and as the referee does (M-1.3, M-1.5).
//!
//! The hardware's accumulator is carried as it is, a NaN with whatever payload it has got; the referee's is canonical
//! after every link, since that is how an accumulator is posted. Both must give the same canonical bits after each.

use super::Generator;
use retrace_model::arithmetic::{Real32, canonical};
use retrace_model::op::{Arguments, Form, KINDS, Kind, LANES, Term, TermVisitor, with_term};
use retrace_model::soft::Soft32;
use retrace_model::{empty_accumulator, lane_total, next_accumulator};

/// Most links of a drawn chain.
const LINKS_MAX: u64 = 64;
/// Ids are drawn below this; the element's own is 1.
const IDS: u64 = 3;

struct Raw<F>(F, Arguments<F>);
impl<F: Real32> TermVisitor for Raw<F> {
    type Output = F;
    fn visit<T: Term>(self) -> F {
        T::next(self.0, self.1)
    }
}

fn arguments<F: Real32>(words: [u32; 3]) -> Arguments<F> {
    let zero = F::from_bits(0);
    Arguments { x: words.map(F::from_bits), words, s: [zero; 5], index: [0, 0, 1, 0] }
}

/// What a chain's operands are like: without a theme, the first NaN would end all chains early.
#[derive(Clone, Copy)]
enum Theme {
    /// Anything, NaN and infinity often.
    Wild,
    /// Zeros of both signs and the smallest subnormals.
    Nothing,
    /// Sums and products around the smallest normal.
    Subnormal,
    /// Of like size with like and unlike signs: cancellation.
    Alike,
    /// Near the largest number: overflow, and back.
    Large,
}

const THEMES: [Theme; 5] = [Theme::Wild, Theme::Nothing, Theme::Subnormal, Theme::Alike, Theme::Large];

fn operand(theme: Theme, draw: &mut Generator) -> u32 {
    let random = draw.next();
    let (low, sign) = (random as u32, (random >> 63 << 31) as u32);
    let with_field = |field: u32| sign | field << 23 | low & 0x007F_FFFF;
    match theme {
        Theme::Wild => draw.single(),
        Theme::Nothing => sign | if low & 7 == 0 { low >> 3 & 3 } else { 0 },
        // Two factors around 2^-63 make a product around the smallest normal, 2^-126.
        Theme::Subnormal if low & 3 == 0 => sign | low >> (9 + draw.below(23)),
        Theme::Subnormal => with_field(58 + draw.below(10) as u32),
        Theme::Alike => with_field(125 + draw.below(4) as u32),
        Theme::Large => with_field(if low & 1 == 0 { 253 } else { 190 } + draw.below(2) as u32),
    }
}

/// One drawn chain of one kind; for a row reduction its 16 lanes and their tree too.
pub fn chain_difference(draw: &mut Generator) -> Option<String> {
    let kinds: Vec<Kind> = KINDS.into_iter().filter(|kind| kind.form() != Form::Element).collect();
    let kind = kinds[draw.below(kinds.len() as u64) as usize];
    let theme = THEMES[draw.below(THEMES.len() as u64) as usize];
    // A chain has a start value at times: another chain's end, canonical, and of its size.
    let start = match draw.below(3) {
        0 => canonical(Soft32::from_bits(operand(theme, draw))),
        1 => canonical(Soft32::from_bits(draw.single())),
        _ => empty_accumulator(kind),
    };
    if kind.form() == Form::Chain {
        return fold(kind, theme, start, draw).err();
    }
    let mut totals = [0; LANES];
    for total in &mut totals {
        match fold(kind, theme, empty_accumulator(kind), draw) {
            Ok(bits) => *total = bits,
            Err(difference) => return Some(difference),
        }
    }
    let hardware = lane_total(kind, totals.map(f32::from_bits));
    let soft = lane_total(kind, totals.map(Soft32::from_bits));
    (hardware != soft)
        .then(|| format!("{kind:?} of the lanes {totals:08x?}: hardware {hardware:x}, soft {soft:x}"))
}

/// The accumulator after all links, or the first link after which the two bodies differ.
fn fold(kind: Kind, theme: Theme, start: u32, draw: &mut Generator) -> Result<u32, String> {
    let mut hardware: f32 = f32::from_bits(start);
    let mut soft: Soft32 = Soft32::from_bits(start);
    for link in 0..1 + draw.below(LINKS_MAX) {
        let mut words = [operand(theme, draw), operand(theme, draw), operand(theme, draw)];
        if kind == Kind::EmbeddingBackward {
            words[0] = draw.below(IDS) as u32;
        }
        let before = soft.to_bits();
        hardware = with_term(kind, Raw(hardware, arguments(words))).ok_or("not a chain")?;
        soft = next_accumulator(kind, soft, arguments(words));
        let (hard, soft) = (canonical(hardware), soft.to_bits());
        if hard != soft {
            return Err(format!(
                "{kind:?}, link {link} on {before:08x} with {words:08x?}: hardware {hard:x}, soft {soft:x}"
            ));
        }
    }
    Ok(soft.to_bits())
}
