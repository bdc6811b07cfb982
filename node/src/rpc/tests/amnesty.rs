//! A breaker that a liar sets off, and an amnesty: what the door tells of both, before and after.

use super::world::{LIAR, SPONSOR, VALIDATOR, World, key, params};
use crate::rpc::client::ClientError;
use crate::rpc::methods::amnesties::RunBreaker;
use crate::rpc::tests::run::upload_the_shard;
use retrace_ledger::{Amnesty, Body, Params, Span};
use retrace_verifier::digest::Digest;

/// A breaker that one conviction sets off, for longer than the test.
fn sensitive() -> Params {
    Params { breaker_ppm: 100, breaker_span: Span { heights: 50, ms: 500_000 }, ..params() }
}

/// W-3.11, L-5.17: what is deferred, who votes for what and with which power, and what was granted; run, list and
/// dispute say the same.
#[test]
fn an_amnesty_is_told_in_full() {
    let world = World::with(sensitive());
    let run = world.open_run();
    let id = run.to_string();
    let quiet = world.client.breaker(&id, None).unwrap();
    assert_eq!((quiet.times, quiet.on_until, quiet.slashes.len()), (0, None, 0));
    assert_eq!((quiet.total_power, quiet.power_needed), (100_000, 66_667));
    let other = world.client.breaker(&Digest([7; 32]).to_string(), None);
    assert!(matches!(other, Err(ClientError::Unknown { .. })), "{other:?}");
    upload_the_shard(&world);
    world.spawn_roles();

    let told = || world.client.breaker(&id, None).unwrap();
    let on = world.wait_for("breaker", || Some(told()).filter(|breaker| breaker.on_until.is_some()));
    let liar = key(LIAR).to_string();
    assert_eq!((on.times, on.decided, on.amnesties.len()), (1, 0, 0));
    assert!(on.pending >= 1 && on.slashes[0].account == liar && on.slashes[0].status == "pending", "{on:?}");
    let disputes = world.client.disputes(&format!("&run={id}"), None).unwrap().disputes;
    let head = disputes.iter().find(|head| head.id == on.slashes[0].dispute).unwrap();
    assert_eq!(head.deferred.as_deref(), Some("pending"));
    let vote = |name: &str| Body::Amnesty(Amnesty { run, name: name.into() });
    // Whoever is no validator has no vote.
    let outsider = world.board.submit(&super::world::secret(SPONSOR), vote("x")).unwrap();
    let refused = world.client.settled(&outsider, std::time::Duration::from_secs(20)).unwrap();
    assert!(refused.reason.is_some_and(|reason| reason.contains("no validator")));
    world.play(VALIDATOR, vote("build 7"));

    let after: RunBreaker = told();
    let amnesty = &after.amnesties[0];
    assert_eq!((after.on_until, after.pending, after.decided), (None, 0, on.pending));
    assert_eq!((amnesty.time, amnesty.granted.as_deref()), (1, Some("build 7")));
    assert_eq!((amnesty.names[0].power, amnesty.votes[0].power), (100_000, 100_000));
    assert_eq!(amnesty.votes[0].validator, key(VALIDATOR).to_string());
    assert!(after.slashes.iter().all(|slash| slash.status == "forgiven"), "{after:?}");
    let shown = world.client.run(&id).unwrap().breaker.unwrap();
    assert_eq!((shown.forgiven, shown.votes), (on.pending, 1));
    assert_eq!(shown.amnesty.as_deref(), Some("build 7"));
    let dispute = world.client.dispute(&head.id).unwrap();
    assert_eq!(dispute.head.deferred.as_deref(), Some("forgiven"));
    let first: RunBreaker = world.client.get(&format!("/v1/runs/{id}/breaker?limit=1")).unwrap();
    assert_eq!(first.next.is_some(), after.slashes.len() > 1);
    let none: RunBreaker = world.client.get(&format!("/v1/runs/{id}/breaker?after=9999")).unwrap();
    assert!(none.slashes.is_empty() && none.next.is_none());
}
