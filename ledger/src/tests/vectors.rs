//! Golden vectors: bytes and ids that an independent implementation must reach. `RETRACE_WRITE_VECTORS=1` writes them.

use super::codec::samples;
use super::fixture::{World, genesis, proposer};
use crate::econ::{Deterrence, detection_ppb, escape_all_ppb, pass_ppb};
use crate::{
    Amount, Body, Height, Signable, StateKey, encode, genesis_beacon, next_beacon, prove_beacon, shuffled,
};
use retrace_verifier::digest::Digest;
use serde_json::{Value, json};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/vectors/ledger.json");

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn kind(body: &Body) -> &'static str {
    match body {
        Body::Stake(_) => "stake",
        Body::OpenRun(_) => "open_run",
        Body::Commit(_) => "commit",
        Body::Base(_) => "base",
        Body::Verdict(_) => "verdict",
        Body::Dispute(_) => "dispute",
        Body::Play(_) => "play",
        Body::Timeout(_) => "timeout",
        Body::Settle(_) => "settle",
    }
}

fn transactions() -> Value {
    let row = |wire: &crate::Unchecked<crate::Transaction>| json!({ "kind": kind(&wire.body.body), "bytes": hex(encode(wire)), "id": wire.body.id().to_string() });
    samples().iter().map(row).collect()
}

fn chain() -> Value {
    let mut world = World::new();
    let run = world.merging();
    let header = world.blocks[world.blocks.len() - 1].header.body;
    let absent = StateKey::Account(super::fixture::key(200));
    json!({
        "run": run.to_string(),
        "height": header.height.0,
        "header": hex(encode(&header)),
        "id": header.id().to_string(),
        "state_root": header.state_root.to_string(),
        "absent_key": hex(absent.bytes()),
        "absent_proof": hex(world.chain.prove(&absent).unwrap().path),
    })
}

fn beacon() -> Value {
    let (vrf, network) = (proposer().vrf, genesis().network());
    let before = genesis_beacon(&network);
    let proof = prove_beacon(&vrf, &network, Height(1), &before);
    let value = next_beacon(&vrf.key(), &network, Height(1), &before, &proof).unwrap();
    let candidates: Vec<Digest> = (1..=5).map(|n| Digest([n; 32])).collect();
    let order: Vec<u8> = shuffled(&value, &candidates).iter().map(|c| c.0[0]).collect();
    json!({
        "vrf_key": hex(vrf.key().0),
        "genesis": hex(before),
        "proof": hex(proof.0),
        "beacon": hex(value),
        "shuffled": order,
    })
}

fn econ() -> Value {
    let rows = [(35_000u32, 333_333u32, 2u8), (500_000, 333_333, 1), (1_000_000, 0, 1), (1, 999_999, 16)];
    let row = |(rate, share, verdicts): (u32, u32, u8)| {
        let detection = detection_ppb(rate, share, verdicts);
        let terms = Deterrence {
            lock: Amount(0),
            bounty_ppm: 100_000,
            reward: Amount(1_000),
            gain: Amount(1_000_000),
            detection_ppb: detection,
        };
        json!({
            "audit_rate_ppm": rate,
            "collusion_ppm": share,
            "verdicts": verdicts,
            "pass_ppb": pass_ppb(share, verdicts),
            "detection_ppb": detection,
            "escape_of_100_ppb": escape_all_ppb(crate::econ::PPB - detection, 100),
            "lock_needed": terms.lock_needed().map(|lock| lock.0),
        })
    };
    rows.into_iter().map(row).collect()
}

/// L-1.1, L-1.5, L-2.2, L-3.1, L-3.2, L-6.1 to L-6.3, L-7.2, L-7.3: the bytes and ids of specs/vectors/ledger.json.
#[test]
fn vectors_hold() {
    let found = json!({
        "genesis": { "bytes": hex(encode(&genesis())), "network": genesis().network().to_string() },
        "transactions": transactions(),
        "chain": chain(),
        "beacon": beacon(),
        "econ": econ(),
    });
    if std::env::var_os("RETRACE_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&found).unwrap() + "\n";
        std::fs::write(PATH, text).unwrap();
    }
    let text =
        std::fs::read_to_string(PATH).expect("specs/vectors/ledger.json: RETRACE_WRITE_VECTORS=1 writes it");
    let expected: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found, expected);
}
