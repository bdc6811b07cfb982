//! Clock bundles: what the ledger's clock decided, to whoever trusts its validators, and all that shows nothing.

use super::fixture::{AUDITOR, TRAINERS, VALIDATOR, World, genesis, genesis_of, key, precommit, validator};
use crate::evidence::{ClockBundle, NoClockBundle, Trust, TrustError, TrustedValidator, Undecided};
use crate::state::{Row, prove, update};
use crate::{
    Batch, Body, Certificate, CertificateInvalid, ClaimRecord, ClaimStatus, DisputeRecord, DisputeStatus,
    Genesis, Height, MemoryStore, ProofError, Signable, StateKey, Store, Timeout, encode,
};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, Opening};
use retrace_verifier::evidence::{BUNDLE_BYTES_MAX, Kind, Unreadable};
use retrace_verifier::signature::{PeerKey, Signature};
use retrace_verifier::{Outcome, Side, Unit};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/vectors/evidence/clock");

/// A world in which an accused was silent; gives the dispute, and one over the same claim that was overtaken.
fn silent(genesis: Genesis) -> (World, Digest, Digest) {
    let mut world = World::of(genesis);
    let (_, ids) = world.audited();
    for _ in 0..2 {
        world.challenge(AUDITOR, ids[0], Unit::Loss, Opening::Nothing);
    }
    let disputes = world.chain.state().claim(&ids[0]).unwrap().disputes.clone();
    // Two disputes were started: the accused has the time of both.
    world.wait(8);
    world.play(AUDITOR, Body::Timeout(Timeout { dispute: disputes[0] }));
    (world, disputes[0], disputes[1])
}

fn trust(powers: &[(PeerKey, u64)]) -> Vec<TrustedValidator> {
    let mut trusted: Vec<TrustedValidator> =
        powers.iter().map(|(key, power)| TrustedValidator { key: *key, power: *power }).collect();
    trusted.sort_by_key(|validator| validator.key);
    trusted
}

/// Signs whatever header a bundle has, as the one validator.
fn certified(mut bundle: ClockBundle) -> ClockBundle {
    let (header, block) = (bundle.header, bundle.header.id());
    let signatures = vec![precommit(header.network, header.height, block, VALIDATOR)];
    bundle.certificate = Certificate { height: header.height, round: 0, block, signatures };
    bundle
}

/// A block whose state has other rows than a rule would write: what validators that lie could sign.
fn with_rows(bundle: &ClockBundle, dispute_row: Vec<u8>, claim: Digest, claim_row: Vec<u8>) -> ClockBundle {
    let keys = [StateKey::Dispute(bundle.dispute), StateKey::Claim(claim)];
    let mut rows: Vec<Row> =
        vec![(keys[0].bytes(), dispute_row.clone()), (keys[1].bytes(), claim_row.clone())];
    rows.sort();
    let mut store = MemoryStore::default();
    let tree = update(&store, &rows, 0).unwrap();
    let mut forged = bundle.clone();
    forged.header.state_root = tree.root;
    store.commit(Batch { rows, tree: tree.change, ..Batch::default() }).unwrap();
    let [dispute_path, claim_path] = keys.map(|key| prove(&store, &key, Height(0)).unwrap().path);
    certified(ClockBundle { dispute_row, dispute_path, claim_row, claim_path, ..forged })
}

/// L-7.7, V-6.4: the bundle of a silent accused is decided by the clock, to who trusts genesis or names the set.
#[test]
fn silence_is_decided_by_the_clock() {
    let (mut world, dispute, overtaken) = silent(genesis());
    let bundle = ClockBundle::of(&world.chain, &dispute).unwrap();
    let bytes = encode(&bundle);
    assert_eq!(Kind::of(&bytes), Ok(Kind::Clock));
    assert!(bytes.len() < 8_192, "{} bytes", bytes.len());
    let read = ClockBundle::read(&bytes).unwrap();
    let of_genesis = Trust::genesis(&genesis()).unwrap();
    let decided = read.judge(&of_genesis).unwrap();
    let record = world.chain.state().dispute(&dispute).unwrap();
    assert_eq!((&decided.record, decided.dispute, decided.block), (record, dispute, world.chain.head().id));
    assert!(TRAINERS.map(key).contains(&decided.record.accused));
    assert_eq!(decided.claim.status, ClaimStatus::Convicted { dispute });
    assert!(of_genesis.is_genesis());
    let named = Trust::set(world.chain.network(), trust(&[(validator(VALIDATOR).consensus(), 1)])).unwrap();
    assert!(!named.is_genesis());
    assert_eq!(read.judge(&named), Ok(decided));
    // Any later block says the same.
    world.wait(3);
    let later = ClockBundle::of(&world.chain, &dispute).unwrap();
    assert_ne!(later.header, bundle.header);
    assert!(later.judge(&of_genesis).is_ok());
    // What the clock did not decide has no bundle.
    assert_eq!(ClockBundle::of(&world.chain, &overtaken), Err(NoClockBundle::OtherEnd));
    assert_eq!(ClockBundle::of(&world.chain, &Digest([9; 32])), Err(NoClockBundle::Unknown));
    if std::env::var_os("RETRACE_WRITE_VECTORS").is_some() {
        std::fs::create_dir_all(FOLDER).unwrap();
        std::fs::write(format!("{FOLDER}/silence.bin"), &bytes).unwrap();
    }
    let kept = std::fs::read(format!("{FOLDER}/silence.bin")).expect("RETRACE_WRITE_VECTORS=1 writes it");
    assert_eq!(kept, bytes);
}

/// L-7.7, L-9.5: it is relative to the reader's validators, by name, however many others signed.
#[test]
fn it_is_relative_to_whom_the_reader_trusts() {
    let (world, dispute, _) =
        silent(genesis_of(&[(101, 40_000), (102, 30_000), (103, 20_000), (104, 10_000)]));
    let bundle = ClockBundle::of(&world.chain, &dispute).unwrap();
    let network = world.chain.network();
    let consensus = |name| validator(name).consensus();
    let of = |powers: &[(u8, u64)]| {
        let powers: Vec<_> = powers.iter().map(|(name, power)| (consensus(*name), *power)).collect();
        Trust::set(network, trust(&powers)).unwrap()
    };
    assert!(bundle.judge(&Trust::genesis(world.chain.genesis()).unwrap()).is_ok());
    // A set with a validator less: its signature has to go first, by name.
    let three = of(&[(101, 40_000), (102, 30_000), (103, 20_000)]);
    let unknown = CertificateInvalid::UnknownValidator { validator: consensus(104) };
    assert_eq!(bundle.judge(&three), Err(Undecided::Certificate(unknown)));
    assert!(bundle.clone().for_reader(&three).judge(&three).is_ok());
    // A set in which those who signed are too few, exactly two thirds among them.
    let mixed = of(&[(101, 1), (102, 1), (110, 1)]);
    let power = |found, total| Err(Undecided::Certificate(CertificateInvalid::Power { found, total }));
    assert_eq!(bundle.clone().for_reader(&mixed).judge(&mixed), power(2, 3));
    let strangers = of(&[(110, 1), (111, 1)]);
    assert_eq!(bundle.clone().for_reader(&strangers).judge(&strangers), power(0, 2));
    let elsewhere = Trust::set(Digest([7; 32]), trust(&[(consensus(101), 1)])).unwrap();
    assert_eq!(bundle.judge(&elsewhere), Err(Undecided::Network));
    // Sets that are none.
    let (a, b) = (TrustedValidator { key: PeerKey([1; 32]), power: u64::MAX }, PeerKey([2; 32]));
    let set = |validators| Trust::set(network, validators).unwrap_err();
    assert_eq!(set(vec![]), TrustError::None);
    assert_eq!(set(vec![TrustedValidator { power: 0, ..a }]), TrustError::None);
    assert_eq!(set(vec![a, a]), TrustError::Order { position: 1 });
    assert_eq!(set(vec![a, TrustedValidator { key: b, power: 1 }]), TrustError::Power);
    let mut none = genesis();
    none.accounts.clear();
    assert!(matches!(Trust::genesis(&none), Err(TrustError::Genesis(_))));
}

/// L-7.7: every reason about block and proofs, in the order of the checks.
#[test]
fn each_reason_about_the_block_has_a_row() {
    let (world, dispute, _) = silent(genesis());
    let good = ClockBundle::of(&world.chain, &dispute).unwrap();
    let trusted = Trust::genesis(&genesis()).unwrap();
    let edited = |edit: &dyn Fn(&mut ClockBundle)| {
        let mut bundle = good.clone();
        edit(&mut bundle);
        bundle.judge(&trusted).unwrap_err()
    };
    let height = good.header.height;
    let found = edited(&|b| b.certificate.height = height.after(1));
    let expected = CertificateInvalid::Height { expected: height, found: height.after(1) };
    assert_eq!(found, Undecided::Certificate(expected));
    assert_eq!(edited(&|b| b.header.time_ms += 1), Undecided::Certificate(CertificateInvalid::Block));
    assert_eq!(edited(&|b| b.header.state_root.0[0] ^= 1), Undecided::Certificate(CertificateInvalid::Block));
    let forged = edited(&|b| b.certificate.round += 1);
    assert!(matches!(forged, Undecided::Certificate(CertificateInvalid::Signature(_))));
    let none = edited(&|b| b.certificate.signatures.clear());
    assert!(matches!(none, Undecided::Certificate(CertificateInvalid::Power { found: 0, .. })));
    assert_eq!(edited(&|b| b.dispute.0[0] ^= 1), Undecided::DisputeProof(ProofError::Root));
    assert_eq!(edited(&|b| b.dispute_row[0] ^= 1), Undecided::DisputeProof(ProofError::Root));
    assert!(matches!(edited(&|b| b.dispute_path.clear()), Undecided::DisputeProof(ProofError::Codec(_))));
    assert_eq!(edited(&|b| b.claim_row[0] ^= 1), Undecided::ClaimProof(ProofError::Root));
    assert_eq!(edited(&|b| b.claim_path = b.dispute_path.clone()), Undecided::ClaimProof(ProofError::Root));
}

/// L-7.7: every reason about rows, in the order of the checks, in blocks that only lying validators sign.
#[test]
fn each_reason_about_the_rows_has_a_row() {
    let (world, dispute, overtaken) = silent(genesis());
    let state = world.chain.state();
    let good = ClockBundle::of(&world.chain, &dispute).unwrap();
    let trusted = Trust::genesis(&genesis()).unwrap();
    let (record, other) = (state.dispute(&dispute).unwrap(), state.dispute(&overtaken).unwrap());
    let claim = state.claim(&record.claim).unwrap();
    let answer = |record: &DisputeRecord, claim: &ClaimRecord| {
        with_rows(&good, encode(record), record.claim, encode(claim)).judge(&trusted)
    };
    assert!(answer(record, claim).is_ok());
    let garbage = with_rows(&good, vec![7; 40], record.claim, encode(claim)).judge(&trusted);
    assert_eq!(garbage, Err(Undecided::DisputeRow));
    let lost = DisputeStatus::Ended(Outcome { winner: Side::Accused, finding: None });
    for status in [DisputeStatus::Open, lost, other.status.clone()] {
        let ended = DisputeRecord { status, ..record.clone() };
        assert_eq!(answer(&ended, claim), Err(Undecided::OtherEnd));
    }
    let garbage = with_rows(&good, encode(record), record.claim, vec![7; 40]).judge(&trusted);
    assert_eq!(garbage, Err(Undecided::ClaimRow));
    let edited = |edit: &dyn Fn(&mut ClaimRecord)| {
        let mut changed = claim.clone();
        edit(&mut changed);
        answer(record, &changed).unwrap_err()
    };
    let unsigned = edited(&|c| {
        if let Claim::Segment(signed) = &mut c.claim {
            signed.signature = Signature([0; 64]);
        }
    });
    assert!(matches!(unsigned, Undecided::Signature(_)));
    let ids = state.round(&record.run, 0).unwrap().slots.iter().filter_map(|slot| slot.commitment);
    let neighbor = ids.filter(|id| *id != record.claim).find_map(|id| state.claim(&id)).unwrap();
    assert_eq!(edited(&|c| c.claim = neighbor.claim), Undecided::OtherClaim);
    let stranger = DisputeRecord { accused: key(AUDITOR), ..record.clone() };
    assert_eq!(answer(&stranger, claim), Err(Undecided::OtherClaim));
    let elsewhere = DisputeRecord { run: Digest([7; 32]), ..record.clone() };
    assert_eq!(answer(&elsewhere, claim), Err(Undecided::OtherClaim));
    let by = ClaimStatus::Convicted { dispute: overtaken };
    for status in [ClaimStatus::Open, ClaimStatus::Verified, by] {
        assert_eq!(edited(&|c| c.status = status), Undecided::NotConvicted);
    }
}

/// L-7.7, V-6.1: no flipped bit decides anything, no prefix is readable, and nothing brings the judge down.
#[test]
fn no_flipped_byte_decides() {
    let (world, dispute, _) = silent(genesis());
    let bytes = encode(&ClockBundle::of(&world.chain, &dispute).unwrap());
    let trusted = Trust::genesis(&genesis()).unwrap();
    let is_decided = |bytes: &[u8]| ClockBundle::read(bytes).is_ok_and(|b| b.judge(&trusted).is_ok());
    assert!(is_decided(&bytes));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(!is_decided(&flipped), "byte {at} of {}, bit {bit}", bytes.len());
        }
        assert!(ClockBundle::read(&bytes[..at]).is_err());
    }
    assert_eq!(ClockBundle::read(&[&bytes[..], &[0]].concat()), Err(Unreadable::Malformed));
    let long = vec![0; BUNDLE_BYTES_MAX + 1];
    assert_eq!(ClockBundle::read(&long), Err(Unreadable::TooLong { bytes: long.len() }));
    let arithmetic = [&Kind::Arithmetic.magic()[..], &bytes[8..]].concat();
    assert_eq!(ClockBundle::read(&arithmetic), Err(Unreadable::Kind { found: Kind::Arithmetic }));
    // Counts of 2^32 - 1 wherever they may be read.
    for at in 8..bytes.len() - 4 {
        let mut counts = bytes.clone();
        counts[at..at + 4].fill(0xFF);
        assert!(!is_decided(&counts), "count at {at}");
    }
}
