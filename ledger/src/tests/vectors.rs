//! Golden vectors: bytes and ids that an independent implementation must reach. `RETRACE_WRITE_VECTORS=1` writes them.

use super::codec::samples;
use super::fixture::{World, genesis, genesis_of, proposer, terms};
use crate::econ::{Deterrence, Report, detection_ppb, escape_all_ppb, pass_ppb};
use crate::{
    Amount, Height, Signable, StateKey, encode, genesis_beacon, next_beacon, prove_beacon, shuffled,
};
use retrace_verifier::digest::Digest;
use serde_json::{Value, json};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/vectors/ledger.json");

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn transactions() -> Value {
    let row = |wire: &crate::Unchecked<crate::Transaction>| json!({ "kind": wire.body.body.kind(), "bytes": hex(encode(wire)), "id": wire.body.id().to_string() });
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

/// The order of four validators over some heights, and the certificate of the last one's block.
fn validators() -> Value {
    let mut world = World::of(genesis_of(&[(101, 40_000), (102, 30_000), (103, 20_000), (104, 10_000)]));
    let mut orders = Vec::new();
    for _ in 0..4 {
        let seed = world.chain.state().now().unwrap().beacon_before;
        orders.push(json!({
            "height": world.height().0 + 1,
            "seed": hex(seed),
            "order": world.chain.validators().iter().map(|v| hex(v.account.0)).collect::<Vec<_>>(),
        }));
        world.wait(1);
    }
    let accounts = world.chain.validators();
    let power = |v: &crate::Validator| json!({ "account": hex(v.account.0), "power": v.power });
    let mut accounts: Vec<Value> = accounts.iter().map(power).collect();
    accounts.sort_by_key(|account| account["account"].to_string());
    let certificate = world.chain.certificate(world.height()).unwrap().unwrap();
    let vote = certificate.vote(&world.chain.network(), certificate.signatures[0].validator);
    json!({
        "validators": accounts,
        "orders": orders,
        "certificate": hex(encode(&certificate)),
        "vote": hex(encode(&vote)),
        "vote_id": vote.id().to_string(),
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
            is_gain_kept: false,
        };
        let kept = Deterrence { is_gain_kept: true, ..terms };
        json!({
            "audit_rate_ppm": rate,
            "collusion_ppm": share,
            "verdicts": verdicts,
            "pass_ppb": pass_ppb(share, verdicts),
            "detection_ppb": detection,
            "escape_of_100_ppb": escape_all_ppb(crate::econ::PPB - detection, 100),
            "lock_needed": terms.lock_needed().map(|lock| lock.0),
            "lock_needed_if_kept": kept.lock_needed().map(|lock| lock.0),
        })
    };
    rows.into_iter().map(row).collect()
}

/// What the fixture's terms come to.
fn report() -> Value {
    let report = Report::of(&terms(), &genesis().params);
    let amount = |amount: Option<Amount>| amount.map(|amount| amount.0);
    json!({
        "pass_ppb": report.pass_ppb,
        "detection_ppb": report.detection_ppb,
        "steps_to_catch": report.steps_to_catch,
        "lock_needed": amount(report.lock_needed),
        "insurance_needed": amount(report.insurance_needed),
        "replay_price": amount(report.replay_price),
        "lane_price": report.lane_price.0,
        "bond_needed": amount(report.bond_needed),
        "bounty": report.bounty.0,
        "bounty_most": report.bounty_most.0,
        "verifier_stake_needed": amount(report.verifier_stake_needed),
        "unbond_needed": [report.unbond_needed.heights, report.unbond_needed.ms],
        "replays_ppm": report.replays_ppm,
        "audit_pay": amount(report.audit_pay),
        "audit_pay_most": amount(report.audit_pay_most),
        "published_bytes": report.published_bytes,
        "escrow": amount(report.escrow),
    })
}

/// L-1.1, L-1.5, L-2.2, L-3.1, L-3.2, L-4.3, L-6.1 to L-6.8, L-7.2, L-7.3, L-9.2, L-9.4, L-9.5: the bytes and ids of specs/vectors/ledger.json.
#[test]
fn vectors_hold() {
    let found = json!({
        "genesis": { "bytes": hex(encode(&genesis())), "network": genesis().network().to_string() },
        "transactions": transactions(),
        "chain": chain(),
        "beacon": beacon(),
        "validators": validators(),
        "econ": econ(),
        "report": report(),
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
