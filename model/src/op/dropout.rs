//! Dropout from counters: which elements stay is a function of the step's key and the place (M-3.13).
//!
//! Backward is the same op over the gradient: the counters give the same mask again, and none is kept.

use super::{Arguments, Element};
use crate::arithmetic::Real32;

/// Multipliers of the two halves of a round (Salmon et al. 2011).
const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What the key words grow by from round to round: the golden ratio and the square root of 3, less 1.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: u32 = 10;

/// Philox4x32-10: four words that depend on every bit of the counter and the key (M-3.13).
#[inline(always)]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], mut key) = (counter, key);
    for _ in 0..ROUNDS {
        let left = MULTIPLIERS[0] * u64::from(a);
        let right = MULTIPLIERS[1] * u64::from(c);
        (a, c) = ((right >> 32) as u32 ^ b ^ key[0], (left >> 32) as u32 ^ d ^ key[1]);
        (b, d) = (right as u32, left as u32);
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    [a, b, c, d]
}

/// a times the scale where the place's word is below the threshold, else +0; operand a; scalars, the first four
/// words: key, key, site, threshold, scale.
pub struct Dropout;
impl Element for Dropout {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let key = [a.s[0].to_bits(), a.s[1].to_bits() ^ a.s[2].to_bits()];
        let [word, ..] = philox(a.index.map(|i| i as u32), key);
        if word < a.s[3].to_bits() { a.x[0] * a.s[4] } else { F::from_bits(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::philox;

    // M-3.13: the known answers that the authors publish with their Random123 library.
    #[test]
    fn philox_gives_the_published_words() {
        let ones = u32::MAX;
        let table = [
            ([0; 4], [0; 2], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
            ([ones; 4], [ones; 2], [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]),
            (
                [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344],
                [0xA409_3822, 0x299F_31D0],
                [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1],
            ),
        ];
        for (counter, key, expected) in table {
            assert_eq!(philox(counter, key), expected, "{counter:x?} {key:x?}");
        }
    }
}
