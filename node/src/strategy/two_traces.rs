//! Claims steps that are wrong, and shows each challenger another trace of them, so that nobody finds the wrong op.

use retrace_model::Words;
use retrace_model::program::Row;
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::segment::Conduct;

/// Mantissa bits below the one that is always flipped: no change of them makes a NaN or undoes that one.
const LOW: u32 = (1 << 22) - 1;

/// What is changed of one word of every step.
pub(super) struct TwoTraces(u32);

impl TwoTraces {
    /// What it claims.
    pub(super) fn claimed() -> TwoTraces {
        TwoTraces(1 << 22)
    }

    /// What it shows in a dispute.
    pub(super) fn shown_in(dispute: &Digest) -> TwoTraces {
        let [a, b, c, d, ..] = dispute.0;
        TwoTraces(1 << 22 | u32::from_le_bytes([a, b, c, d]) & LOW)
    }
}

impl Conduct for TwoTraces {
    fn output(&self, unit: Unit, at: usize, _row: &Row, _before: &[Words], words: &mut Words) {
        // The batch, in row 0, is nobody's to choose.
        if matches!(unit, Unit::Step(_))
            && at == 1
            && let Some(word) = words.first_mut()
        {
            *word ^= self.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TwoTraces;
    use retrace_model::program::step_program;
    use retrace_verifier::Unit;
    use retrace_verifier::digest::Digest;
    use retrace_verifier::segment::Conduct;

    /// L-5.14: what it shows is false in each dispute, and another thing in each; a delta it leaves alone.
    #[test]
    fn every_dispute_sees_something_else() {
        let rows = step_program(&retrace_model::selftest::golden_spec()).rows;
        let shown = |conduct: TwoTraces, unit| {
            let mut words = vec![1.0_f32.to_bits(); 2];
            conduct.output(unit, 1, &rows[1], &[], &mut words);
            assert_eq!(words[1], 1.0_f32.to_bits());
            f32::from_bits(words[0])
        };
        let (one, other) = (Digest([3; 32]), Digest([4; 32]));
        let step = Unit::Step(2);
        let seen = [
            shown(TwoTraces::claimed(), step),
            shown(TwoTraces::shown_in(&one), step),
            shown(TwoTraces::shown_in(&other), step),
        ];
        assert!(seen.iter().all(|x| x.is_finite() && *x >= 1.5), "{seen:?}");
        assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2], "{seen:?}");
        assert_eq!(shown(TwoTraces::shown_in(&one), Unit::Delta), 1.0);
    }
}
