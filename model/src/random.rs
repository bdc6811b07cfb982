//! Randomness from counters: the initial state and the order of data (M-6.2, M-6.3).

use crate::arithmetic::{Real32, Real64};
use crate::control::with_default_control;
use crate::elementary::from_u32_exact;
use crate::execute::Words;
use crate::program::{ParameterShape, parameter_table};
use crate::soft::{Soft32, Soft64};
use crate::spec::RunSpec;

/// Uniform numbers that are summed to one nearly normal number.
const SUMMANDS: usize = 8;
/// 1 / (2^16 sqrt(8 / 12)): the sum of eight uniform 16-bit numbers has this reciprocal deviation.
const UNIT_DEVIATION: u64 = 0x3EF3_988E_1409_212E;
const ONE: u32 = 0x3F80_0000;

/// The initial parameters of a run, in table order (M-6.2).
pub fn initial_parameters(spec: &RunSpec) -> Vec<Words> {
    // The last multiplication is the hardware's, so the caller's own rounding must not decide it (M-1.1).
    with_default_control(|| {
        parameter_table(&spec.model).iter().map(|shape| initial_tensor(spec, shape)).collect()
    })
}

fn initial_tensor(spec: &RunSpec, shape: &ParameterShape) -> Words {
    let count = shape.elements() as usize;
    if !shape.is_matrix {
        return vec![if shape.is_gain { ONE } else { 0 }; count];
    }
    let mut deviation = Soft32::from_bits(spec.model.init_std.0).widen();
    if shape.is_residual {
        deviation = deviation / from_u32_exact::<Soft64>(2 * spec.model.layers).sqrt();
    }
    // One rounding to binary32, then one multiplication an element: the hardware gives the referee's bits.
    let factor = f32::from_bits((deviation * Soft64::from_bits(UNIT_DEVIATION)).narrow().to_bits());
    let mut hasher = blake3::Hasher::new_derive_key("retrace v1 initial parameters");
    hasher.update(&spec.seed).update(shape.name.as_bytes());
    let mut stream = hasher.finalize_xof();
    let mut draw = [0; 2 * SUMMANDS];
    (0..count)
        .map(|_| {
            stream.fill(&mut draw);
            (centered(&draw) as f32 * factor).to_bits()
        })
        .collect()
}

/// Sum of eight 16-bit numbers, less its mean: below 2^19 in magnitude, so binary32 holds it exactly.
fn centered(draw: &[u8; 2 * SUMMANDS]) -> i32 {
    let (pairs, _) = draw.as_chunks::<2>();
    let sum: i32 = pairs.iter().map(|p| i32::from(u16::from_le_bytes(*p))).sum();
    sum - 4 * 65_535
}

/// Where a sequence of a batch begins: a shard of the manifest, and a byte in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position of the shard in the manifest.
    pub shard: u32,
    /// First byte of the sequence.
    pub offset: u64,
}

/// A step's position in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepId {
    /// Round, from 0.
    pub round: u32,
    /// Slot, from 0.
    pub slot: u16,
    /// Step of the segment, from 0.
    pub step: u32,
}

/// The beginning of sequence `sequence` of a step, uniform over all places where `span` tokens fit (M-6.3).
/// `None` when no shard is long enough.
pub fn place(beacon: &[u8; 32], at: StepId, sequence: u32, lengths: &[u64], span: u64) -> Option<Place> {
    let behind_first = span.checked_sub(1)?;
    let room = |length: &u64| length.saturating_sub(behind_first);
    let total = lengths.iter().map(room).fold(0u64, u64::saturating_add);
    if total == 0 {
        return None;
    }
    let mut hasher = blake3::Hasher::new_derive_key("retrace v1 data order");
    hasher.update(beacon).update(&at.round.to_le_bytes()).update(&at.slot.to_le_bytes());
    hasher.update(&at.step.to_le_bytes()).update(&sequence.to_le_bytes());
    let mut draw = [0; 8];
    hasher.finalize_xof().fill(&mut draw);
    // The high half of a 64 x 64 bit product: uniform up to total / 2^64.
    let mut left = ((u128::from(u64::from_le_bytes(draw)) * u128::from(total)) >> 64) as u64;
    for (shard, length) in (0..).zip(lengths) {
        if left < room(length) {
            return Some(Place { shard, offset: left });
        }
        left -= room(length);
    }
    None
}

/// The words that a step's `Tokens` row reads, from the shards' bytes.
pub fn assigned_tokens(spec: &RunSpec, beacon: &[u8; 32], at: StepId, shards: &[Vec<u8>]) -> Option<Words> {
    let span = u64::from(spec.model.context) + 1;
    let lengths: Vec<u64> = shards.iter().map(|s| s.len() as u64).collect();
    let mut words = Words::with_capacity((u64::from(spec.batch) * span) as usize);
    for sequence in 0..spec.batch {
        let place = place(beacon, at, sequence, &lengths, span)?;
        let bytes = shards.get(place.shard as usize)?;
        let from = place.offset as usize;
        words.extend(bytes.get(from..from + span as usize)?.iter().map(|b| u32::from(*b)));
    }
    Some(words)
}
