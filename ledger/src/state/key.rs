//! The canonical keys of state rows: what a light client asks a proof for (L-7.1, L-7.3).

use super::State;
use crate::amount::Height;
use crate::codec::encode;
use crate::run::AttestedPart;
use borsh::BorshSerialize;
use retrace_verifier::Unit;
use retrace_verifier::digest::Digest;
use retrace_verifier::game::Question;
use retrace_verifier::signature::PeerKey;

/// A row of the state, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateKey {
    /// Height, time, beacon.
    Now,
    /// An account.
    Account(PeerKey),
    /// A run as it was opened.
    Run(Digest),
    /// Where a run stands.
    Progress(Digest),
    /// A round.
    Round(Digest, u32),
    /// A commitment or base claim.
    Claim(Digest),
    /// Verdicts on a unit.
    Verdicts(Digest, Unit),
    /// A dispute.
    Dispute(Digest),
    /// A dispute's game.
    Game(Digest),
    /// The accused's first answer to a question about a unit; a trace root is one.
    Answer(Digest, Unit, Question),
    /// What validators said of a part of a commitment.
    Attestations(Digest, AttestedPart),
    /// A validator's turns, by its account.
    Turns(PeerKey),
    /// A validator, by its account, that voted twice at a height.
    Equivocation(PeerKey, Height),
    /// The one clock of whoever answers for a claim.
    Defense(Digest),
    /// Disputes that an accused plays, and those that are queued.
    Caseload(PeerKey),
    /// Seals of an account.
    Seals(PeerKey),
    /// The circuit breaker of a run.
    Breaker(Digest),
    /// A slash of a run that was deferred, by its number.
    Deferred(Digest, u32),
    /// The votes for an amnesty when the breaker of a run was on for the nth time.
    Amnesty(Digest, u32),
    /// An account's delegation.
    Delegation(PeerKey),
}

fn key<K: BorshSerialize>(tag: u8, key: &K) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(encode(key));
    bytes
}

impl StateKey {
    /// The table's tag, then the key's canonical bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            StateKey::Now => key(super::NOW, &()),
            StateKey::Account(peer) => key(super::ACCOUNTS, peer),
            StateKey::Run(run) => key(super::RUNS, run),
            StateKey::Progress(run) => key(super::PROGRESS, run),
            StateKey::Round(run, round) => key(super::ROUNDS, &(run, round)),
            StateKey::Claim(claim) => key(super::CLAIMS, claim),
            StateKey::Verdicts(claim, unit) => key(super::VERDICTS, &(claim, unit)),
            StateKey::Dispute(dispute) => key(super::DISPUTES, dispute),
            StateKey::Game(dispute) => key(super::GAMES, dispute),
            StateKey::Answer(claim, unit, question) => key(super::ANSWERS, &(claim, unit, question)),
            StateKey::Turns(peer) => key(super::TURNS, peer),
            StateKey::Attestations(claim, part) => key(super::ATTESTATIONS, &(claim, part)),
            StateKey::Equivocation(peer, height) => key(super::EQUIVOCATIONS, &(peer, height)),
            StateKey::Defense(claim) => key(super::DEFENSES, claim),
            StateKey::Caseload(peer) => key(super::CASELOADS, peer),
            StateKey::Seals(peer) => key(super::SEALS, peer),
            StateKey::Breaker(run) => key(super::BREAKERS, run),
            StateKey::Deferred(run, number) => key(super::DEFERRED, &(run, number)),
            StateKey::Amnesty(run, time) => key(super::AMNESTIES, &(run, time)),
            StateKey::Delegation(peer) => key(super::DELEGATIONS, peer),
        }
    }
}

impl State {
    /// Canonical bytes of a row; none when there is no such row.
    pub fn value(&self, key: &StateKey) -> Option<Vec<u8>> {
        match key {
            StateKey::Now => self.now.get(&()).map(encode),
            StateKey::Account(peer) => self.accounts.get(peer).map(encode),
            StateKey::Run(run) => self.runs.get(run).map(encode),
            StateKey::Progress(run) => self.progress.get(run).map(encode),
            StateKey::Round(run, round) => self.rounds.get(&(*run, *round)).map(encode),
            StateKey::Claim(claim) => self.claims.get(claim).map(encode),
            StateKey::Verdicts(claim, unit) => self.verdicts.get(&(*claim, *unit)).map(encode),
            StateKey::Dispute(dispute) => self.disputes.get(dispute).map(encode),
            StateKey::Game(dispute) => self.games.get(dispute).map(encode),
            StateKey::Answer(claim, unit, question) => self.answer(claim, *unit, *question).map(encode),
            StateKey::Turns(peer) => self.turns.get(peer).map(encode),
            StateKey::Attestations(claim, part) => self.attestations.get(&(*claim, *part)).map(encode),
            StateKey::Equivocation(peer, height) => self.equivocations.get(&(*peer, *height)).map(encode),
            StateKey::Defense(claim) => self.defenses.get(claim).map(encode),
            StateKey::Caseload(peer) => self.caseloads.get(peer).map(encode),
            StateKey::Seals(peer) => self.seals.get(peer).map(encode),
            StateKey::Breaker(run) => self.breakers.get(run).map(encode),
            StateKey::Deferred(run, number) => self.deferred.get(&(*run, *number)).map(encode),
            StateKey::Amnesty(run, time) => self.amnesties.get(&(*run, *time)).map(encode),
            StateKey::Delegation(peer) => self.delegations.get(peer).map(encode),
        }
    }
}
