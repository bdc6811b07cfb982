//! A line of play: a docket and its moves, played again, with the delegations that their signatures need (V-6.2).

use super::Disproven;
use crate::delegation::{Delegation, SignedDelegation};
use crate::docket::Docket;
use crate::game::{Game, Side, SignedMove};
use crate::pins::unit_pin;
use crate::signature::{PeerKey, SignatureError};

/// Most delegations of a line.
pub const DELEGATIONS_MAX: usize = 32;

/// A delegation that does not belong to a line, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegationInvalid {
    /// Another network's.
    #[error("it is another network's")]
    Network,
    /// Not above the one before it.
    #[error("the delegations are not strictly ascending by account and serial")]
    Order,
    /// Its account did not sign it.
    #[error("it is not signed by its account: {0}")]
    Signature(SignatureError),
    /// No move is signed by its key, for its account.
    #[error("no move needs it")]
    Unused,
}

/// A game that is played again, and which delegations it has needed so far.
pub(super) struct Line<'a> {
    game: Game,
    delegations: &'a [SignedDelegation],
    is_used: Vec<bool>,
}

impl<'a> Line<'a> {
    /// Checks docket, program and delegations.
    pub(super) fn open(docket: &Docket, delegations: &'a [SignedDelegation]) -> Result<Line<'a>, Disproven> {
        let game = Game::open(docket.clone())?;
        // Only this unit's program: all merges of a run at its limits would be a hundred million rows.
        let pin = unit_pin(&docket.facts.spec, docket.unit, docket.facts.deltas.len());
        if pin != Some(docket.facts.program) {
            return Err(Disproven::Program);
        }
        for (position, signed) in delegations.iter().enumerate() {
            let before = position.checked_sub(1).and_then(|at| delegations.get(at));
            check(docket, before, signed).map_err(|reason| Disproven::Delegation { position, reason })?;
        }
        Ok(Line { game, delegations, is_used: vec![false; delegations.len()] })
    }

    /// The game so far.
    pub(super) fn game(&self) -> &Game {
        &self.game
    }

    /// Plays the next move.
    pub(super) fn play(&mut self, signed: &SignedMove) -> Result<(), Disproven> {
        let number = usize::from(self.game.number());
        let own = self.game.key(signed.side);
        let keys: Vec<PeerKey> = self.of(&own).map(|(_, d)| d.key).collect();
        let refused = |refusal| Disproven::Move { number, refusal };
        let key = self.game.play_by(signed, &keys).map_err(refused)?;
        if key != own {
            let position = self.of(&own).find(|(_, d)| d.key == key).map(|(position, _)| position);
            position.into_iter().for_each(|at| self.is_used[at] = true);
        }
        Ok(())
    }

    fn of(&self, account: &PeerKey) -> impl Iterator<Item = (usize, &'a Delegation)> {
        let (account, all) = (*account, self.delegations);
        all.iter().map(|d| &d.delegation).enumerate().filter(move |(_, d)| d.account == account)
    }

    /// Each delegation was needed; gives what the moves' signatures are relative to.
    pub(super) fn close(&self) -> Result<Vec<Delegation>, Disproven> {
        let reason = DelegationInvalid::Unused;
        match self.is_used.iter().position(|is_used| !is_used) {
            Some(position) => Err(Disproven::Delegation { position, reason }),
            None => Ok(self.delegations.iter().map(|d| d.delegation).collect()),
        }
    }
}

fn check(
    docket: &Docket,
    before: Option<&SignedDelegation>,
    signed: &SignedDelegation,
) -> Result<(), DelegationInvalid> {
    let place = |signed: &SignedDelegation| (signed.delegation.account, signed.delegation.serial);
    if signed.delegation.network != docket.facts.network {
        return Err(DelegationInvalid::Network);
    }
    if before.is_some_and(|before| place(before) >= place(signed)) {
        return Err(DelegationInvalid::Order);
    }
    signed.check().map_err(DelegationInvalid::Signature)
}

/// Those of `known` that moves need: for each move that its side did not sign itself, the first one whose key did.
/// A move that none of them explains is left for a judge to refuse.
pub fn needed_delegations(
    docket: &Docket,
    moves: &[SignedMove],
    known: &[SignedDelegation],
) -> Vec<SignedDelegation> {
    let mut known: Vec<&SignedDelegation> = known.iter().collect();
    known.sort_by_key(|signed| (signed.delegation.account, signed.delegation.serial));
    let mut is_needed = vec![false; known.len()];
    for signed in moves {
        let own = match signed.side {
            Side::Accused => docket.claim.signer(),
            Side::Challenger => docket.challenger,
        };
        if signed.check(&own).is_ok() {
            continue;
        }
        let fits = |d: &Delegation| d.account == own && signed.check(&d.key).is_ok();
        let at = known.iter().position(|known| fits(&known.delegation));
        at.into_iter().for_each(|at| is_needed[at] = true);
    }
    let needed = known.into_iter().zip(is_needed).filter(|(_, is_needed)| *is_needed);
    needed.map(|(signed, _)| *signed).collect()
}
