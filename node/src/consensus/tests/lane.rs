//! Disputes that a proposer leaves out: a network that refuses the proposal, and one that goes on in spite of a refusal.

use super::cluster::Cluster;
use super::network::{Book, Net, account, reaches};
use crate::consensus::Ledger;
use crate::network::PATIENCE;
use retrace_ledger::{
    Amount, Body, Certificate, CheckedBlock, Commit, CommitSignature, Dispute, Height, Merging, OpenRun,
    Role, RunTerms, Seal, Signed, Span, Transaction, Vote, VoteKind, challenge_seal,
};
use retrace_model::selftest::golden_spec;
use retrace_verifier::Unit;
use retrace_verifier::commitment::{Commitment, SignedCommitment};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Opening, Shard};
use retrace_verifier::signature::peer_key;
use std::sync::Arc;
use std::time::Duration;

const ALL: [usize; 4] = [0, 1, 2, 3];
/// Who opens the run, who trains, who disputes: the last two are no validators.
const SPONSOR: u8 = 0;
const TRAINER: u8 = 4;
const CHALLENGER: u8 = 5;
/// The last of the blocks that are decided before the engines start.
const SET: u64 = 3;

fn terms() -> RunTerms {
    let mut spec = golden_spec();
    (spec.model.context, spec.slots, spec.rounds) = (9, 1, 1);
    let span = |heights| Span { heights, ms: heights * 1_000 };
    RunTerms {
        spec,
        manifest: vec![Shard { digest: Digest([3; 32]), bytes: 1_000 }],
        initial_base: Digest([4; 32]),
        audit_rate_ppm: 500_000,
        verdicts_min: 2,
        draw_delay: 2,
        segment_reward: Amount(100),
        verdict_reward: Amount(3),
        lock: Amount(9_000),
        challenge_bond: Amount(1_000),
        commit_span: span(100_000),
        verdict_span: span(5),
        move_span: span(4),
        bounty_ppm: 100_000,
        bounty_cap: Amount(120),
        declared_gain: Amount(4_000),
        collusion_ppm: 333_333,
        verifier_stake: Amount(300),
        merging: Merging::Delayed,
    }
}

fn commitment(net: &Net, run: Digest) -> SignedCommitment {
    let (key, root) = (account(TRAINER), |n: u8| Digest([n; 32]));
    let commitment = Commitment {
        network: net.genesis.network(),
        run,
        round: 0,
        slot: 0,
        data_root: root(1),
        delta_root: root(2),
        delta_bytes: 4,
        checkpoint_root: root(3),
        loss_root: root(4),
        mean_loss: 0,
        lists: root(5),
        trainer: peer_key(&key),
    };
    SignedCommitment::new(commitment, &key)
}

/// The certificate of a block by all four.
fn certify(net: &Net, block: &CheckedBlock) -> Certificate {
    let (network, height, id) = (net.genesis.network(), block.header().height, block.id());
    let mut signatures: Vec<CommitSignature> = net.keys[..4]
        .iter()
        .map(|keys| {
            let validator = peer_key(&keys.consensus);
            let kind = VoteKind::Precommit;
            let vote = Vote { network, height, round: 0, kind, block: Some(id), validator };
            let signed = Signed::sign(vote, &keys.consensus).unwrap();
            CommitSignature { validator, signature: signed.wire().signature }
        })
        .collect();
    signatures.sort_by_key(|signed| signed.validator);
    Certificate { height, round: 0, block: id, signatures }
}

/// A network with a run and a commitment in its first blocks, and a dispute of it that no block has.
fn scene() -> (Net, Vec<(CheckedBlock, Certificate)>, Signed<Transaction>) {
    let mut net = Net::with_others(4, 2);
    let trainer = peer_key(&account(TRAINER));
    let of_trainer = net.genesis.accounts.iter_mut().find(|one| one.key == trainer).unwrap();
    of_trainer.role = Role::Trainer;
    let (mut chain, mut decided) = (net.chain(), Vec::new());
    let open = net.signed(SPONSOR, 1, Body::OpenRun(Box::new(OpenRun { terms: terms() })));
    let signed = commitment(&net, open.id());
    let claim = signed.commitment.id();
    let commit = net.signed(TRAINER, 1, Body::Commit(Box::new(Commit { signed })));
    let salt = Digest([5; 32]);
    let seal = challenge_seal(&claim, Unit::Loss, &peer_key(&account(CHALLENGER)), &salt);
    let seal = net.signed(CHALLENGER, 1, Body::Seal(Seal { seal }));
    for pending in [vec![open], vec![], vec![commit, seal]] {
        let first = chain.validators().iter().next().unwrap().consensus;
        let at = net.keys.iter().position(|keys| peer_key(&keys.consensus) == first).unwrap();
        let time = net.genesis.time_ms + 1_000 * (decided.len() as u64 + 1);
        let proposal = chain.propose(&net.secrets(at), time, pending).unwrap();
        assert!(proposal.dropped.is_empty(), "{:?}", proposal.dropped);
        let certificate = certify(&net, &proposal.block);
        chain.apply(&proposal.block, &certificate).unwrap();
        decided.push((proposal.block, certificate));
    }
    let dispute = Dispute { claim, unit: Unit::Loss, opening: Opening::Nothing, salt: Some(salt) };
    let dispute = net.signed(CHALLENGER, 2, Body::Dispute(Box::new(dispute)));
    (net, decided, dispute)
}

/// Four engines over the scene; all validators censor, and these hold the dispute.
fn censored(holders: &[usize]) -> (Cluster, Signed<Transaction>) {
    let (net, decided, dispute) = scene();
    let mut cluster = Cluster::new(net);
    for index in ALL {
        let book = &cluster.books[index];
        book.censor(true);
        if holders.contains(&index) {
            book.admit(std::slice::from_ref(&dispute));
        }
        decided.iter().for_each(|(block, certificate)| book.apply(block, certificate).unwrap());
    }
    ALL.iter().for_each(|index| cluster.up_knowing(*index, &ALL));
    (cluster, dispute)
}

fn carries(book: &Book, height: u64, id: Digest) -> bool {
    let (block, _) = book.block(Height(height)).unwrap().unwrap();
    let block = CheckedBlock::check(block).unwrap();
    block.transactions().iter().any(|signed| signed.id() == id)
}

/// W-1.9: a dispute that all hold may be left out for eight heights; then every proposal without it gets nil, and the
/// next proposer that does not censor ends the halt with it.
#[test]
fn a_censor_gets_nil() {
    let (cluster, dispute) = censored(&ALL);
    let last = SET + PATIENCE;
    cluster.agree(&ALL, last);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(cluster.tip(), last, "nothing without it is decided any more");
    assert!((SET + 1..=last).all(|height| !carries(&cluster.books[0], height, dispute.id())));
    let refusals = |book: &Arc<Book>| book.refusals("proposal", "omission");
    assert!(cluster.books[..4].iter().all(|book| refusals(book) > 0), "all refuse, and say so");

    let honest = &cluster.books[1];
    honest.censor(false);
    cluster.agree(&ALL, last + 1);
    assert!(carries(honest, last + 1, dispute.id()));
    let (block, certificate) = honest.block(Height(last + 1)).unwrap().unwrap();
    assert_eq!(block.header.body.proposer, peer_key(&cluster.net.keys[1].consensus));
    assert!(certificate.round > 0, "rounds of censors came before it");
    cluster.agree(&ALL, last + 3);
    assert!(cluster.books.iter().all(|book| book.failure().is_none() && book.accused().is_empty()));
}

/// W-1.9: one that alone holds a dispute refuses what the others decide, halts nobody, and follows them.
#[test]
fn who_refuses_alone_follows() {
    let (cluster, dispute) = censored(&[3]);
    cluster.agree(&ALL, SET + PATIENCE + 6);
    let refused = cluster.books[3].refusals("proposal", "omission");
    assert!(refused > 0 && cluster.books[..3].iter().all(|book| book.refusals("proposal", "omission") == 0));
    let from = cluster.tip();
    cluster.books[3].censor(false);
    assert!(reaches(&cluster.books[0], from + 1, super::cluster::PATIENCE));
    while !(from + 1..=cluster.books[0].height()).any(|h| carries(&cluster.books[0], h, dispute.id())) {
        assert!(cluster.books[0].height() < from + 60, "its turn never came");
        cluster.agree(&[0], cluster.books[0].height() + 1);
    }
    cluster.agree(&ALL, cluster.tip() + 2);
    assert!(cluster.books.iter().all(|book| book.failure().is_none() && book.accused().is_empty()));
}
