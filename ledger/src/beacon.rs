//! The beacon: a chain of values that no party can choose, and that none knows early (L-3.2).

use crate::amount::Height;
use crate::keys::{VrfKey, VrfProof, VrfSecret};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::message;

/// A beacon value.
pub type Beacon = [u8; 32];

/// The value before the first block.
pub fn genesis_beacon(network: &Digest) -> Beacon {
    message("retrace v1 genesis beacon", network)
}

/// What the proposer's VRF is evaluated on: no round, no contents.
fn input(network: &Digest, height: Height, before: &Beacon) -> Vec<u8> {
    message("retrace v1 beacon input", &(network, height, before)).to_vec()
}

/// The next value, if the proof is the proposer's.
pub fn next_beacon(
    key: &VrfKey,
    network: &Digest,
    height: Height,
    before: &Beacon,
    proof: &VrfProof,
) -> Option<Beacon> {
    let output = key.verify(&input(network, height, before), proof)?;
    Some(message("retrace v1 beacon", &(before, output)))
}

/// The proof for the next value.
pub fn prove_beacon(secret: &VrfSecret, network: &Digest, height: Height, before: &Beacon) -> VrfProof {
    secret.prove(&input(network, height, before))
}

/// A value for one use, so that no two draws share one (L-3.2).
pub fn derived_beacon(beacon: &Beacon, run: &Digest, round: u32) -> Beacon {
    message("retrace v1 round beacon", &(beacon, run, round))
}

/// Orders candidates by a shuffle keyed with a beacon: ascending by hash.
pub fn shuffled<T: borsh::BorshSerialize + Copy>(seed: &[u8; 32], candidates: &[T]) -> Vec<T> {
    let mut keyed: Vec<([u8; 32], T)> =
        candidates.iter().map(|c| (message("retrace v1 shuffle", &(seed, c)), *c)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, candidate)| candidate).collect()
}
