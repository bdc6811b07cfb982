//! Canonical bytes: what is written is read, and nothing else is.

use super::fixture::{AUDITOR, NOBODY, World, attest, base, commit, genesis, proposer, terms, verdict};
use crate::limits::{BLOCK_BYTES_MAX, GENESIS_BYTES_MAX, TRANSACTION_BYTES_MAX};
use crate::{
    Amnesty, Amount, AttestedPart, Block, Body, CodecError, Contradiction, Delegate, Dispute, Equivocation,
    Genesis, Height, OpenRun, Play, Register, Role, Seal, Settle, Signed, Stake, Timeout, Transaction,
    Transfer, Unbond, Unchecked, VerdictResult, Vote, VoteKind, challenge_seal, decode, encode,
    prove_possession,
};
use proptest::prelude::*;
use retrace_verifier::delegation::{Delegation, SignedDelegation};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::signature::{Signature, peer_key};
use retrace_verifier::{Move, Side, SignedMove, Unit};
use std::sync::OnceLock;

/// One transaction of each kind, by the variants' order.
pub fn bodies() -> Vec<Body> {
    let mut world = World::new();
    let run = world.training();
    let (_, signed) = world.commitment(&run, 0, 7);
    let claim = Digest([5; 32]);
    let key = super::fixture::secret(AUDITOR);
    let signed_move = SignedMove::new(&key, claim, 3, Side::Accused, Move::Open(vec![[1; 32]; 4]));
    let trace = |n| SignedMove::new(&key, Digest([n; 32]), 0, Side::Accused, Move::Trace(Digest([n; 32])));
    vec![
        Body::Stake(Stake { amount: Amount(7) }),
        Body::OpenRun(Box::new(OpenRun { terms: terms() })),
        commit(signed),
        base(world.base(AUDITOR, &run, 9)),
        verdict(claim, Unit::Step(3), VerdictResult::Match),
        Body::Dispute(Box::new(Dispute {
            claim,
            unit: Unit::Loss,
            opening: Opening::Nothing,
            salt: Some(Digest([6; 32])),
        })),
        Body::Play(Box::new(Play { signed: signed_move })),
        Body::Timeout(Timeout { dispute: claim }),
        Body::Settle(Settle { claim }),
        Body::Transfer(Transfer { to: super::fixture::key(NOBODY), amount: Amount(7) }),
        Body::Register(Box::new(register(&world))),
        Body::Unbond(Unbond { amount: Amount(7) }),
        attest(claim, AttestedPart::Drawn),
        Body::Equivocation(Box::new(equivocation(&world))),
        Body::Seal(Seal { seal: challenge_seal(&claim, Unit::Loss, &peer_key(&key), &Digest([6; 32])) }),
        Body::Contradiction(Box::new(Contradiction { first: trace(1), second: trace(2) })),
        Body::Delegate(Delegate { signed: delegation(&world) }),
        Body::Amnesty(Amnesty { run, name: "retrace 0.1.0 avx512 (tanh)".into() }),
    ]
}

/// The auditor becomes a validator.
fn register(world: &World) -> Register {
    let signing = super::fixture::validator(AUDITOR).signing;
    let possession = prove_possession(&signing, &world.chain.network(), &super::fixture::key(AUDITOR));
    let keys = super::fixture::registered(AUDITOR);
    Register { role: Role::Validator, keys: Some(keys), possession: Some(possession) }
}

/// The auditor lets somebody else sign its moves.
fn delegation(world: &World) -> SignedDelegation {
    let (account, key) = (super::fixture::key(AUDITOR), super::fixture::key(NOBODY));
    let delegation = Delegation { network: world.chain.network(), account, key, serial: 3 };
    SignedDelegation::new(delegation, &super::fixture::secret(AUDITOR))
}

/// Two votes of the validator, as whoever saw both sends them.
fn equivocation(world: &World) -> Equivocation {
    let (network, secrets) = (world.chain.network(), proposer());
    let vote = |block| {
        let (height, kind, validator) = (Height(5), VoteKind::Precommit, secrets.consensus());
        let vote = Vote { network, height, round: 1, kind, block, validator };
        *Signed::sign(vote, &secrets.signing).unwrap().wire()
    };
    Equivocation { first: vote(Some(Digest([1; 32]))), second: vote(None) }
}

/// All of them signed, as they travel.
pub fn samples() -> Vec<Unchecked<Transaction>> {
    let world = World::new();
    let sign = |(nonce, body)| world.sign_with(AUDITOR, body, nonce).wire().clone();
    (1..).zip(bodies()).map(sign).collect()
}

fn bytes() -> &'static Vec<Vec<u8>> {
    static BYTES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    BYTES.get_or_init(|| samples().iter().map(encode).collect())
}

type Wire = Unchecked<Transaction>;

/// L-1.1, L-1.2: bound, parse, nothing left over; in this order.
#[test]
fn the_order_of_the_checks() {
    for bytes in bytes() {
        let value: Wire = decode(bytes, TRANSACTION_BYTES_MAX).unwrap();
        assert_eq!(&encode(&value), bytes);
        let limit = bytes.len() - 1;
        assert_eq!(decode::<Wire>(bytes, limit), Err(CodecError::TooLong { found: bytes.len(), limit }));
        assert_eq!(decode::<Wire>(&bytes[..limit], TRANSACTION_BYTES_MAX), Err(CodecError::Malformed));
        let mut longer = bytes.clone();
        longer.extend([0, 0]);
        assert_eq!(decode::<Wire>(&longer, TRANSACTION_BYTES_MAX), Err(CodecError::Trailing { left: 2 }));
    }
    let text = encode(&genesis());
    assert_eq!(decode::<Genesis>(&text, GENESIS_BYTES_MAX).unwrap(), genesis());
}

/// L-1.1: a count that promises more than there is allocates nothing and is refused.
#[test]
fn a_false_count_is_refused() {
    let mut world = World::new();
    let proposal = world.propose(Vec::new());
    let mut block = encode(&proposal.block.wire());
    let at = block.len() - 4;
    block[at..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(decode::<Block>(&block, BLOCK_BYTES_MAX), Err(CodecError::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// L-1.1: no prefix of an encoding is one.
    #[test]
    fn truncated_bytes_are_refused(which in 0usize..18, cut in 0u32..1_000_000) {
        let bytes = &bytes()[which];
        let end = (u64::from(cut) * bytes.len() as u64 / 1_000_000) as usize;
        prop_assert!(decode::<Wire>(&bytes[..end], TRANSACTION_BYTES_MAX).is_err());
    }

    /// L-1.1, L-1.5: a flipped bit never panics, decodes only to itself, and never keeps its signature.
    #[test]
    fn flipped_bits_are_other_values(which in 0usize..18, place in 0u32..1_000_000, bit in 0u8..8) {
        let mut bytes = bytes()[which].clone();
        let at = (u64::from(place) * bytes.len() as u64 / 1_000_000) as usize;
        bytes[at] ^= 1 << bit;
        if let Ok(value) = decode::<Wire>(&bytes, TRANSACTION_BYTES_MAX) {
            prop_assert_eq!(encode(&value), bytes);
            prop_assert!(Signed::check(value).is_err());
        }
    }

    /// L-1.1: any bytes at all are refused or are exactly the encoding of what they decode to.
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(value) = decode::<Wire>(&bytes, TRANSACTION_BYTES_MAX) {
            prop_assert_eq!(encode(&value), bytes.clone());
        }
        if let Ok(value) = decode::<Block>(&bytes, BLOCK_BYTES_MAX) {
            prop_assert_eq!(encode(&value), bytes);
        }
    }

    /// L-1.3: numbers keep their order and their bytes.
    #[test]
    fn numbers_travel(amount in any::<u64>(), nonce in any::<u64>(), seed in any::<[u8; 64]>()) {
        let body = Body::Stake(Stake { amount: Amount(amount) });
        let world_free = Transaction { network: Digest([1; 32]), signer: super::fixture::key(1), nonce, body };
        let wire = Unchecked { body: world_free, signature: Signature(seed) };
        prop_assert_eq!(decode::<Wire>(&encode(&wire), TRANSACTION_BYTES_MAX), Ok(wire));
    }
}

/// L-1.5: a signature binds network, nonce and body; another key's is refused.
#[test]
fn a_signature_binds_everything() {
    let sample = samples().remove(0);
    assert!(Signed::check(sample.clone()).is_ok());
    let edits: [fn(&mut Wire); 4] = [
        |w| w.body.network = Digest([8; 32]),
        |w| w.body.nonce += 1,
        |w| w.body.body = Body::Stake(Stake { amount: Amount(8) }),
        |w| w.body.signer = super::fixture::key(1),
    ];
    for edit in edits {
        let mut changed = sample.clone();
        edit(&mut changed);
        assert!(Signed::check(changed).is_err());
    }
    assert!(Signed::sign(sample.body, &super::fixture::secret(1)).is_none());
}
