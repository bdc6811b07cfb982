//! Typed read access: what a node, a driver or an explorer asks of the state (L-7.5).

use super::{Account, State};
use crate::run::{
    Caseload, ClaimRecord, ClaimStatus, Defense, DisputeRecord, Progress, Round, Run, VerdictRecord,
};
use crate::transaction::HeldSeal;
use retrace_verifier::delegation::SignedDelegation;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, Docket};
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Game, Unit};

impl State {
    /// An account.
    pub fn account(&self, key: &PeerKey) -> Option<&Account> {
        self.accounts.get(key)
    }

    /// All accounts, by key.
    pub fn accounts(&self) -> impl Iterator<Item = (PeerKey, &Account)> {
        self.accounts.iter()
    }

    /// The account that has registered a consensus key.
    pub fn account_of_consensus(&self, key: &PeerKey) -> Option<PeerKey> {
        let has = |account: &Account| account.registered.is_some_and(|keys| keys.consensus == *key);
        self.accounts.iter().find(|(_, account)| has(account)).map(|(key, _)| key)
    }

    /// The delegation of an account that counts, with its signature, for evidence.
    pub fn delegation(&self, account: &PeerKey) -> Option<&SignedDelegation> {
        self.delegations.get(account)
    }

    /// The key that may sign moves for an account beside its own, if there is one (L-2.9).
    pub fn defense_key(&self, account: &PeerKey) -> Option<PeerKey> {
        self.delegation(account)?.delegation.defense_key()
    }

    /// A run as it was opened.
    pub fn run(&self, run: &Digest) -> Option<&Run> {
        self.runs.get(run)
    }

    /// All runs, by id.
    pub fn runs(&self) -> impl Iterator<Item = (Digest, &Run)> {
        self.runs.iter()
    }

    /// Where a run stands.
    pub fn progress(&self, run: &Digest) -> Option<&Progress> {
        self.progress.get(run)
    }

    /// A round.
    pub fn round(&self, run: &Digest, round: u32) -> Option<&Round> {
        self.rounds.get(&(*run, round))
    }

    /// A commitment or base claim by its id.
    pub fn claim(&self, claim: &Digest) -> Option<&ClaimRecord> {
        self.claims.get(claim)
    }

    /// All claims of a run that can still be disputed, by id.
    pub fn open_claims(&self, run: &Digest) -> Vec<(Digest, &ClaimRecord)> {
        let is_open = |record: &ClaimRecord| record.run == *run && record.status == ClaimStatus::Open;
        self.claims.iter().filter(|(_, record)| is_open(record)).collect()
    }

    /// All base claims of a run for the base of `round`, by id: standing, rival, withdrawn and convicted ones.
    pub fn base_claims(&self, run: &Digest, round: u32) -> Vec<(Digest, &ClaimRecord)> {
        let is_of = |record: &ClaimRecord| match &record.claim {
            Claim::Base(signed) => signed.claim.run == *run && signed.claim.round == round,
            Claim::Segment(_) => false,
        };
        self.claims.iter().filter(|(_, record)| is_of(record)).collect()
    }

    /// The root that a base claim names.
    pub fn base_root(&self, claim: &Digest) -> Option<Digest> {
        match &self.claims.get(claim)?.claim {
            Claim::Base(signed) => Some(signed.claim.root),
            Claim::Segment(_) => None,
        }
    }

    /// Verdicts on a unit, in the order in which they came.
    pub fn verdicts_of(&self, claim: &Digest, unit: Unit) -> &[VerdictRecord] {
        self.verdicts.get(&(*claim, unit)).map_or(&[], Vec::as_slice)
    }

    /// A dispute's parties, bond, clocks and status.
    pub fn dispute(&self, dispute: &Digest) -> Option<&DisputeRecord> {
        self.disputes.get(dispute)
    }

    /// All disputes, by id.
    pub fn disputes(&self) -> impl Iterator<Item = (Digest, &DisputeRecord)> {
        self.disputes.iter()
    }

    /// A dispute's game.
    pub fn game(&self, dispute: &Digest) -> Option<&Game> {
        self.games.get(dispute)
    }

    /// A dispute's docket.
    pub fn docket(&self, dispute: &Digest) -> Option<&Docket> {
        self.games.get(dispute).map(Game::docket)
    }

    /// The one clock of whoever answers for a claim, once a dispute over it has started.
    pub fn defense(&self, claim: &Digest) -> Option<&Defense> {
        self.defenses.get(claim)
    }

    /// Disputes that an accused plays and those that are queued, once there was one.
    pub fn caseload(&self, accused: &PeerKey) -> Option<&Caseload> {
        self.caseloads.get(accused)
    }

    /// Seals of an account, in the order in which they came; some may be too old.
    pub fn seals(&self, peer: &PeerKey) -> &[HeldSeal] {
        self.seals.get(peer).map_or(&[], Vec::as_slice)
    }

    /// Delta roots that the merge of a round takes, in slot order: those of its verified commitments.
    pub fn accepted_deltas(&self, run: &Digest, round: u32) -> Vec<Digest> {
        crate::run::accepted_deltas(self, run, round).unwrap_or_default()
    }
}
