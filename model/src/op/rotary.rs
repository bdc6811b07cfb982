//! The table of rotary positions: pairs of lanes turn by position times a frequency (M-3.12; Su et al. 2021).
//!
//! Index (token, half, k, lane): a lane of a half is the sum over both halves k of x\[k\] times this table, so a
//! turn is a column dot of two terms, and its gradient is the same with half and k exchanged.

use super::{Arguments, Element};
use crate::arithmetic::{Real32, Real64};
use crate::elementary::{cos, exp64, from_u32_exact, sin};

const SIGN: u32 = 0x8000_0000;

/// cos where half is k, -sin where half is before k, sin where it is after; no operand; scalars: the rate
/// -2 ln(base) / head in two parts, the context as a word.
pub struct RotaryTable;
impl Element for RotaryTable {
    #[inline(always)]
    fn value<F: Real32>(a: Arguments<F>) -> F {
        let [token, half, k, lane] = a.index;
        let context = u64::from(a.s[2].to_bits());
        let position = if context == 0 { token } else { token % context };
        let rate = a.s[0].widen() + a.s[1].widen();
        let frequency = exp64(rate * from_u32_exact::<F::Wide>(lane as u32)).narrow();
        let angle = from_u32_exact::<F::Wide>(position as u32).narrow() * frequency;
        let turn = sin(angle);
        let back = F::from_bits(turn.to_bits() ^ SIGN);
        if half == k {
            cos(angle)
        } else if half < k {
            back
        } else {
            turn
        }
    }
}
