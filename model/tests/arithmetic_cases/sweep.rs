//! All comparisons as numbered blocks: what a block compares follows from its number and the seed alone, so that any
//! number of threads may share them out and come to one verdict.

use super::chain::chain_difference;
use super::grid::{
    CASES_OF_A_PAIR, CASES_OF_A_TRIPLE, CASES_OF_A_WIDE_PAIR, pair_difference, triple_difference,
    wide_pair_difference,
};
use super::{Generator, random_difference};

/// Random cases or chains of a block.
const BLOCK: u64 = 1 << 16;
const CHAINS_OF_A_BLOCK: u64 = 1 << 10;

/// A kind of comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All 256 x 256 pairs of binary32 exponents, all operations; of each pair every `stride`-th case.
    Pairs { stride: u32 },
    /// All 256 x 256 x 256 triples of binary32 exponents, fma; every `stride`-th first exponent.
    Triples { stride: u32 },
    /// All 2048 x 2048 pairs of binary64 exponents, all operations; every `stride`-th first exponent.
    WidePairs { stride: u32 },
    /// Whole chains, as many.
    Chains(u64),
    /// Random and boundary operands, as many cases, all operations of both widths.
    Random(u64),
}

impl Part {
    /// The part's name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Part::Pairs { .. } => "exponent pairs, binary32",
            Part::Triples { .. } => "exponent triples, fma",
            Part::WidePairs { .. } => "exponent pairs, binary64",
            Part::Chains(_) => "chains",
            Part::Random(_) => "random and boundary",
        }
    }

    /// How many blocks there are.
    pub fn blocks(self) -> u64 {
        match self {
            Part::Pairs { .. } => 256,
            Part::Triples { stride } => 256_u64.div_ceil(u64::from(stride)),
            Part::WidePairs { stride } => 2048_u64.div_ceil(u64::from(stride)),
            Part::Chains(count) => count.div_ceil(CHAINS_OF_A_BLOCK),
            Part::Random(count) => count.div_ceil(BLOCK),
        }
    }

    /// Cases of all blocks together.
    pub fn cases(self) -> u64 {
        match self {
            Part::Pairs { stride } => (1 << 16) * u64::from(CASES_OF_A_PAIR.div_ceil(stride)),
            Part::Triples { .. } => self.blocks() * (1 << 16) * u64::from(CASES_OF_A_TRIPLE),
            Part::WidePairs { .. } => self.blocks() * 2048 * u64::from(CASES_OF_A_WIDE_PAIR),
            Part::Chains(count) | Part::Random(count) => count,
        }
    }

    /// Compares one block; the first difference in it, in words.
    pub fn difference(self, block: u64, seed: u64) -> Option<String> {
        let mut draw = Generator(Generator(seed ^ block << 32 ^ self.salt()).next());
        let draw = &mut draw;
        match self {
            Part::Pairs { stride } => {
                (0..256).find_map(|low| pair_difference(block as u32, low, stride, draw))
            }
            Part::Triples { stride } => {
                let first = block as u32 * stride;
                (0..1_u32 << 16).find_map(|pair| triple_difference([first, pair >> 8, pair & 255], draw))
            }
            Part::WidePairs { stride } => {
                let first = block * u64::from(stride);
                (0..2048).find_map(|low| wide_pair_difference(first, low, draw))
            }
            Part::Chains(count) => {
                let first = block * CHAINS_OF_A_BLOCK;
                (first..count.min(first + CHAINS_OF_A_BLOCK)).find_map(|_| chain_difference(draw))
            }
            Part::Random(count) => {
                let first = block * BLOCK;
                (first..count.min(first + BLOCK)).find_map(|_| random_difference(draw))
            }
        }
    }

    fn salt(self) -> u64 {
        match self {
            Part::Pairs { .. } => 1 << 56,
            Part::Triples { .. } => 2 << 56,
            Part::WidePairs { .. } => 3 << 56,
            Part::Chains(_) => 4 << 56,
            Part::Random(_) => 5 << 56,
        }
    }
}

/// All parts: every pair and triple of exponents with every case, or a sample of each.
pub fn parts(random: u64, chains: u64, sample: bool) -> [Part; 5] {
    // Strides have no factor in common with the number of cases, so that a sample meets all kinds of them.
    let [pairs, triples, wide] = if sample { [29, 37, 61] } else { [1; 3] };
    [
        Part::Pairs { stride: pairs },
        Part::Triples { stride: triples },
        Part::WidePairs { stride: wide },
        Part::Chains(chains),
        Part::Random(random),
    ]
}
