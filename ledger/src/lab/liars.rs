//! Liars who use the rules of disputes for themselves: friends who lose on purpose, and two traces for one unit.

use super::bench::{Bench, Claimed, Replays};
use super::challenger::{Challenger, Strategy};
use super::network::{Network, key};
use super::{Draw, LabError};
use crate::{
    Amount, Body, ClaimStatus, Contradiction, Dispute, DisputeStatus, Event, Play, Seal, Timeout,
    challenge_seal,
};
use ed25519_dalek::SigningKey;
use retrace_verifier::digest::Digest;
use retrace_verifier::lab::Lie;
use retrace_verifier::signature::peer_key;
use retrace_verifier::{Move, Player, Side, SignedMove, Unit};
use std::sync::Arc;

/// The unit that is wrong, and what is wrong in it.
const UNIT: Unit = Unit::Step(1);
const LIE: Lie = Lie { unit: UNIT, row: 3, element: 5, mask: 0x0040_0000 };
/// Disputes of the liar's friends: more than are played at once.
const STAGED: usize = 6;
const STAKE: Amount = Amount(20_000);
/// Blocks after which a dispute that does not end is a fault of the lab.
const BLOCKS_MAX: u32 = 4_096;

/// What came of a liar.
pub(super) struct Fate {
    pub is_convicted: bool,
    pub is_conserved: bool,
    /// Disputes that its friends lost.
    pub lost: u32,
}

struct Trial {
    network: Network,
    bench: Bench,
}

impl Trial {
    fn new() -> Result<Trial, LabError> {
        let mut network = Network::new(STAGED + 1, STAKE)?;
        let bench = Bench::new(&mut network, &LIE)?;
        Ok(Trial { network, bench })
    }

    /// The liar's claim: the second slot's.
    fn claim(&self) -> Result<&Claimed, LabError> {
        self.bench.claims.get(1).ok_or(LabError::Setup("two slots are committed to"))
    }

    fn unit(&self) -> Result<&Replays, LabError> {
        let found = self.claim()?.units.iter().find(|replays| replays.unit == UNIT);
        found.ok_or(LabError::Setup("the unit was run"))
    }

    fn accused(&self) -> Result<SigningKey, LabError> {
        Ok(self.claim()?.accused.clone())
    }

    /// Seals and opens a dispute over the wrong unit.
    fn open(&mut self, challenger: &SigningKey) -> Result<Digest, LabError> {
        let (claim, opening) = (self.claim()?.id, self.unit()?.opening.clone());
        let height = self.network.chain.head().height.0;
        let mut salt = Digest([7; 32]);
        salt.0[..8].copy_from_slice(&height.to_le_bytes());
        let seal = challenge_seal(&claim, UNIT, &peer_key(challenger), &salt);
        self.network.must(challenger, Body::Seal(Seal { seal }))?;
        let body = Dispute { claim, unit: UNIT, opening, salt: Some(salt) };
        let events = self.network.must(challenger, Body::Dispute(Box::new(body)))?;
        let opened = events.iter().find_map(|event| match event {
            Event::DisputeOpened { dispute, .. } => Some(*dispute),
            _ => None,
        });
        opened.ok_or(LabError::Setup("a dispute opens"))
    }

    fn is_convicted(&self) -> Result<bool, LabError> {
        let claim = self.network.chain.state().claim(&self.claim()?.id);
        Ok(claim.is_some_and(|claim| matches!(claim.status, ClaimStatus::Convicted { .. })))
    }

    fn fate(&self, lost: u32) -> Result<Fate, LabError> {
        Ok(Fate { is_convicted: self.is_convicted()?, is_conserved: self.network.is_conserved, lost })
    }
}

/// One side's answers in a staged trial.
enum Answers {
    Friend(Box<Challenger>),
    Honest(Box<Player>),
}

/// Friends of a liar open disputes first and lose them, some by silence and some to the end; an honest challenger comes
/// last.
pub(super) fn staged(draw: &mut Draw) -> Result<Fate, LabError> {
    let mut trial = Trial::new()?;
    let shards = Arc::clone(&trial.bench.shards);
    let mut played = Vec::new();
    for seat in 0..=STAGED {
        let key = key("challenger", seat);
        let dispute = trial.open(&key)?;
        let replays = trial.unit()?;
        let side = if seat < STAGED {
            let strategy = if seat % 2 == 0 { Strategy::Silent } else { Strategy::WrongRow };
            Answers::Friend(Box::new(Challenger::new(strategy, key.clone(), replays, &shards, draw)))
        } else {
            Answers::Honest(Box::new(Player::new(
                Side::Challenger,
                replays.right.clone(),
                Arc::clone(&shards),
            )))
        };
        let liar = Player::new(Side::Accused, replays.own.clone(), Arc::clone(&shards));
        played.push((dispute, key, side, liar));
    }
    let mut lost = 0;
    for _ in 0..BLOCKS_MAX {
        if trial.is_convicted()? || played.is_empty() {
            break;
        }
        let mut pending = Vec::new();
        let (next, accused) = (trial.network.moment_in(1)?, trial.accused()?);
        for (dispute, key, side, liar) in &mut played {
            let state = trial.network.chain.state();
            let found = state.dispute(dispute).zip(state.game(dispute));
            let (record, game) = found.ok_or(LabError::Setup("an open dispute is known"))?;
            if record.status != DisputeStatus::Open {
                continue;
            }
            let (clock, turn) = (record.clock, game.turn());
            let signed = match (turn, side) {
                (Side::Accused, _) => liar
                    .reply(game)
                    .map(|body| SignedMove::new(&accused, *dispute, game.number(), Side::Accused, body)),
                (Side::Challenger, Answers::Friend(friend)) => friend.reply(game, &[], &clock, next, draw),
                (Side::Challenger, Answers::Honest(player)) => player
                    .reply(game)
                    .map(|body| SignedMove::new(key, *dispute, game.number(), Side::Challenger, body)),
            };
            match signed {
                Some(signed) => {
                    let signer = if turn == Side::Accused { &accused } else { &*key };
                    pending.push(trial.network.sign(signer, Body::Play(Box::new(Play { signed })))?);
                }
                None if clock.has_expired(next) => {
                    let body = Body::Timeout(Timeout { dispute: *dispute });
                    pending.push(trial.network.sign(&super::network::key("sponsor", 0), body)?);
                }
                None => {}
            }
        }
        for event in trial.network.block(pending)?.events {
            if let Event::DisputeEnded { dispute, ending, .. } = event {
                played.retain(|(other, ..)| *other != dispute);
                let accused_won = matches!(
                    ending,
                    crate::Ending::TimedOut { winner: Side::Accused }
                        | crate::Ending::Judged { winner: Side::Accused, .. }
                );
                lost += u32::from(accused_won);
            }
        }
    }
    trial.fate(lost)
}

/// An accused that signs one trace root in one dispute and another in the next, first with both in blocks, then with
/// the second one shown by somebody who was given it.
pub(super) fn two_traces() -> Result<Fate, LabError> {
    let mut fate = Fate { is_convicted: true, is_conserved: true, lost: 0 };
    for is_shown in [false, true] {
        let mut trial = Trial::new()?;
        let accused = trial.accused()?;
        let disputes = [0, 1].map(|seat| key("challenger", seat));
        let disputes = [trial.open(&disputes[0])?, trial.open(&disputes[1])?];
        let trace = |dispute: Digest, n: u8| {
            SignedMove::new(&accused, dispute, 0, Side::Accused, Move::Trace(Digest([n; 32])))
        };
        let [first, second] = [trace(disputes[0], 1), trace(disputes[1], 2)];
        let play = |signed: &SignedMove| Body::Play(Box::new(Play { signed: signed.clone() }));
        trial.network.must(&accused, play(&first))?;
        if trial.is_convicted()? {
            return Err(LabError::Setup("one trace convicts nobody"));
        }
        if is_shown {
            let both = Contradiction { first, second };
            trial.network.must(&key("challenger", 2), Body::Contradiction(Box::new(both)))?;
        } else {
            trial.network.must(&accused, play(&second))?;
        }
        let one = trial.fate(0)?;
        fate.is_convicted &= one.is_convicted;
        fate.is_conserved &= one.is_conserved;
    }
    Ok(fate)
}
