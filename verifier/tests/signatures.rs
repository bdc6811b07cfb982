//! What a signature covers, how large a signed claim is, and which keys are none.

use ed25519_dalek::SigningKey;
use retrace_verifier::commitment::{BaseClaim, Commitment, SegmentLists, SignedBase, SignedCommitment};
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::docket::Claim;
use retrace_verifier::signature::{PeerKey, Signature, SignatureError, peer_key, sign, verify};
use retrace_verifier::{Move, Side, SignedMove};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn commitment(trainer: PeerKey) -> Commitment {
    Commitment {
        network: Digest([1; 32]),
        run: Digest([2; 32]),
        round: u32::MAX,
        slot: u16::MAX,
        data_root: Digest([3; 32]),
        delta_root: Digest([4; 32]),
        delta_bytes: u64::MAX,
        checkpoint_root: Digest([5; 32]),
        loss_root: Digest([6; 32]),
        mean_loss: 0x3F80_0000,
        lists: Digest([7; 32]),
        trainer,
    }
}

/// V-3.3: a signed commitment takes at most 512 bytes, and every field is signed.
#[test]
fn a_commitment_is_small_and_signed_whole() {
    let good = SignedCommitment::new(commitment(peer_key(&key(1))), &key(1));
    let bytes = borsh::to_vec(&good).unwrap();
    assert!(bytes.len() <= 512, "{} bytes", bytes.len());
    assert_eq!(bytes.len(), 338);
    assert_eq!(good.check(), Ok(()));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let changed: SignedCommitment = borsh::from_slice(&changed).unwrap();
        assert!(changed.check().is_err(), "byte {at}");
    }
    println!("a signed commitment has {} bytes", bytes.len());
}

/// V-3.2, V-3.3: a commitment signed for one network, run, round or slot is none for another.
#[test]
fn a_commitment_belongs_to_one_place() {
    let good = SignedCommitment::new(commitment(peer_key(&key(1))), &key(1));
    let changes: [fn(&mut Commitment); 5] = [
        |c| c.network = Digest([9; 32]),
        |c| c.run = Digest([9; 32]),
        |c| c.round = 0,
        |c| c.slot = 0,
        |c| c.trainer = peer_key(&key(2)),
    ];
    for change in changes {
        let mut moved = good;
        change(&mut moved.commitment);
        let signer = moved.commitment.trainer;
        assert_eq!(moved.check(), Err(SignatureError::Signature { key: signer }));
        assert!(Claim::Segment(moved).check().is_err());
        assert_ne!(moved.commitment.id(), good.commitment.id());
    }
}

/// V-3.4: likewise a base; and no signature of one kind of claim serves for another.
#[test]
fn a_base_belongs_to_one_place() {
    let poster = peer_key(&key(1));
    let claim =
        BaseClaim { network: Digest([1; 32]), run: Digest([2; 32]), round: 1, root: Digest([3; 32]), poster };
    let good = SignedBase::new(claim, &key(1));
    assert_eq!(good.check(), Ok(()));
    assert_eq!(Claim::Base(good).signer(), poster);
    for at in 0..4 {
        let mut moved = good;
        match at {
            0 => moved.claim.network = Digest([9; 32]),
            1 => moved.claim.run = Digest([9; 32]),
            2 => moved.claim.round = 2,
            _ => moved.claim.root = Digest([9; 32]),
        }
        assert!(moved.check().is_err());
    }
    for context in ["retrace v1 commitment", "retrace v1 move", "retrace v1 base id"] {
        let signature = sign(&key(1), context, &claim);
        assert!(SignedBase { claim, signature }.check().is_err(), "{context}");
    }
}

/// V-3.2, V-4.2: a move signed for one dispute, number or side is none for another, nor is anyone else's.
#[test]
fn a_move_belongs_to_one_place() {
    let (signer, body) = (peer_key(&key(1)), Move::Choose(7));
    let good = SignedMove::new(&key(1), Digest([1; 32]), 3, Side::Accused, body);
    assert_eq!(good.check(&signer), Ok(()));
    assert_eq!(good.bytes(), borsh::to_vec(&good).unwrap().len() as u64);
    for at in 0..4 {
        let mut moved = good.clone();
        match at {
            0 => moved.dispute = Digest([2; 32]),
            1 => moved.number = 4,
            2 => moved.side = moved.side.other(),
            _ => moved.body = Move::Element(7),
        }
        assert_eq!(moved.check(&signer), Err(SignatureError::Signature { key: signer }));
    }
    let other = peer_key(&key(2));
    assert_eq!(good.check(&other), Err(SignatureError::Signature { key: other }));
}

/// V-3.2: points of small order sign nothing, though a lenient check accepts a signature of zeros for them.
#[test]
fn a_key_of_small_order_is_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let order_four = [0; 32];
    let mut order_two = [0xFF; 32];
    (order_two[0], order_two[31]) = (0xEC, 0x7F);
    let mut order_eight = [0; 32];
    order_eight.copy_from_slice(&hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"));
    for bytes in [identity, order_two, order_four, order_eight] {
        let weak = PeerKey(bytes);
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&identity);
        for signature in [Signature(signature), Signature([0; 64])] {
            let found = verify(&weak, "retrace v1 move", &0u8, &signature);
            assert_eq!(found, Err(SignatureError::Key { key: weak }));
        }
    }
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    let no_point = PeerKey(off_curve);
    let found = verify(&no_point, "retrace v1 move", &0u8, &Signature([0; 64]));
    assert_eq!(found, Err(SignatureError::Key { key: no_point }));
}

/// V-3.2: a scalar moved by the group's order is another signature of the same message to a lenient check only.
#[test]
fn a_signature_has_one_form() {
    let signer = peer_key(&key(1));
    let good = sign(&key(1), "retrace v1 move", &7u32);
    assert_eq!(verify(&signer, "retrace v1 move", &7u32, &good), Ok(()));
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let (mut moved, mut carry) = (good, 0u16);
    for (byte, add) in moved.0[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert!(verify(&signer, "retrace v1 move", &7u32, &moved).is_err());
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// V-3.3: lists of another length, or behind other roots, are not those of the commitment.
#[test]
fn lists_belong_to_one_commitment() {
    let digests = |n: u8| vec![Digest([n; 32]); 5];
    let lists = SegmentLists { step_roots: digests(1), losses: vec![1, 2, 3, 4, 5], batches: digests(2) };
    let mut claim = commitment(peer_key(&key(1)));
    claim.checkpoint_root = lists.step_tree().root();
    claim.data_root = lists.batch_tree().root();
    claim.loss_root = tensor_digest(&lists.loss_bytes());
    assert!(lists.belong_to(&claim, 5) && !lists.belong_to(&claim, 4) && !lists.belong_to(&claim, 6));
    let changes: [fn(&mut SegmentLists); 4] =
        [|l| l.losses[4] ^= 1, |l| l.step_roots[0].0[0] ^= 1, |l| l.batches.swap(0, 1), |l| l.losses.push(6)];
    let changed = changes.map(|change| {
        let mut other = lists.clone();
        change(&mut other);
        other.belong_to(&claim, 5)
    });
    // Two equal batches swapped are the same list.
    assert_eq!(changed, [false, false, true, false]);
}
