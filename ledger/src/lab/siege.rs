//! Many disputes by false challengers at once, a move of each a block, until all have ended.

use super::bench::Bench;
use super::challenger::{Challenger, Group, STRATEGIES, Strategy, defense_cost};
use super::network::{Network, key};
use super::{Draw, LabError, Report};
use crate::{
    Amount, Body, DisputeStatus, Ending, Event, Play, Seal, SlashReason, Timeout, Transaction, challenge_seal,
};
use crate::{Dispute, Signed};
use retrace_verifier::digest::Digest;
use retrace_verifier::segment::Honest;
use retrace_verifier::signature::peer_key;
use retrace_verifier::{Game, Player, Side, SignedMove};
use std::sync::Arc;

/// Challengers at a time: more than both accused play at once, so that some wait in the queue.
const SEATS: usize = 10;
/// Moves of other disputes that are kept to be posted again.
const OLD_MOVES: usize = 256;
/// Blocks after which a dispute that does not end is a fault of the lab.
const BLOCKS_MAX: u64 = 1 << 20;

/// Sums over all networks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub is_conserved: bool,
    pub report: Report,
}

impl Tally {
    pub fn report(&self) -> Report {
        Report { escrow_conserved: self.is_conserved, ..self.report }
    }
}

/// What happens at a seat.
enum Seat {
    Free,
    Sealed { plan: Plan, salt: Digest },
    Opening(Plan),
    Playing(Box<Live>),
}

#[derive(Clone, Copy)]
struct Plan {
    strategy: Strategy,
    claim: usize,
    unit: usize,
}

/// A dispute that is open.
struct Live {
    dispute: Digest,
    plan: Plan,
    accused: Player,
    challenger: Challenger,
    defender_bytes: u64,
}

struct Siege<'a> {
    network: Network,
    bench: Bench,
    seats: Vec<Seat>,
    old: Vec<SignedMove>,
    opened: u32,
    ended: u32,
    byte_price_ppm: u32,
    draw: &'a mut Draw,
    tally: &'a mut Tally,
}

/// Plays `disputes` disputes in a network of its own.
pub(super) fn play(
    disputes: u32,
    byte_price_ppm: u32,
    draw: &mut Draw,
    tally: &mut Tally,
) -> Result<(), LabError> {
    // Every challenger can lose all of its disputes.
    let bonds = Amount(1_000).times(u64::from(disputes) + 1).ok_or(LabError::Setup("bonds fit"))?;
    let mut network = Network::new(SEATS, bonds)?;
    let bench = Bench::new(&mut network, &Honest)?;
    let seats = (0..SEATS).map(|_| Seat::Free).collect();
    let mut siege =
        Siege { network, bench, seats, old: Vec::new(), opened: 0, ended: 0, byte_price_ppm, draw, tally };
    for _ in 0..BLOCKS_MAX {
        if siege.ended == disputes {
            siege.tally.is_conserved &= siege.network.is_conserved;
            return Ok(());
        }
        siege.block(disputes)?;
    }
    Err(LabError::Setup("every dispute ends"))
}

impl Siege<'_> {
    /// Everybody's next transactions, in one block.
    fn block(&mut self, disputes: u32) -> Result<(), LabError> {
        let mut pending = Vec::new();
        for seat in 0..SEATS {
            let taken = std::mem::replace(&mut self.seats[seat], Seat::Free);
            self.seats[seat] = match taken {
                Seat::Free if self.opened < disputes => self.seal(seat, &mut pending)?,
                Seat::Free => Seat::Free,
                Seat::Sealed { plan, salt } => self.open(seat, plan, salt, &mut pending)?,
                // Nothing but a refused dispute leaves a seat at this point.
                Seat::Opening(_) => return Err(LabError::Setup("a sealed dispute opens")),
                Seat::Playing(live) => self.moves(seat, live, &mut pending)?,
            };
        }
        let applied = self.network.block(pending)?;
        self.tally.report.moves_refused += applied.dropped.len() as u32;
        for event in &applied.events {
            self.hear(event)?;
        }
        Ok(())
    }

    fn seal(&mut self, seat: usize, pending: &mut Vec<Signed<Transaction>>) -> Result<Seat, LabError> {
        let strategy = STRATEGIES[self.opened as usize % STRATEGIES.len()];
        let claim = self.draw.below(self.bench.claims.len());
        let unit = self.draw.below(self.bench.claims[claim].units.len());
        let plan = Plan { strategy, claim, unit };
        self.opened += 1;
        let mut salt = Digest([0; 32]);
        salt.0[..8].copy_from_slice(&self.draw.next().to_le_bytes());
        let (claimed, challenger) = (&self.bench.claims[claim], key("challenger", seat));
        let seal = challenge_seal(&claimed.id, claimed.units[unit].unit, &peer_key(&challenger), &salt);
        pending.push(self.network.sign(&challenger, Body::Seal(Seal { seal }))?);
        Ok(Seat::Sealed { plan, salt })
    }

    fn open(
        &mut self,
        seat: usize,
        plan: Plan,
        salt: Digest,
        pending: &mut Vec<Signed<Transaction>>,
    ) -> Result<Seat, LabError> {
        let claimed = &self.bench.claims[plan.claim];
        let replays = &claimed.units[plan.unit];
        let (unit, opening) = (replays.unit, replays.opening.clone());
        let body = Dispute { claim: claimed.id, unit, opening, salt: Some(salt) };
        pending.push(self.network.sign(&key("challenger", seat), Body::Dispute(Box::new(body)))?);
        Ok(Seat::Opening(plan))
    }

    /// The move of whoever is to move, a forger's in any case, and a time-out where one is due.
    fn moves(
        &mut self,
        seat: usize,
        mut live: Box<Live>,
        pending: &mut Vec<Signed<Transaction>>,
    ) -> Result<Seat, LabError> {
        let next = self.network.moment_in(1)?;
        let state = self.network.chain.state();
        let found = state.dispute(&live.dispute).zip(state.game(&live.dispute));
        let (record, game) = found.ok_or(LabError::Setup("an open dispute is known"))?;
        if record.status != DisputeStatus::Open {
            return Ok(Seat::Playing(live));
        }
        let (clock, turn) = (record.clock, game.turn());
        let accused = (turn == Side::Accused).then(|| live.defend(game)).transpose()?;
        let own = live.challenger.reply(game, &self.old, &clock, next, self.draw);
        if let Some(body) = accused {
            let signer = &self.bench.claims[live.plan.claim].accused;
            let signed = SignedMove::new(signer, live.dispute, game.number(), Side::Accused, body);
            let signed = self.network.sign(&signer.clone(), Body::Play(Box::new(Play { signed })))?;
            live.defender_bytes += signed.bytes() as u64;
            pending.push(signed);
        }
        if let Some(signed) = own {
            if self.old.len() < OLD_MOVES {
                self.old.push(signed.clone());
            }
            pending.push(self.network.sign(&key("challenger", seat), Body::Play(Box::new(Play { signed })))?);
        } else if turn == Side::Challenger && clock.has_expired(next) {
            let body = Body::Timeout(Timeout { dispute: live.dispute });
            pending.push(self.network.sign(&key("sponsor", 0), body)?);
        }
        Ok(Seat::Playing(live))
    }

    fn hear(&mut self, event: &Event) -> Result<(), LabError> {
        match event {
            Event::DisputeOpened { dispute, challenger, .. } => self.sit(*dispute, challenger),
            Event::DisputeEnded { dispute, ending, .. } => self.end(*dispute, ending),
            Event::Slashed { reason: SlashReason::FalseChallenge, amount, .. } => {
                self.tally.report.bonds_slashed += 1;
                let sum = self.tally.report.value_slashed.plus(*amount);
                self.tally.report.value_slashed = sum.ok_or(LabError::Setup("slashes fit"))?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn sit(
        &mut self,
        dispute: Digest,
        challenger: &retrace_verifier::signature::PeerKey,
    ) -> Result<(), LabError> {
        let seat = (0..SEATS).find(|seat| peer_key(&key("challenger", *seat)) == *challenger);
        let seat = seat.ok_or(LabError::Setup("a challenger has a seat"))?;
        let Seat::Opening(plan) = self.seats[seat] else { return Err(LabError::Setup("a seat opens once")) };
        let replays = &self.bench.claims[plan.claim].units[plan.unit];
        let shards = &self.bench.shards;
        let accused = Player::new(Side::Accused, replays.own.clone(), Arc::clone(shards));
        let challenger = Challenger::new(plan.strategy, key("challenger", seat), replays, shards, self.draw);
        let live = Live { dispute, plan, accused, challenger, defender_bytes: 0 };
        self.seats[seat] = Seat::Playing(Box::new(live));
        Ok(())
    }

    fn end(&mut self, dispute: Digest, ending: &Ending) -> Result<(), LabError> {
        let is_it = |seat: &Seat| matches!(seat, Seat::Playing(live) if live.dispute == dispute);
        let seat = self.seats.iter().position(is_it).ok_or(LabError::Setup("a played dispute ends"))?;
        let Seat::Playing(live) = std::mem::replace(&mut self.seats[seat], Seat::Free) else {
            return Err(LabError::Setup("a played dispute ends"));
        };
        self.ended += 1;
        let report = &mut self.tally.report;
        report.disputes += 1;
        match live.plan.strategy.group() {
            Group::Random => report.random += 1,
            Group::Adversarial => report.adversarial += 1,
            Group::Stalling => report.stalling += 1,
        }
        let is_won = match ending {
            Ending::Judged { winner, .. } => *winner == Side::Accused,
            Ending::TimedOut { winner } => {
                report.stalled += u32::from(*winner == Side::Accused);
                *winner == Side::Accused
            }
            Ending::Overtaken { .. } | Ending::Contradicted => false,
        };
        report.honest_lost += u32::from(!is_won);
        let terms = &self.bench.terms;
        // What a step earns, rounded up: its trainer would rather be training.
        let step = Amount(terms.segment_reward.0.div_ceil(u64::from(terms.spec.steps)));
        let cost = defense_cost(step, live.defender_bytes, self.byte_price_ppm);
        let share = (cost * 1_000_000).div_ceil(terms.challenge_bond.0);
        report.defender_cost_ppm_of_bond = report.defender_cost_ppm_of_bond.max(share);
        report.defender_bytes_max = report.defender_bytes_max.max(live.defender_bytes);
        Ok(())
    }
}

impl Live {
    /// An honest accused always has an answer.
    fn defend(&mut self, game: &Game) -> Result<retrace_verifier::Move, LabError> {
        self.accused.reply(game).ok_or(LabError::Setup("an honest accused has an answer"))
    }
}
