//! What a lie makes of a true word: from one unit in the last place to not a number at all (V-4.8).

use super::draws::Draws;
use retrace_model::arithmetic::CANONICAL_NAN;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// One unit in the last place, up or down.
    Ulp,
    /// The sign.
    Sign,
    /// One bit of the exponent.
    Exponent,
    /// Infinity of either sign.
    Infinity,
    /// The canonical NaN.
    Nan,
    /// Zero of either sign.
    Zero,
    /// Any other word.
    Bits,
}

/// All changes.
pub const CHANGES: [Change; 7] =
    [Change::Ulp, Change::Sign, Change::Exponent, Change::Infinity, Change::Nan, Change::Zero, Change::Bits];

const SIGN: u32 = 0x8000_0000;
const INFINITY: u32 = 0x7F80_0000;

impl Change {
    /// Half of all changes are of one unit: the smallest are the ones that a tolerance lets through.
    pub(super) fn any(draws: &mut Draws) -> Change {
        let is_smallest = draws.below(2) == 0;
        let larger = draws.pick(&CHANGES[1..]).copied();
        larger.filter(|_| !is_smallest).unwrap_or(Change::Ulp)
    }

    /// Another word than `word`. A NaN is the canonical one: no other could be opened in a chain (V-4.4).
    pub(super) fn of(self, word: u32, draws: &mut Draws) -> u32 {
        let drawn = draws.word() as u32;
        let sign = drawn & SIGN;
        let changed = match self {
            Change::Ulp => ulp(word, sign),
            Change::Sign => word ^ SIGN,
            Change::Exponent => word ^ 1 << (23 + drawn % 8),
            Change::Infinity => sign | INFINITY,
            Change::Nan => CANONICAL_NAN,
            Change::Zero => sign,
            Change::Bits => drawn,
        };
        let changed = if changed & !SIGN > INFINITY { CANONICAL_NAN } else { changed };
        match (changed == word, word) {
            (false, _) => changed,
            (true, CANONICAL_NAN) => sign,
            (true, _) => ulp(word, SIGN),
        }
    }
}

/// The next word away from zero, or towards it with `sign` set; zero has a smallest number on either side.
fn ulp(word: u32, sign: u32) -> u32 {
    match (word & !SIGN, sign) {
        (0, _) => sign | 1,
        (_, 0) => word + 1,
        _ => word - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::ulp_distance;

    /// V-4.8: every change changes the word, one unit is one unit, and no NaN but the canonical one comes of it.
    #[test]
    fn a_change_is_another_canonical_word() {
        let words = [0, SIGN, 1, 0x3F80_0000, 0xBF80_0001, 0x7F7F_FFFF, INFINITY, 0xFF80_0000, CANONICAL_NAN];
        for change in CHANGES {
            for (number, word) in (0..400).zip(words.into_iter().cycle()) {
                let mut draws = Draws::new(9, number);
                let changed = change.of(word, &mut draws);
                assert_ne!(changed, word, "{change:?} of {word:08X}");
                assert!(changed & !SIGN <= INFINITY || changed == CANONICAL_NAN, "{change:?} of {word:08X}");
                if change == Change::Ulp && word & !SIGN < 0x7F7F_FFFF {
                    assert_eq!(ulp_distance(word, changed), Some(1), "{word:08X} to {changed:08X}");
                }
            }
        }
    }

    /// V-4.8: changes of every kind are drawn, half of them the smallest.
    #[test]
    fn half_of_the_changes_are_of_one_unit() {
        let drawn: Vec<Change> = (0..1000).map(|number| Change::any(&mut Draws::new(3, number))).collect();
        assert!(CHANGES.iter().all(|change| drawn.contains(change)));
        let smallest = drawn.iter().filter(|change| **change == Change::Ulp).count();
        assert!((400..600).contains(&smallest), "{smallest} of 1000");
    }
}
