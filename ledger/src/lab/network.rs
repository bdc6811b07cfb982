//! A network of one process: keys made from names, one validator that proposes to itself, blocks a second apart.

use super::LabError;
use crate::{
    Amount, Attest, AttestedPart, Body, Certificate, Chain, CommitSignature, Event, Genesis, GenesisAccount,
    MemoryStore, Moment, Params, ProposerSecrets, RegisteredKeys, Role, Signable, Signed, Span, Transaction,
    TransactionInvalid, Vote, VoteKind, VrfSecret,
};
use ed25519_dalek::SigningKey;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key, sign};
use std::collections::BTreeMap;

/// Time from a block to the next.
const BLOCK_MS: u64 = 1_000;
/// Stake of a trainer: enough for its lock several times over.
const TRAINER_STAKE: u64 = 50_000;

/// The key of a name.
pub(super) fn key(role: &str, number: usize) -> SigningKey {
    let mut hasher = blake3::Hasher::new_derive_key("retrace v1 lab key");
    hasher.update(role.as_bytes()).update(&(number as u64).to_le_bytes());
    SigningKey::from_bytes(hasher.finalize().as_bytes())
}

/// A chain that proposes to itself, and the nonces of the block that is being made.
pub(super) struct Network {
    pub chain: Chain,
    /// True as long as no block has changed the sum of all value.
    pub is_conserved: bool,
    time_ms: u64,
    nonces: BTreeMap<PeerKey, u64>,
}

/// What came of a block.
pub(super) struct Applied {
    pub events: Vec<Event>,
    /// Transactions that were refused.
    pub dropped: Vec<(Digest, TransactionInvalid)>,
}

fn validator() -> ProposerSecrets {
    let seed = key("validator vrf", 0).to_bytes();
    ProposerSecrets { signing: key("validator consensus", 0), vrf: VrfSecret::from_seed(&seed) }
}

fn account(key: &SigningKey, balance: u64, bonded: u64, role: Role) -> GenesisAccount {
    let (balance, bonded) = (Amount(balance), Amount(bonded));
    GenesisAccount { key: peer_key(key), balance, bonded, role, registered: None }
}

/// One sponsor, two trainers, three verifiers, one validator, and challengers with this much stake each.
fn genesis(challengers: usize, stake: Amount) -> Genesis {
    let secrets = validator();
    let registered = RegisteredKeys { vrf: secrets.vrf.key(), consensus: secrets.consensus(), node: [1; 32] };
    let mut accounts = vec![
        account(&key("sponsor", 0), 10_000_000, 0, Role::Sponsor),
        GenesisAccount {
            registered: Some(registered),
            ..account(&key("validator", 0), 1_000, 30_000, Role::Validator)
        },
    ];
    accounts.extend((0..2).map(|n| account(&key("trainer", n), 1_000, TRAINER_STAKE, Role::Trainer)));
    accounts.extend((0..3).map(|n| account(&key("verifier", n), 1_000, 10_000, Role::Verifier)));
    accounts.extend((0..challengers).map(|n| account(&key("challenger", n), 0, stake.0, Role::Auditor)));
    accounts.sort_by_key(|account| account.key);
    // Stake answers for as long as the lab's windows and clocks together.
    let params = Params { unbond_span: Span { heights: 1 << 21, ms: 1 << 31 }, ..Params::default() };
    Genesis { name: "lab".into(), test_network: true, time_ms: 1_700_000_000_000, accounts, params }
}

impl Network {
    pub fn new(challengers: usize, stake: Amount) -> Result<Network, LabError> {
        let genesis = genesis(challengers, stake);
        let time_ms = genesis.time_ms;
        let chain = Chain::open(genesis, Box::new(MemoryStore::default()))?;
        Ok(Network { chain, is_conserved: true, time_ms, nonces: BTreeMap::new() })
    }

    /// A transaction of the block that is being made, with the signer's next nonce.
    pub fn sign(&mut self, signer: &SigningKey, body: Body) -> Result<Signed<Transaction>, LabError> {
        let account = peer_key(signer);
        let next = self.chain.next_nonce(&account);
        let nonce = self.nonces.entry(account).or_insert(next);
        let transaction = Transaction { network: self.chain.network(), signer: account, nonce: *nonce, body };
        *nonce += 1;
        Signed::sign(transaction, signer).ok_or(LabError::Setup("a transaction is signed by its signer"))
    }

    /// The next block, with what is valid of these transactions.
    pub fn block(&mut self, pending: Vec<Signed<Transaction>>) -> Result<Applied, LabError> {
        self.nonces.clear();
        let secrets = validator();
        let proposal = self.chain.propose(&secrets, self.time_ms + BLOCK_MS, pending)?;
        let (header, id) = (proposal.block.header(), proposal.block.id());
        let (kind, validator) = (VoteKind::Precommit, secrets.consensus());
        let vote = Vote {
            network: header.network,
            height: header.height,
            round: 0,
            kind,
            block: Some(id),
            validator,
        };
        let signature = sign(&secrets.signing, Vote::SIGNATURE_CONTEXT, &vote);
        let signatures = vec![CommitSignature { validator, signature }];
        let certificate = Certificate { height: header.height, round: 0, block: id, signatures };
        self.time_ms = header.time_ms;
        let events = self.chain.apply(&proposal.block, &certificate)?;
        let state = self.chain.state();
        self.is_conserved &= state.total_value() == Some(state.genesis_value());
        let dropped = proposal.dropped.iter().map(|(signed, reason)| (signed.id(), *reason)).collect();
        Ok(Applied { events, dropped })
    }

    /// One transaction that has to be valid, in a block of its own.
    pub fn must(&mut self, signer: &SigningKey, body: Body) -> Result<Vec<Event>, LabError> {
        let signed = self.sign(signer, body)?;
        let applied = self.block(vec![signed])?;
        match applied.dropped.first() {
            Some((_, reason)) => Err(LabError::Refused(*reason)),
            None => Ok(applied.events),
        }
    }

    /// Empty blocks.
    pub fn wait(&mut self, blocks: u32) -> Result<(), LabError> {
        (0..blocks).try_for_each(|_| self.block(Vec::new()).map(|_| ()))
    }

    /// The validator holds a part of these claims.
    pub fn attest(&mut self, claims: &[Digest], part: AttestedPart) -> Result<(), LabError> {
        for claim in claims {
            let body = Attest { claim: *claim, part, keyed: Digest([8; 32]) };
            self.must(&key("validator", 0), Body::Attest(body))?;
        }
        Ok(())
    }

    /// When a block after `blocks` more will be.
    pub fn moment_in(&self, blocks: u64) -> Result<Moment, LabError> {
        let now = self.chain.state().now()?.moment();
        Ok(now.after(Span { heights: blocks, ms: blocks * BLOCK_MS }))
    }
}
