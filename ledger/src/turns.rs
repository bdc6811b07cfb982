//! Turns: who was passed over stands at the end for a while, longer each time (L-9.3).

use crate::amount::Height;
use crate::block::Header;
use crate::event::Event;
use crate::fault::Fault;
use crate::limits::ABSENCE_MAX;
use crate::state::State;
use crate::validators::ValidatorSet;
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::signature::PeerKey;

/// How a validator has taken its turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Turns {
    /// Up to this height it stands at the end.
    pub absent_until: Height,
    /// How often it was passed over since it last proposed.
    pub misses: u32,
}

impl Turns {
    /// True when it stands at the end of the order of a height.
    pub fn is_absent(&self, height: Height) -> bool {
        self.absent_until >= height
    }

    /// It was passed over at a height: 8 heights at the end, and twice as many each time.
    fn passed_over(self, at: Height) -> Turns {
        let heights = (8 << self.misses.min(7)).min(ABSENCE_MAX);
        Turns { absent_until: at.after(heights), misses: self.misses.saturating_add(1) }
    }
}

impl State {
    /// How a validator, by its account, has taken its turns.
    pub fn turns(&self, account: &PeerKey) -> Turns {
        self.turns.get(account).copied().unwrap_or_default()
    }
}

/// Writes down who was passed over by the proposer of a block, and that the proposer was there.
pub(crate) fn take_turns(
    state: &mut State,
    events: &mut Vec<Event>,
    set: &ValidatorSet,
    header: &Header,
) -> Result<(), Fault> {
    for validator in set.before(&header.proposer) {
        let account = validator.account;
        let turns = state.turns(&account).passed_over(header.height);
        state.turns.put(account, turns);
        events.push(Event::PassedOver { validator: account, absent_until: turns.absent_until });
    }
    let proposer = set.by_consensus(&header.proposer).ok_or(Fault::Rule { rule: "L-9.3" })?.account;
    if state.turns(&proposer) != Turns::default() {
        state.turns.put(proposer, Turns::default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Turns;
    use crate::Height;

    /// L-9.3: 8, 16, ... and at most 1,024 heights.
    #[test]
    fn absences_double() {
        let mut turns = Turns::default();
        assert!(!turns.is_absent(Height(1)));
        for expected in [8, 16, 32, 64, 128, 256, 512, 1_024, 1_024, 1_024] {
            turns = turns.passed_over(Height(5));
            assert_eq!(turns.absent_until, Height(5 + expected));
        }
        assert!(turns.is_absent(Height(1_029)) && !turns.is_absent(Height(1_030)));
        turns.misses = u32::MAX;
        assert_eq!(turns.passed_over(Height(0)).misses, u32::MAX);
    }
}
