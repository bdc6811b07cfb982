//! Disputes: the ledger frames them from its own state, keeps their clocks, and acts on their ends (L-5.8 to L-5.10).

use super::convict::convict;
use super::merge::{accepted_deltas, withdraw};
use super::record::{Clocks, DisputeRecord, DisputeStatus};
use crate::event::{Ending, Event, RewardReason, SlashReason};
use crate::fault::Fault;
use crate::stage::Stage;
use crate::state::State;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, Docket, Facts, Opening};
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Game, Side, Unit};

/// Who disputes what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Docketed {
    /// Claim.
    pub claim: Digest,
    /// Unit.
    pub unit: Unit,
    /// Challenger.
    pub challenger: PeerKey,
    /// Id of the opening transaction.
    pub nonce: Digest,
}

impl Docketed {
    /// The docket: everything that the ledger vouches for comes from its state.
    pub(crate) fn docket(self, state: &State, opening: Opening) -> Result<Docket, Fault> {
        let record = state.claims.want(&self.claim)?;
        let run = state.runs.want(&record.run)?;
        let round = state.rounds.want(&(record.run, record.round))?;
        let (claimed_round, deltas, program) = match &record.claim {
            Claim::Base(signed) => {
                let deltas = accepted_deltas(state, &record.run, record.round)?;
                let program = deltas.len().checked_sub(1).and_then(|at| run.pins.merges.get(at));
                (signed.claim.round, deltas, *program.ok_or(Fault::Rule { rule: "L-5.8" })?)
            }
            Claim::Segment(_) => {
                // A merge of a segment is refused by the docket's own check.
                let program = match self.unit {
                    Unit::Step(_) | Unit::Merge => run.pins.step,
                    Unit::Delta => run.pins.delta,
                    Unit::Loss => run.pins.loss,
                };
                (record.round, Vec::new(), program)
            }
        };
        let facts = Facts {
            network: state.network(),
            run: record.run,
            spec: run.terms.spec,
            manifest: run.terms.manifest.clone(),
            program,
            round: claimed_round,
            beacon: round.beacon,
            base: round.base,
            deltas,
        };
        let (unit, challenger, nonce) = (self.unit, self.challenger, self.nonce);
        Ok(Docket { facts, claim: record.claim, unit, opening, challenger, nonce })
    }
}

/// Opens a dispute: locks the bond, starts the clocks.
pub(crate) fn open_dispute(
    stage: &mut Stage<'_>,
    claim: Digest,
    game: Game,
    rival: Option<Digest>,
) -> Result<(), Fault> {
    let dispute = game.id();
    let record = stage.state.claims.want(&claim)?;
    let (run, accused) = (record.run, record.signer());
    let terms = &stage.state.runs.want(&run)?.terms;
    let (bond, budget) = (terms.challenge_bond, terms.move_span);
    let (unit, challenger) = (game.docket().unit, game.docket().challenger);
    stage.state.lock(&challenger, bond)?;
    let record = DisputeRecord {
        run,
        claim,
        unit,
        accused,
        challenger,
        bond,
        rival,
        opened: stage.now,
        clocks: Clocks::start(budget, stage.now),
        status: DisputeStatus::Open,
        judging_bytes: 0,
    };
    stage.state.disputes.put(dispute, record);
    stage.state.games.put(dispute, game);
    stage.state.claims.change(&claim, |record| record.disputes.push(dispute))?;
    stage.say(Event::DisputeOpened { dispute, run, claim, unit, accused, challenger });
    Ok(())
}

/// Acts on the end of a dispute, if its game has one.
pub(crate) fn end_dispute(stage: &mut Stage<'_>, dispute: &Digest, timed_out: bool) -> Result<(), Fault> {
    let Some(outcome) = stage.state.games.want(dispute)?.outcome().cloned() else { return Ok(()) };
    let winner = outcome.winner;
    let ending = match timed_out {
        true => Ending::TimedOut { winner },
        false => Ending::Judged { winner, finding: outcome.finding },
    };
    stage.state.disputes.change(dispute, |record| record.status = DisputeStatus::Ended(outcome))?;
    say_ended(stage, dispute, ending)?;
    match winner {
        Side::Challenger if timed_out => convict(stage, dispute, SlashReason::Silence),
        Side::Challenger => convict(stage, dispute, SlashReason::Lie),
        Side::Accused => acquit(stage, dispute),
    }
}

pub(super) fn say_ended(stage: &mut Stage<'_>, dispute: &Digest, ending: Ending) -> Result<(), Fault> {
    let game = stage.state.games.want(dispute)?;
    let (moves, posted_bytes) = (game.number(), game.posted_bytes());
    let judging_bytes = stage.state.disputes.want(dispute)?.judging_bytes;
    stage.say(Event::DisputeEnded { dispute: *dispute, ending, moves, posted_bytes, judging_bytes });
    Ok(())
}

/// The challenger lost: half its bond goes to the accused. It says nothing about the claim.
fn acquit(stage: &mut Stage<'_>, dispute: &Digest) -> Result<(), Fault> {
    let record = stage.state.disputes.want(dispute)?.clone();
    let (amount, bounty) = (record.bond, record.bond.share(500_000));
    stage.state.slash_locked(&record.challenger, amount, &record.accused, bounty)?;
    stage.state.claims.change(&record.claim, |claim| claim.disputes.retain(|open| open != dispute))?;
    let (peer, reason) = (record.challenger, SlashReason::FalseChallenge);
    let (claim, unit, run) = (record.claim, record.unit, record.run);
    stage.say(Event::Slashed { peer, claim, unit, amount, reason, bounty });
    let (peer, reason) = (record.accused, RewardReason::Defense);
    stage.say(Event::Rewarded { run, peer, amount: bounty, reason });
    match record.rival {
        Some(rival) => withdraw(stage, &rival),
        None => Ok(()),
    }
}
