//! What the door tells and takes: every method answers, every refusal is JSON, a receipt means "on disk".

use super::world::{HONEST, SPONSOR, VERIFIERS, World, key};
use crate::rpc::client::ClientError;
use crate::rpc::methods::health::Health;
use crate::rpc::table::rows;
use retrace_ledger::{Amount, Body, Stake, Transfer, Unbond};
use retrace_verifier::digest::Digest;
use serde_json::Value;
use std::time::Duration;
use utoipa::openapi::HttpMethod;

const PATIENCE: Duration = Duration::from_secs(20);

fn transfer(to: u8, amount: u64) -> Body {
    Body::Transfer(Transfer { to: key(to), amount: Amount(amount) })
}

/// W-3.1, W-3.10: the node says who it is and where it stands, and is ready while blocks come.
#[test]
fn a_node_says_where_it_stands() {
    let world = World::new();
    world.board.wait_for_block(retrace_ledger::Height(1));
    let status = world.client.status().unwrap();
    assert_eq!((status.network_name.as_str(), status.node.name.as_str()), ("door", "door-1"));
    assert_eq!((status.validators.len(), status.total_power), (1, 100_000));
    assert!(!status.catching_up && status.test_network && status.height >= 1);
    assert_eq!(status.peers[0].height, 3);
    assert!(world.client.is_ready());
    let health: Health = world.client.get("/health").unwrap();
    assert!(health.height >= status.height);
    let other = world.client.status_of(&Digest([9; 32]).to_string()).unwrap_err();
    assert!(matches!(other, ClientError::OtherNetwork { .. }));
    let text = String::from_utf8(world.client.get_bytes("/metrics", 1 << 20).unwrap()).unwrap();
    assert!(text.contains("retrace_height") && text.ends_with("# EOF\n"), "{text}");
}

/// W-3.1, W-3.3: every method of the table is in the document, every reference in it resolves, and what does not exist
/// or does not read is refused by name.
#[test]
fn every_method_is_documented_and_refuses_in_json() {
    let world = World::new();
    let document: Value = world.client.get("/openapi.json").unwrap();
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is not defined");
    }
    for row in rows() {
        let verb = if row.verb == HttpMethod::Get { "get" } else { "" };
        assert!(document["paths"][row.path].is_object(), "{}", row.path);
        if verb.is_empty() || !row.path.contains('{') {
            continue;
        }
        let path = row.path.split('/').map(|part| if part.starts_with('{') { "zz" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        let refused = world.client.get::<Value>(&path).unwrap_err();
        assert!(
            matches!(&refused, ClientError::Refused { name, .. } if name == "parameter"),
            "{path}: {refused:?}"
        );
    }
    let zeros = Digest([0; 32]);
    for path in ["accounts", "runs", "commitments", "verdicts", "disputes", "rewards", "evidence", "blobs"] {
        let unknown = world.client.get::<Value>(&format!("/v1/{path}/{zeros}")).unwrap_err();
        assert!(matches!(unknown, ClientError::Unknown { .. }), "{path}: {unknown:?}");
    }
    for (path, expected) in
        [("/v2", "no_method"), ("/v1/status?x=1", "parameter"), ("/v1/slashes/1.x", "parameter")]
    {
        let refused = world.client.get::<Value>(path).unwrap_err();
        assert!(
            matches!(&refused, ClientError::Refused { name, .. } if name == expected),
            "{path}: {refused:?}"
        );
    }
    assert!(world.board.metrics().refusals("rpc", "no_method") == 1);
}

/// W-3.5: a receipt is given only for what is on disk; fates and refusals have names.
#[test]
fn transactions_are_journaled_then_acknowledged() {
    let world = World::new();
    let first = world.sign(SPONSOR, 1, transfer(HONEST, 5));
    let late = world.sign(SPONSOR, 3, transfer(HONEST, 5));
    let waiting = world.client.submit(&late).unwrap();
    let kept = world.board.home().path().join("pending").join(waiting.to_string());
    assert!(kept.exists(), "a receipt means that it is on disk");
    assert_eq!(world.client.fate(&waiting).unwrap().status, "pending");
    let id = world.client.submit(&first).unwrap();
    let fate = world.client.settled(&id, PATIENCE).unwrap();
    assert_eq!(fate.status, "included");
    let block = world.client.block(fate.height.unwrap()).unwrap();
    assert_eq!(block.transactions[0].id, id.to_string());
    assert_eq!((block.transactions[0].kind.as_str(), block.signers.len()), ("transfer", 1));
    let bytes = world.client.get_bytes(&format!("/v1/blocks/{}/bytes", block.head.height), 1 << 20).unwrap();
    let parsed: retrace_ledger::Block = retrace_ledger::decode(&bytes, 1 << 20).unwrap();
    assert_eq!(parsed.id().to_string(), block.head.id);
    let refused = |signed| match world.client.submit(&signed) {
        Err(ClientError::Refused { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(first), "nonce_used");
    assert_eq!(refused(late), "known");
    assert_eq!(refused(world.sign(99, 1, transfer(HONEST, 5))), "unknown_signer");
    let poor = world.sign(SPONSOR, 2, transfer(HONEST, u64::MAX));
    let id = world.client.submit(&poor).unwrap();
    let fate = world.client.settled(&id, PATIENCE).unwrap();
    assert_eq!((fate.status.as_str(), fate.reason.is_some()), ("refused", true));
    assert_eq!(world.client.fate(&Digest([1; 32])).unwrap().status, "unknown");
}

/// W-3.7: the stream tells every block once, goes on after the height that is named, and pages tell the same.
#[test]
fn streams_resume_where_they_were() {
    let world = World::new();
    let id = world.client.submit(&world.sign(SPONSOR, 1, transfer(HONEST, 5))).unwrap();
    let included = world.client.settled(&id, PATIENCE).unwrap().height.unwrap();
    let told: Vec<_> =
        world.client.follow(Some(0)).unwrap().take(included as usize + 2).map(Result::unwrap).collect();
    let heights: Vec<u64> = told.iter().map(|block| block.height).collect();
    assert_eq!(heights, (1..=included + 2).collect::<Vec<u64>>());
    let block = &told[included as usize - 1];
    assert_eq!(block.transactions, [id.to_string()]);
    let events = block.events.as_ref().unwrap();
    assert_eq!((events[0]["event"].as_str(), events[0]["amount"].as_u64()), (Some("transferred"), Some(5)));
    let again = world.client.follow(Some(included)).unwrap().next().unwrap().unwrap();
    assert_eq!(again.height, included + 1);
    let page = world.client.events(1).unwrap();
    assert!(page.events.contains(&events[0]));
    assert_eq!(page.next, None);
}

/// W-3.4, W-3.8: lists come in pages, and an account's changes sum to what it holds.
#[test]
fn changes_add_up_over_pages() {
    let world = World::new();
    let bodies = [
        Body::Stake(Stake { amount: Amount(500) }),
        transfer(VERIFIERS[0], 70),
        transfer(90, 30),
        Body::Unbond(Unbond { amount: Amount(200) }),
    ];
    let mut last = None;
    for (nonce, body) in (1..).zip(bodies) {
        last = Some(world.client.submit(&world.sign(HONEST, nonce, body)).unwrap());
    }
    assert_eq!(world.client.settled(&last.unwrap(), PATIENCE).unwrap().status, "included");
    let account = key(HONEST).to_string();
    let all = world.client.rewards(&account, None).unwrap();
    let kinds: Vec<&str> = all.changes.iter().map(|change| change.kind.as_str()).collect();
    assert_eq!(kinds, ["bonded", "sent", "sent", "unbonding"]);
    let one: crate::rpc::methods::rewards::Rewards =
        world.client.get(&format!("/v1/rewards/{account}?limit=1")).unwrap();
    let rest = world.client.rewards(&account, one.next).unwrap();
    assert_eq!((one.changes.len(), rest.changes.len(), rest.next), (1, 3, None));
    let now = &rest.account;
    assert_eq!((now.bonded, now.unbonding, now.nonce), (100_300, 200, 4));
    assert_eq!(now.balance + now.bonded + now.unbonding + 100, rest.genesis_balance + rest.genesis_bonded);
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let query = after.map_or(String::new(), |after: String| format!("&after={after}"));
        let page: crate::rpc::methods::accounts::Accounts =
            world.client.get(&format!("/v1/accounts?limit=3{query}")).unwrap();
        seen.extend(page.accounts.into_iter().map(|account| account.key));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 7, "six of genesis and one that a transfer made");
    let found = world.client.find(&account[..8]).unwrap().found;
    assert_eq!((found.len(), found[0].id.as_str()), (1, account.as_str()));
}
