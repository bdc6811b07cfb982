//! Follows a run from the outside: what the ledger says happened becomes progress and, at the end, the outcome.

use super::evaluate::bits_per_byte;
use super::outcome::{Audits, DisputeReport, Outcome, SlashReport};
use super::setup::{Cast, Plan, SetupError};
use crate::data::Corpus;
use crate::events;
use crate::names;
use crate::network::{Board, Notice};
use crate::roles::Lineage;
use retrace_ledger::{Ending, Event, Height, RewardReason, VerdictResult, econ};
use retrace_verifier::docket::{Claim, Docket};
use retrace_verifier::evidence::{Bundle, MAGIC};
use retrace_verifier::game::ulp_distance;
use retrace_verifier::{Finding, SignedMove, Unit};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Hears of a run as it goes.
pub trait Progress {
    /// One line for people.
    fn line(&mut self, height: Height, text: &str);
    /// Nothing happened for a while.
    fn idle(&mut self, height: Height, seconds: u64);
}

/// Longest silence before people are told that work goes on.
const SILENCE: Duration = Duration::from_secs(5);

struct Watcher<'a> {
    board: &'a Board,
    cast: &'a Cast,
    plan: &'a Plan,
    corpus: &'a Corpus,
    progress: &'a mut dyn Progress,
    lineage: Lineage,
    started: Instant,
    loss_first: f64,
    loss_last: f64,
    commitments: u64,
    audits: Audits,
    moves: BTreeMap<retrace_verifier::digest::Digest, Vec<SignedMove>>,
    judge_us: BTreeMap<retrace_verifier::digest::Digest, u64>,
    disputes: Vec<DisputeReport>,
    slashed: Vec<SlashReport>,
    rewards: BTreeMap<String, u64>,
    finished: Option<retrace_verifier::digest::Digest>,
}

/// Says what the untrained model loses on the held-out text.
pub(super) fn first_loss(plan: &Plan, corpus: &Corpus, progress: &mut dyn Progress) -> f64 {
    let lineage = Lineage::start(&plan.spec());
    let loss = held_out_loss(plan, corpus, &lineage);
    let entropy = corpus.unigram_bits_per_byte();
    progress.line(Height(0), &format!("held-out loss {loss:.3} bits/byte, unigram entropy {entropy:.3}"));
    loss
}

fn held_out_loss(plan: &Plan, corpus: &Corpus, lineage: &Lineage) -> f64 {
    let parameters = &lineage.base[..lineage.base.len() / 2];
    bits_per_byte(&plan.spec(), parameters, &corpus.held_out, &plan.engine)
}

/// Watches until the run is finished or somebody cannot go on.
pub(super) fn watch(
    board: &Board,
    cast: &Cast,
    plan: &Plan,
    corpus: &Corpus,
    notices: &Receiver<Notice>,
    loss_first: f64,
    progress: &mut dyn Progress,
) -> Result<Outcome, SetupError> {
    let lineage = Lineage::start(&plan.spec());
    let mut watcher = Watcher {
        board,
        cast,
        plan,
        corpus,
        progress,
        lineage,
        started: Instant::now(),
        loss_first,
        loss_last: loss_first,
        commitments: 0,
        audits: Audits::default(),
        moves: BTreeMap::new(),
        judge_us: BTreeMap::new(),
        disputes: Vec::new(),
        slashed: Vec::new(),
        rewards: BTreeMap::new(),
        finished: None,
    };
    while watcher.finished.is_none() {
        match notices.recv_timeout(SILENCE) {
            Ok(notice) => watcher.hear(notice)?,
            Err(RecvTimeoutError::Timeout) => {
                let seconds = watcher.started.elapsed().as_secs();
                watcher.progress.idle(board.height(), seconds);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(watcher.outcome())
}

impl Watcher<'_> {
    fn hear(&mut self, notice: Notice) -> Result<(), SetupError> {
        match notice {
            Notice::Failed { role, reason } => Err(SetupError::Stopped { role, reason }),
            Notice::Block { height, events, moves, judge_us } => {
                for signed in moves {
                    self.moves.entry(signed.dispute).or_default().push(signed);
                }
                self.judge_us.extend(judge_us);
                events.iter().try_for_each(|event| self.happened(height, event))
            }
        }
    }

    fn happened(&mut self, height: Height, event: &Event) -> Result<(), SetupError> {
        if let Some(text) = self.describe(event) {
            self.progress.line(height, &text);
        }
        match event {
            Event::Committed { .. } => self.commitments += 1,
            Event::Verdict { result: VerdictResult::Match, .. } => self.audits.matches += 1,
            Event::Verdict { result: VerdictResult::Mismatch, .. } => self.audits.mismatch += 1,
            Event::DisputeEnded { dispute, ending, moves, posted_bytes, judging_bytes } => {
                let sizes = (*moves, *posted_bytes, u64::from(*judging_bytes));
                self.dispute_ended(height, dispute, ending, sizes)?;
            }
            Event::Slashed { peer, amount, reason, bounty, .. } => self.slashed.push(SlashReport {
                peer: self.cast.name(peer),
                amount: amount.0,
                reason: format!("{reason:?}"),
                bounty: bounty.0,
                bounty_to: None,
            }),
            Event::Rewarded { peer, amount, reason, .. } => {
                self.rewarded(&self.cast.name(peer), amount.0, *reason)
            }
            Event::BaseAccepted { round, .. } => self.base_accepted(height, *round)?,
            Event::RunFinished { head, .. } => self.finished = Some(*head),
            _ => {}
        }
        Ok(())
    }

    fn rewarded(&mut self, name: &str, amount: u64, reason: RewardReason) {
        if reason == RewardReason::Refund {
            return;
        }
        *self.rewards.entry(name.into()).or_default() += amount;
        if let Some(slash) = self.slashed.iter_mut().rev().find(|slash| slash.bounty_to.is_none())
            && matches!(reason, RewardReason::Bounty | RewardReason::Defense)
        {
            slash.bounty_to = Some(name.into());
        }
    }

    /// What an event is in words; none for those that come in crowds or are told in more detail elsewhere.
    fn describe(&self, event: &Event) -> Option<String> {
        let is_told = match event {
            Event::Drawn { units, .. } => !units.contains(&Unit::Merge),
            Event::Verdict { result, .. } => *result == VerdictResult::Mismatch,
            Event::RoundOpened { .. }
            | Event::Committed { .. }
            | Event::SlotMissed { .. }
            | Event::DisputeOpened { .. }
            | Event::Moved { .. }
            | Event::Slashed { .. }
            | Event::BasePosted { .. } => true,
            _ => false,
        };
        is_told.then(|| events::sentence(event, &|peer| self.cast.name(peer)))
    }

    fn base_accepted(&mut self, height: Height, round: u32) -> Result<(), SetupError> {
        let (spec, blobs) = (self.plan.spec(), self.board.blobs());
        let look = |at| {
            self.board.read(|state| {
                let run = state.runs().next().map(|(id, _)| id).unwrap_or(state.network());
                Lineage::look(state, &run, at)
            })
        };
        self.lineage.follow(&spec, &blobs, &self.plan.engine, round, look)?;
        self.loss_last = held_out_loss(self.plan, self.corpus, &self.lineage);
        let text = format!(
            "round {} done: held-out loss {:.3} bits/byte, {} audits match, {} do not",
            round - 1,
            self.loss_last,
            self.audits.matches,
            self.audits.mismatch
        );
        self.progress.line(height, &text);
        Ok(())
    }

    fn dispute_ended(
        &mut self,
        height: Height,
        id: &retrace_verifier::digest::Digest,
        ending: &Ending,
        (moves, posted_bytes, judging_bytes): (u16, u64, u64),
    ) -> Result<(), SetupError> {
        let Some(docket) = self.board.read(|state| state.docket(id).cloned()) else { return Ok(()) };
        let (winner, finding) = match ending {
            Ending::Judged { winner, finding } => (format!("{winner:?}").to_lowercase(), *finding),
            Ending::TimedOut { winner } => (format!("{winner:?} by clock").to_lowercase(), None),
            // The claim was proved wrong by another dispute: settled in every challenger's favor.
            Ending::Overtaken { .. } => ("challenger".into(), None),
        };
        let mut report = self.report(id, &docket, winner, finding);
        (report.moves, report.posted_bytes, report.evidence_bytes) = (moves, posted_bytes, judging_bytes);
        if let Ending::Overtaken { by } = ending {
            report.overtaken_by = Some(by.to_string());
        }
        if finding.is_some() {
            let signed = self.moves.remove(id).unwrap_or_default();
            let bundle = Bundle { magic: MAGIC, docket, moves: signed };
            let bytes = borsh::to_vec(&bundle).unwrap_or_default();
            let path = self.board.home().write_evidence(id, &bytes)?;
            report.evidence_file = Some(path.display().to_string());
        }
        let text = convicted(&report);
        self.progress.line(height, &text);
        self.disputes.push(report);
        Ok(())
    }

    fn report(
        &self,
        id: &retrace_verifier::digest::Digest,
        docket: &Docket,
        winner: String,
        finding: Option<Finding>,
    ) -> DisputeReport {
        let facts = &docket.facts;
        let place = finding.map(|f| names::place(&facts.spec, docket.unit, facts.deltas.len(), &f));
        let slot =
            if let Claim::Segment(signed) = &docket.claim { Some(signed.commitment.slot) } else { None };
        let step = match docket.unit {
            Unit::Step(step) => step.into(),
            unit => unit.to_string().into(),
        };
        DisputeReport {
            id: id.to_string(),
            accused: self.cast.name(&docket.claim.signer()),
            challenger: self.cast.name(&docket.challenger),
            winner,
            moves: 0,
            evidence_bytes: 0,
            posted_bytes: 0,
            judge_us: self.judge_us.get(id).copied(),
            round: facts.round,
            slot,
            step,
            op: place.as_ref().map(|p| p.op.clone()),
            tensor: place.as_ref().map(|p| p.tensor.clone()),
            index: place.map(|p| p.index),
            link: finding.and_then(|f| f.link),
            claimed_bits: finding.map(|f| names::bits(f.claimed_bits)),
            right_bits: finding.map(|f| names::bits(f.right_bits)),
            ulp_distance: finding.and_then(|f| ulp_distance(f.claimed_bits, f.right_bits)),
            overtaken_by: None,
            evidence_file: None,
        }
    }

    fn outcome(self) -> Outcome {
        let spec = self.plan.spec();
        let liar = self.plan.liar.as_ref().map(|liar| liar.name.clone());
        let is_honest = |slash: &&SlashReport| Some(&slash.peer) != liar.as_ref();
        let steps = self.commitments * u64::from(spec.steps);
        let verdicts = self.cast.verifiers.len() as u8;
        let escape = econ::escape_ppb(self.plan.audit_rate_ppm, super::setup::COLLUSION_PPM, verdicts);
        let head = self.finished.map_or(self.lineage.root, |head| head);
        Outcome {
            network: self.cast.genesis.network().to_string(),
            height: self.board.height().0,
            rounds: spec.rounds,
            steps,
            tokens: steps * spec.tokens_per_step(),
            loss_first: self.loss_first,
            loss_last: self.loss_last,
            unigram_bits_per_byte: self.corpus.unigram_bits_per_byte(),
            commitments: self.commitments,
            audits: self.audits,
            audit_rate: f64::from(self.plan.audit_rate_ppm) / 1e6,
            escape_probability: escape as f64 / 1e9,
            honest_slashed: self.slashed.iter().filter(is_honest).count() as u64,
            evidence_file: self.disputes.iter().find_map(|d| d.evidence_file.clone()),
            disputes: self.disputes,
            slashed: self.slashed,
            rewards: self.rewards,
            checkpoint_root: head.to_string(),
            home: self.board.home().path().display().to_string(),
            data: self.corpus.source.clone(),
            seconds: self.started.elapsed().as_secs_f64(),
        }
    }
}

/// One sentence on how a dispute ended.
fn convicted(report: &DisputeReport) -> String {
    match (&report.op, &report.tensor, &report.index, &report.claimed_bits, &report.right_bits) {
        (Some(op), Some(tensor), Some(index), Some(claimed), Some(right)) => format!(
            "CONVICTED {}: {op} in {tensor}, element {index:?}: claimed {claimed}, right {right}{}",
            report.accused,
            report.ulp_distance.map_or(String::new(), |ulp| format!(", {ulp} ULP apart")),
        ),
        _ if report.overtaken_by.is_some() => {
            format!(
                "{}'s dispute is settled by the other one: bond back, one bounty in all",
                report.challenger
            )
        }
        _ => format!("dispute over {}'s claim ended: {}", report.accused, report.winner),
    }
}
