//! "It told each challenger something else": an accused that signs two answers to one question in two disputes over one
//! unit is convicted by them, and no arithmetic is judged (L-5.14, V-6.3).

use crate::{
    agree::agree,
    follow::{dispute, events, evidence, finished, number, of_kind, slashed_names, slots},
    manifest::Manifest,
    net::Network,
};
use retrace_tests::binary::retrace;
use serde_json::json;

#[test]
fn two_answers_to_one_question_convict() {
    let manifest = Manifest::training("tiny", 1, 4)
        .liar("trainer", "two-traces")
        .nodes("trainer", 1)
        .nodes("verifier", 2)
        .run("audit_rate = 1.0");
    let network = Network::start(&manifest);
    let watcher = network.node("validator-1");
    let stakes = |watcher: &crate::node::Node| {
        network
            .all("verifier")
            .iter()
            .map(|one| number(&watcher.account(&one.account), "bonded"))
            .collect::<Vec<_>>()
    };
    let before = stakes(&watcher);
    let run = finished(&watcher);
    let liar = network.node("trainer-1").account;
    let all = events(&watcher);

    let contradicted = of_kind(&all, "contradicted");
    let [found] = contradicted[..] else { panic!("one contradiction: {contradicted:?}") };
    println!("{}", found["text"]);
    assert_eq!((&found["accused"], &found["question"]), (&liar.as_str().into(), &"trace root".into()));
    let [first, second] = ["first", "second"].map(|key| dispute(&watcher, &found[key]));
    assert_ne!(first["head"]["id"], second["head"]["id"], "in two disputes");
    assert_ne!(first["head"]["challenger"], second["head"]["challenger"], "of two challengers");
    for key in ["claim", "unit", "accused"] {
        assert_eq!(first["head"][key], second["head"][key], "over one unit: {key}");
    }
    assert_eq!(second["winner"], "challenger", "{second}");
    assert_eq!((&second["by_contradiction"], &second["by_clock"]), (&true.into(), &false.into()), "{second}");
    assert!(second["finding"].is_null(), "nothing was judged: {second}");
    let id = second["head"]["id"].as_str().expect("an id");
    for said in [&first, &second] {
        assert_eq!(said["claim_status"], format!("convicted in dispute {id}"), "{said}");
    }
    assert_eq!(first["head"]["status"], format!("settled by dispute {id}"), "{first}");

    let said = evidence(&network, &watcher, id);
    assert_eq!(said["kind"], "proved by contradiction", "{said}");
    assert_eq!(said["disputes"], json!([first["head"]["id"], second["head"]["id"]]), "{said}");

    let slashes = of_kind(&all, "slashed");
    assert_eq!(slashes.len(), 1, "{slashes:?}");
    assert_eq!(slashes[0]["reason"], "Contradiction");
    assert!(number(slashes[0], "bounty") > 0, "the first accusation gets the bounty: {}", slashes[0]);
    assert_eq!(slashed_names(&network, &watcher), ["trainer-1"], "the liar and nobody else");
    assert_eq!(stakes(&watcher), before, "no bond is lost");
    let slots = slots(&watcher, &run, 0);
    let honest = slots.iter().find(|slot| slot["trainer"] != *liar).expect("the other slot");
    assert_eq!(honest["status"], "verified", "{slots:?}");
    let said = retrace(&["dispute", "show", &id[..10], "--rpc", &watcher.url()]).exits(0);
    assert!(said.stdout.contains("the accused contradicted itself"), "{said}");
    let height = agree(&network.nodes());
    println!("all nodes agree on {height} blocks");
}
