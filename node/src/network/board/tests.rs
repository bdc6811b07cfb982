//! The board over a chain in memory: what is acknowledged survives, what is settled is remembered.

use super::{Board, Fate};
use crate::home::Home;
use crate::network::{Origin, Refusal, propose_once};
use ed25519_dalek::SigningKey;
use retrace_ledger::{
    Amount, Body, Chain, Genesis, GenesisAccount, Height, MemoryStore, Params, ProposerSecrets,
    RegisteredKeys, Role, Signed, Stake, Transaction, VrfSecret, encode,
};
use retrace_verifier::signature::peer_key;
use std::path::Path;

fn secrets() -> ProposerSecrets {
    ProposerSecrets { signing: SigningKey::from_bytes(&[4; 32]), vrf: VrfSecret::from_seed(&[5; 32]) }
}

fn user() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

/// One validator, one user with a balance of ten.
pub fn genesis() -> Genesis {
    let keys =
        RegisteredKeys { vrf: secrets().vrf.key(), consensus: peer_key(&secrets().signing), node: [6; 32] };
    let account = |key: &SigningKey, role, registered| GenesisAccount {
        key: peer_key(key),
        balance: Amount(10),
        bonded: Amount(10),
        role,
        registered,
    };
    let validator = SigningKey::from_bytes(&[3; 32]);
    let mut accounts =
        vec![account(&validator, Role::Validator, Some(keys)), account(&user(), Role::Auditor, None)];
    accounts.sort_by_key(|account| account.key);
    Genesis { name: "board".into(), test_network: true, time_ms: 1, accounts, params: Params::default() }
}

fn board(folder: &Path) -> Board {
    let home = Home::create(folder, &genesis()).or_else(|_| Home::open(folder)).expect("a home");
    let chain = Chain::open(genesis(), Box::new(MemoryStore::default())).expect("a chain");
    Board::new(chain, home).expect("a board")
}

fn stake(nonce: u64, amount: u64) -> Signed<Transaction> {
    let (network, signer) = (genesis().network(), peer_key(&user()));
    let body = Body::Stake(Stake { amount: Amount(amount) });
    Signed::sign(Transaction { network, signer, nonce, body }, &user()).expect("the signer's key")
}

/// W-4.3: what was acknowledged is pending again after a restart; what a block included is not.
#[test]
fn acknowledged_transactions_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("home");
    let id = board(&path).admit(stake(1, 3), Origin::Local).expect("taken in");
    let again = board(&path);
    assert_eq!(again.fate(&id), Fate::Pending);
    propose_once(&again, &secrets()).expect("a block");
    assert_eq!(again.fate(&id), Fate::Included { height: Height(1) });
    assert!(!board(&path).has_pending(), "its file is gone");
    // What comes from others is theirs to keep.
    let third = board(&path);
    third.admit(stake(1, 4), Origin::Peer).expect("taken in");
    drop(third);
    assert!(!board(&path).has_pending());
}

/// W-4.2, W-4.4: bytes are refused in the order of the checks, and each refusal is counted under its name.
#[test]
fn bytes_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let board = board(&folder.path().join("home"));
    let signed = stake(1, 3);
    let mut forged = encode(signed.wire());
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let mut elsewhere = signed.body().clone();
    elsewhere.network.0[0] ^= 1;
    let elsewhere = Signed::sign(elsewhere, &user()).expect("the signer's key");
    let stranger = SigningKey::from_bytes(&[77; 32]);
    let unknown = Transaction { signer: peer_key(&stranger), ..signed.body().clone() };
    let unknown = Signed::sign(unknown, &stranger).expect("the signer's key");
    let rows: [(Vec<u8>, &str); 6] = [
        (vec![0; 20_000], "too_long"),
        (vec![7; 100], "malformed"),
        (encode(elsewhere.wire()), "other_network"),
        (encode(unknown.wire()), "unknown_signer"),
        (forged, "signature"),
        (encode(stake(0, 3).wire()), "nonce_used"),
    ];
    for (bytes, name) in rows {
        let refusal = board.admit_bytes(&bytes, Origin::Peer).expect_err(name);
        assert_eq!(refusal.name(), name, "{refusal}");
        assert_eq!(board.metrics().refusals("transaction", name), 1);
    }
    board.admit_bytes(&encode(signed.wire()), Origin::Peer).expect("taken in");
    assert_eq!(board.admit_bytes(&encode(signed.wire()), Origin::Peer), Err(Refusal::Known));
}

/// W-4.2: after a block, what can be in no later one is dropped with its reason, and what waits for a nonce stays.
#[test]
fn a_block_sifts_what_is_pending() {
    let folder = tempfile::tempdir().expect("a folder");
    let board = board(&folder.path().join("home"));
    let (too_much, ahead) = (stake(2, 11), stake(4, 1));
    board.admit(stake(1, 3), Origin::Peer).expect("taken in");
    board.admit(too_much.clone(), Origin::Peer).expect("taken in");
    board.admit(ahead.clone(), Origin::Peer).expect("taken in");
    propose_once(&board, &secrets()).expect("a block");
    assert_eq!(board.height(), Height(1));
    assert!(matches!(board.fate(&too_much.id()), Fate::Refused { reason } if reason.contains("balance")));
    assert_eq!(board.fate(&ahead.id()), Fate::Pending);
    board.submit(&user(), Body::Stake(Stake { amount: Amount(1) })).expect("nonce 2 is free");
    board.submit(&user(), Body::Stake(Stake { amount: Amount(1) })).expect("nonce 3 is free");
    propose_once(&board, &secrets()).expect("a block");
    assert_eq!(board.fate(&ahead.id()), Fate::Included { height: Height(2) });
    assert!(!board.has_pending());
}

/// W-4.1: a block that was applied before is no error, and another one at its height is.
#[test]
fn blocks_are_applied_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (board(&folder.path().join("a")), board(&folder.path().join("b")));
    propose_once(&first, &secrets()).expect("a block");
    second.admit(stake(1, 3), Origin::Peer).expect("taken in");
    propose_once(&second, &secrets()).expect("another block");
    let at = |board: &Board| board.block(Height(1)).expect("readable").expect("there");
    let (own, other) = (at(&first), at(&second));
    let check = |block| retrace_ledger::CheckedBlock::check(block).expect("a block");
    assert!(first.apply(&check(own.0), &own.1).is_ok());
    assert!(first.apply(&check(other.0), &other.1).is_err());
    assert_eq!(first.height(), Height(1));
    assert_eq!(first.wait_for_block(Height(0)), Some(Height(1)));
    first.stop();
    assert_eq!(first.wait_for_block(Height(1)), None);
}
