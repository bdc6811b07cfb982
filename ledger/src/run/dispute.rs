//! Disputes: the ledger frames them from its own state and acts on their ends (L-5.8 to L-5.10).

use super::caseload::{leave, queue, start_next};
use super::clock::Clock;
use super::convict::convict;
use super::merge::{accepted_deltas, withdraw};
use super::record::{DisputeRecord, DisputeStatus, Precedence};
use crate::event::{Ending, Event, RewardReason, SlashReason};
use crate::fault::Fault;
use crate::stage::Stage;
use crate::state::State;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, Docket, Facts, Opening};
use retrace_verifier::game::Question;
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

/// Opens a dispute: locks the bond, and starts it as soon as there is a place.
pub(crate) fn open_dispute(
    stage: &mut Stage<'_>,
    claim: Digest,
    game: Game,
    rival: Option<Digest>,
    precedence: Precedence,
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
        precedence,
        started: None,
        clock: Clock::full(budget),
        answers: Vec::new(),
        status: DisputeStatus::Queued,
        judging_bytes: 0,
    };
    stage.state.disputes.put(dispute, record.clone());
    stage.state.games.put(dispute, game);
    let height = stage.now.height;
    stage.state.claims.change(&claim, |record| {
        record.disputes.push(dispute);
        record.accused_at = record.accused_at.or(Some(height));
    })?;
    stage.say(Event::DisputeOpened { dispute, run, claim, unit, accused, challenger });
    queue(stage, dispute, &record)
}

/// Acts on the end of a dispute, if its game has one.
pub(crate) fn end_dispute(stage: &mut Stage<'_>, dispute: &Digest, timed_out: bool) -> Result<(), Fault> {
    let Some(outcome) = stage.state.games.want(dispute)?.outcome().cloned() else { return Ok(()) };
    let winner = outcome.winner;
    let ending = match timed_out {
        true => Ending::TimedOut { winner },
        false => Ending::Judged { winner, finding: outcome.finding },
    };
    leave(stage, dispute, DisputeStatus::Ended(outcome))?;
    say_ended(stage, dispute, ending)?;
    match winner {
        Side::Challenger if timed_out => convict(stage, dispute, SlashReason::Silence),
        Side::Challenger => convict(stage, dispute, SlashReason::Lie),
        Side::Accused => acquit(stage, dispute),
    }
}

/// The accused answered a question as it did not answer it in `first`: that convicts it, whichever answer is right.
pub(crate) fn contradict(
    stage: &mut Stage<'_>,
    dispute: &Digest,
    first: Digest,
    question: Question,
) -> Result<(), Fault> {
    let record = stage.state.disputes.want(dispute)?;
    let (claim, unit, accused, is_pending) =
        (record.claim, record.unit, record.accused, record.status.is_pending());
    stage.say(Event::Contradicted { claim, unit, accused, first, second: *dispute, question });
    if is_pending {
        leave(stage, dispute, DisputeStatus::Contradicted)?;
        say_ended(stage, dispute, Ending::Contradicted)?;
    }
    convict(stage, dispute, SlashReason::Contradiction)
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
    if let Some(rival) = record.rival {
        withdraw(stage, &rival)?;
    }
    start_next(stage, &record.accused)
}
