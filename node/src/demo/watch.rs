//! Follows a run from the outside: what the ledger says happened becomes progress and, at the end, the outcome.

use super::contradiction::contradiction;
use super::evaluate::bits_per_byte;
use super::outcome::{Audits, DisputeReport, Outcome, SlashReport};
use super::setup::SetupError;
use crate::data::Corpus;
use crate::events;
use crate::names;
use crate::network::{Board, Fate, moves_of};
use crate::roles::Lineage;
use retrace_ledger::{CheckedBlock, Ending, Event, Height, RewardReason, VerdictResult, econ};
use retrace_model::{Engine, RunSpec};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, Docket};
use retrace_verifier::evidence::Bundle;
use retrace_verifier::game::ulp_distance;
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Finding, SignedMove, Unit};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Hears of a run as it goes.
pub trait Progress {
    /// One line for people.
    fn line(&mut self, height: Height, text: &str);
    /// Nothing happened for a while.
    fn idle(&mut self, height: Height, seconds: u64);
}

/// What is watched, and what people call those who take part.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The transaction that opens the run, whose id is the run's.
    pub run: Digest,
    /// What it trains.
    pub spec: RunSpec,
    /// Names of accounts.
    pub names: BTreeMap<PeerKey, String>,
    /// Who is known to lie, if anybody.
    pub liar: Option<String>,
    /// Share of steps drawn, parts per million.
    pub audit_rate_ppm: u32,
    /// Verdicts that a drawn unit needs.
    pub verdicts_min: u8,
    /// What the held-out loss is computed with.
    pub engine: Engine,
}

impl Subject {
    /// The name of a peer, or its key where it has none here.
    pub fn name(&self, peer: &PeerKey) -> String {
        self.names.get(peer).cloned().unwrap_or_else(|| peer.to_string())
    }
}

/// Longest silence before people are told that work goes on.
const SILENCE: Duration = Duration::from_secs(5);

struct Watcher<'a> {
    board: &'a Board,
    subject: &'a Subject,
    corpus: &'a Corpus,
    progress: &'a mut dyn Progress,
    lineage: Lineage,
    started: Instant,
    loss_first: f64,
    loss_last: f64,
    commitments: u64,
    audits: Audits,
    moves: BTreeMap<Digest, Vec<SignedMove>>,
    disputes: Vec<DisputeReport>,
    slashed: Vec<SlashReport>,
    rewards: BTreeMap<String, u64>,
    finished: Option<Digest>,
}

/// Says what the untrained model loses on the held-out text.
pub(super) fn first_loss(subject: &Subject, corpus: &Corpus, progress: &mut dyn Progress) -> f64 {
    let lineage = Lineage::start(&subject.spec);
    let loss = held_out_loss(subject, corpus, &lineage);
    let entropy = corpus.unigram_bits_per_byte();
    progress.line(Height(0), &format!("held-out loss {loss:.3} bits/byte, unigram entropy {entropy:.3}"));
    loss
}

fn held_out_loss(subject: &Subject, corpus: &Corpus, lineage: &Lineage) -> f64 {
    let parameters = &lineage.base[..lineage.base.len() / 2];
    bits_per_byte(&subject.spec, parameters, &corpus.held_out, &subject.engine)
}

/// Watches until the run is finished or somebody cannot go on.
pub(super) fn watch(
    board: &Board,
    subject: &Subject,
    corpus: &Corpus,
    loss_first: f64,
    progress: &mut dyn Progress,
) -> Result<Outcome, SetupError> {
    let mut watcher = Watcher {
        board,
        subject,
        corpus,
        progress,
        lineage: Lineage::start(&subject.spec),
        started: Instant::now(),
        loss_first,
        loss_last: loss_first,
        commitments: 0,
        audits: Audits::default(),
        moves: BTreeMap::new(),
        disputes: Vec::new(),
        slashed: Vec::new(),
        rewards: BTreeMap::new(),
        finished: None,
    };
    let mut seen = Height(0);
    while watcher.finished.is_none() && !board.is_stopped() {
        let head = board.wait_a_while(seen, SILENCE);
        if head <= seen {
            let seconds = watcher.started.elapsed().as_secs();
            watcher.progress.idle(head, seconds);
        }
        while seen < head {
            seen = seen.after(1);
            watcher.block(seen)?;
        }
        watcher.check_parts()?;
    }
    Ok(watcher.outcome())
}

impl Watcher<'_> {
    /// Nothing will happen any more where a part has failed, or where the run was refused.
    fn check_parts(&self) -> Result<(), SetupError> {
        if let Some((role, reason)) = self.board.failure() {
            return Err(SetupError::Stopped { role, reason });
        }
        match self.board.fate(&self.subject.run) {
            Fate::Refused { reason } => Err(SetupError::Stopped { role: "sponsor".into(), reason }),
            _ => Ok(()),
        }
    }

    fn block(&mut self, height: Height) -> Result<(), SetupError> {
        let fault = |error: retrace_ledger::Fault| SetupError::Stopped {
            role: "ledger".into(),
            reason: error.to_string(),
        };
        let block = self.board.block(height).map_err(fault)?;
        let checked = block.and_then(|(block, _)| CheckedBlock::check(block).ok());
        for signed in checked.iter().flat_map(moves_of) {
            self.moves.entry(signed.dispute).or_default().push(signed);
        }
        let events = self.board.events(height).map_err(fault)?;
        events.iter().try_for_each(|event| self.happened(height, event))
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
                peer: self.subject.name(peer),
                amount: amount.0,
                reason: format!("{reason:?}"),
                bounty: bounty.0,
                bounty_to: None,
            }),
            Event::Rewarded { peer, amount, reason, .. } => {
                self.rewarded(&self.subject.name(peer), amount.0, *reason)
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
        // A bounty follows its slash at once; a slash without one is followed by something else.
        if let Some(slash) =
            self.slashed.last_mut().filter(|slash| slash.bounty_to.is_none() && slash.bounty > 0)
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
            | Event::Contradicted { .. }
            | Event::Slashed { .. }
            | Event::BreakerOn { .. }
            | Event::SlashDeferred { .. }
            | Event::SlashForgiven { .. }
            | Event::BreakerOff { .. }
            | Event::Tainted { .. }
            | Event::BasePosted { .. } => true,
            _ => false,
        };
        is_told.then(|| events::sentence(event, &|peer| self.subject.name(peer)))
    }

    fn base_accepted(&mut self, height: Height, round: u32) -> Result<(), SetupError> {
        let (spec, blobs) = (&self.subject.spec, self.board.blobs());
        // The merge that gave it, whatever the head is by now.
        let path = self.board.read(|state| {
            let run = &self.subject.run;
            let before = round.saturating_sub(1);
            let mut path = Lineage::path(state, run, before);
            path.push(Lineage::merge(state, run, before));
            path
        });
        if !self.lineage.is_on(&path) {
            self.lineage = Lineage::start(spec);
        }
        self.lineage.follow(spec, &blobs, &self.subject.engine, &path)?;
        self.loss_last = held_out_loss(self.subject, self.corpus, &self.lineage);
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
        id: &Digest,
        ending: &Ending,
        (moves, posted_bytes, judging_bytes): (u16, u64, u64),
    ) -> Result<(), SetupError> {
        let Some(docket) = self.board.read(|state| state.docket(id).cloned()) else { return Ok(()) };
        let (winner, finding) = match ending {
            Ending::Judged { winner, finding } => (format!("{winner:?}").to_lowercase(), *finding),
            Ending::TimedOut { winner } => (format!("{winner:?} by clock").to_lowercase(), None),
            Ending::Contradicted => ("challenger by contradiction".into(), None),
            // The claim was proved wrong by another dispute: settled in every challenger's favor.
            Ending::Overtaken { .. } => ("challenger".into(), None),
        };
        let mut report = self.report(id, &docket, winner, finding);
        (report.moves, report.posted_bytes, report.evidence_bytes) = (moves, posted_bytes, judging_bytes);
        if let Ending::Overtaken { by } = ending {
            report.overtaken_by = Some(by.to_string());
        }
        let evidence = match ending {
            Ending::Contradicted => {
                contradiction(self.board, &self.moves, id).and_then(|found| borsh::to_vec(&found).ok())
            }
            _ if finding.is_some() => {
                let signed = self.moves.remove(id).unwrap_or_default();
                borsh::to_vec(&Bundle::new(docket, signed)).ok()
            }
            _ => None,
        };
        if let Some(bytes) = evidence {
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
        id: &Digest,
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
            accused: self.subject.name(&docket.claim.signer()),
            challenger: self.subject.name(&docket.challenger),
            winner,
            moves: 0,
            evidence_bytes: 0,
            posted_bytes: 0,
            judge_us: self.board.judge_us(id),
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
        let (spec, subject) = (&self.subject.spec, self.subject);
        let is_honest = |slash: &&SlashReport| Some(&slash.peer) != subject.liar.as_ref();
        let steps = self.commitments * u64::from(spec.steps);
        let collusion = super::setup::COLLUSION_PPM;
        let escape = econ::escape_ppb(subject.audit_rate_ppm, collusion, subject.verdicts_min);
        let head = self.finished.map_or(self.lineage.root, |head| head);
        Outcome {
            network: self.board.network().to_string(),
            height: self.board.height().0,
            rounds: spec.rounds,
            steps,
            tokens: steps * spec.tokens_per_step(),
            loss_first: self.loss_first,
            loss_last: self.loss_last,
            unigram_bits_per_byte: self.corpus.unigram_bits_per_byte(),
            commitments: self.commitments,
            audits: self.audits,
            audit_rate: f64::from(subject.audit_rate_ppm) / 1e6,
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
            network_of: None,
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
