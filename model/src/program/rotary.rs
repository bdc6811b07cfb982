//! Rotary positions: a table of turns made once a program, and the turn as chains of two terms (M-4.6, M-3.12; Su et al. 2021).

use super::builder::{Builder, Draft, Value};
use super::row::Range;
use crate::arithmetic::{Real32, Real64};
use crate::elementary::{from_u32_exact, ln64};
use crate::op::Kind;
use crate::soft::{Soft32, Soft64};
use crate::spec::F32Bits;

/// The turns of every position: a lane of the first half of a head turns with its fellow of the second half.
#[derive(Clone, Copy)]
pub(crate) struct Rotary {
    table: Value,
    tokens: u32,
    /// Width of half a head.
    half: u32,
}

impl Rotary {
    /// The table, indexed (token, half that comes out, half that goes in, lane); passes of one program share it.
    pub fn new(b: &mut Builder, [tokens, context]: [u32; 2], head: u32, base: F32Bits) -> Rotary {
        let half = head / 2;
        let [high, low] = rate(base, head);
        let draft = Draft::new(Kind::RotaryTable, [tokens, 2, 2, half], Vec::new());
        Rotary { table: b.once(draft.scalars(&[high, low, context])), tokens, half }
    }

    /// Every one of `heads` heads of each row, turned to its position.
    pub fn turn(&self, b: &mut Builder, x: Value, heads: u32) -> Value {
        let half = u64::from(self.half);
        self.rotate(b, x, heads, [2 * half, half])
    }

    /// The gradient of [`Rotary::turn`]: the turn the other way, which is the transposed matrix.
    pub fn turn_back(&self, b: &mut Builder, dy: Value, heads: u32) -> Value {
        let half = u64::from(self.half);
        self.rotate(b, dy, heads, [half, 2 * half])
    }

    /// `strides` of the table: of the half that comes out, and of the one that goes in.
    fn rotate(&self, b: &mut Builder, x: Value, heads: u32, strides: [u64; 2]) -> Value {
        let half = u64::from(self.half);
        let [out, inside] = strides;
        let operands = vec![
            x.view([2 * half * u64::from(heads), 2 * half, 0, 1], half),
            self.table.view([4 * half, 0, out, 1], inside),
        ];
        let shape = [self.tokens, heads, 2, self.half];
        b.trace(Draft::new(Kind::ColumnDot, shape, operands).terms(2, Range::Full))
    }
}

/// -2 ln(base) / head in binary64, in two binary32 parts: lane i turns by its exponential's i-th power a position.
fn rate(base: F32Bits, head: u32) -> [u32; 2] {
    let whole = from_u32_exact::<Soft64>;
    let ln = ln64(Soft32::from_bits(base.0).widen());
    let rate = (whole(0) - (ln + ln)) / whole(head);
    let high = rate.narrow();
    [high.to_bits(), (rate - high.widen()).narrow().to_bits()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M-4.6: both parts together are the rate to binary64's last bits.
    #[test]
    #[allow(clippy::disallowed_methods)] // the judge is the platform's logarithm
    fn rates() {
        for (base, head) in [(10_000.0f32, 64), (500_000.0, 128), (2.5, 2), (1.0, 8)] {
            let [high, low] = rate(F32Bits(base.to_bits()), head).map(f32::from_bits);
            let (found, expected) =
                (f64::from(high) + f64::from(low), -2.0 * f64::from(base).ln() / f64::from(head));
            assert!((found - expected).abs() <= 1e-14 * expected.abs(), "{base} {head}: {found}");
        }
    }
}
