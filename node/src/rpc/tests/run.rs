//! A run from its opening to a conviction, followed from outside: shard, claims, verdicts, dispute, evidence, pay.

use super::world::{HONEST, LIAR, VERIFIERS, World, key, shard};
use crate::rpc::client::ClientError;
use crate::rpc::methods::rewards::ChangeWords;
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::evidence::{judge, read};
use std::io::Write;
use std::time::{Duration, Instant};

/// For a run of one round to finish.
const PATIENCE: Duration = Duration::from_secs(120);

fn file(bytes: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

fn refused(result: Result<impl std::fmt::Debug, ClientError>) -> String {
    match result {
        Err(ClientError::Refused { name, .. }) => name,
        other => panic!("{other:?}"),
    }
}

/// W-3.6: a shard is taken only while an open run names it, and only if its bytes are its name's.
pub fn upload_the_shard(world: &World) {
    let (bytes, name) = (shard(), tensor_digest(&shard()));
    let mut other = bytes.clone();
    other[7] ^= 1;
    assert_eq!(refused(world.client.upload(&tensor_digest(&other), &file(&other))), "unwanted");
    assert_eq!(refused(world.client.upload(&name, &file(&other))), "wrong_bytes");
    assert_eq!(refused(world.client.upload(&name, &file(&bytes[1..]))), "wrong_bytes");
    assert!(world.client.get_bytes(&format!("/v1/blobs/{name}"), 1 << 20).is_err(), "nothing wrong is kept");
    let kept = world.client.upload(&name, &file(&bytes)).unwrap();
    assert_eq!((kept.name, kept.bytes), (name.to_string(), bytes.len() as u64));
    assert_eq!(world.client.get_bytes(&format!("/v1/blobs/{name}"), 1 << 20).unwrap(), bytes);
}

fn finished(world: &World, run: &Digest) {
    let since = Instant::now();
    while world.client.run(&run.to_string()).unwrap().head.phase != "finished" {
        assert!(since.elapsed() < PATIENCE, "the run does not finish: {:?}", world.board.failure());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn changes(world: &World, name: u8) -> Vec<ChangeWords> {
    let rewards = world.client.rewards(&key(name).to_string(), None).unwrap();
    let worth = |effect: &str| -> u64 {
        rewards.changes.iter().filter(|change| change.effect == effect).map(|change| change.amount).sum()
    };
    let began = rewards.genesis_balance + rewards.genesis_bonded;
    let holds = rewards.account.balance + rewards.account.bonded + rewards.account.unbonding;
    assert_eq!(began + worth("adds"), holds + worth("takes"), "{rewards:?}");
    rewards.changes
}

/// W-3.6, W-3.8, W-3.9: a liar's slash names its dispute; the bundle made from blocks proves the very value; every
/// reward names run, round, claim and unit.
#[test]
fn a_conviction_explains_itself() {
    let world = World::new();
    let run = world.open_run();
    upload_the_shard(&world);
    world.spawn_roles();
    finished(&world, &run);
    let slash =
        changes(&world, LIAR).into_iter().find(|change| change.kind == "slash").expect("the liar is slashed");
    assert_eq!((slash.reason.as_deref(), slash.round), (Some("Lie"), Some(0)));
    assert_eq!(world.client.slash(&slash.id).unwrap(), slash);
    assert!(world.client.slashes(None).unwrap().slashes.contains(&slash));
    let dispute = world.client.dispute(slash.dispute.as_ref().unwrap()).unwrap();
    assert_eq!(
        (dispute.head.accused.as_str(), dispute.winner.as_deref()),
        (slash.account.as_str(), Some("challenger"))
    );
    let found = dispute.finding.as_ref().unwrap();
    assert_ne!(found.claimed_bits, found.right_bits);
    assert_eq!(dispute.moves.as_ref().unwrap().len(), usize::from(dispute.head.moves));
    let bytes = world.client.evidence(&dispute.head.id).unwrap();
    let proven = judge(&read(&bytes).unwrap()).unwrap();
    assert_eq!((proven.dispute.to_string(), proven.accused), (dispute.head.id.clone(), key(LIAR)));
    let claim = world.client.commitment(slash.claim.as_ref().unwrap()).unwrap();
    assert!(claim.status.starts_with("convicted"));
    let verdicts = world.client.verdicts(&claim.id).unwrap();
    let unit = verdicts.units.iter().find(|unit| Some(&unit.unit) == slash.unit.as_ref()).unwrap();
    assert!(unit.verdicts.iter().any(|verdict| verdict.result == "mismatch"));
    let pay = changes(&world, HONEST);
    let segment = pay.iter().find(|change| change.reason.as_deref() == Some("Segment")).unwrap();
    assert_eq!((segment.run.as_deref(), segment.round), (Some(&*run.to_string()), Some(0)));
    for name in VERIFIERS {
        let paid = changes(&world, name);
        let verdicts = paid.iter().filter(|change| change.reason.as_deref() == Some("Verdict"));
        assert!(verdicts.clone().count() > 0 && verdicts.into_iter().all(|change| change.unit.is_some()));
    }
    assert_eq!(
        refused(world.client.upload(&tensor_digest(&shard()), &file(&shard()))),
        "unwanted",
        "it is finished"
    );
    let round = world.client.round(&run.to_string(), 0).unwrap();
    assert_eq!(round.slots.len(), 2);
    let commitments = format!("/v1/commitments?run={run}&trainer={}", key(LIAR));
    let listed: crate::rpc::methods::commitments::Commitments = world.client.get(&commitments).unwrap();
    assert_eq!(listed.commitments.len(), 1);
}
