//! Seats of players: a few, each for a dispute; whoever has not been asked for longest gives up its own (W-5.4).

use retrace_verifier::digest::Digest;
use std::collections::BTreeMap;

/// Most players at once. Each may hold the outputs that its dispute has come to; one that has to go is made again.
const SEATS_MAX: usize = 4;

/// Players by dispute, each with when it was last asked, by a count of its own.
#[derive(Debug)]
pub(super) struct Seats<T> {
    taken: BTreeMap<Digest, (u64, T)>,
    asked: u64,
}

impl<T> Default for Seats<T> {
    fn default() -> Seats<T> {
        Seats { taken: BTreeMap::new(), asked: 0 }
    }
}

impl<T> Seats<T> {
    /// True while this dispute's player has a seat.
    pub(super) fn has(&self, dispute: &Digest) -> bool {
        self.taken.contains_key(dispute)
    }

    /// Seats a player; where all seats are taken, the one that has not been asked for longest goes.
    pub(super) fn seat(&mut self, dispute: Digest, player: T) {
        let idle = |seats: &Self| seats.taken.iter().min_by_key(|(_, (asked, _))| *asked).map(|(id, _)| *id);
        while self.taken.len() >= SEATS_MAX
            && let Some(id) = idle(self).filter(|_| !self.has(&dispute))
        {
            self.taken.remove(&id);
        }
        self.asked += 1;
        self.taken.insert(dispute, (self.asked, player));
    }

    /// The player of a dispute, who is asked now.
    pub(super) fn ask(&mut self, dispute: &Digest) -> Option<&mut T> {
        self.asked += 1;
        let (asked, player) = self.taken.get_mut(dispute)?;
        *asked = self.asked;
        Some(player)
    }

    /// A dispute is over.
    pub(super) fn remove(&mut self, dispute: &Digest) {
        self.taken.remove(dispute);
    }
}

#[cfg(test)]
mod tests {
    use super::{SEATS_MAX, Seats};
    use retrace_verifier::digest::Digest;

    /// W-5.4: of four players the one that has not been asked for longest goes, wherever its id stands; a player that
    /// is seated again takes no other's seat.
    #[test]
    fn the_least_recently_asked_goes() {
        let id = |n: u8| Digest([n; 32]);
        let seated = |seats: &Seats<u8>| (0..9).filter(|n| seats.has(&id(*n))).collect::<Vec<u8>>();
        let mut seats = Seats::default();
        (1..=4).for_each(|n| seats.seat(id(n), n));
        assert_eq!((seated(&seats).len(), SEATS_MAX), (4, 4));
        assert_eq!(seats.ask(&id(1)).copied(), Some(1));
        seats.seat(id(0), 0);
        assert_eq!(seated(&seats), [0, 1, 3, 4], "2 was asked before all others");
        seats.seat(id(4), 4);
        assert_eq!(seated(&seats), [0, 1, 3, 4]);
        assert_eq!(seats.ask(&id(2)), None);
        seats.seat(id(5), 5);
        assert_eq!(seated(&seats), [0, 1, 4, 5]);
        seats.remove(&id(4));
        seats.seat(id(6), 6);
        assert_eq!(seated(&seats), [0, 1, 5, 6]);
    }
}
