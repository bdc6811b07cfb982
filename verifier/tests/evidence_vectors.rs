//! The files in `specs/vectors/evidence`: each proves what `expected.json` says of it.

use retrace_verifier::delegation::Delegation;
use retrace_verifier::evidence::{self, Kind};
use serde_json::Value;
use std::path::Path;

fn keys(delegations: &[Delegation]) -> Value {
    delegations.iter().map(|d| Value::from(d.key.to_string())).collect()
}

fn check_contradiction(name: &str, bytes: &[u8], says: &Value) {
    let found = evidence::read_contradiction(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
    let shown = evidence::judge_contradiction(&found).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(shown.question.to_string(), says["question"].as_str().unwrap_or_default(), "{name}");
    assert_eq!(shown.accused.to_string(), says["accused"].as_str().unwrap_or_default(), "{name}");
    assert_eq!(shown.disputes.map(|id| id.to_string()).as_slice(), strings(&says["disputes"]), "{name}");
    assert_eq!(keys(&shown.delegations), says["delegations"], "{name}");
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// V-6.1, V-6.2, V-6.3, V-4.5, V-3.8: every file is read, judged, and shows what is listed: op, element, link
/// and bits of a bundle, question and disputes of a contradiction.
#[test]
fn every_bundle_proves_what_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/vectors/evidence");
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("the list is there");
    let Value::Object(expected) = serde_json::from_str(&text).expect("the list is JSON") else {
        panic!("the list is an object")
    };
    let files = std::fs::read_dir(&folder).expect("the folder is there");
    let bundles =
        files.filter(|f| f.as_ref().is_ok_and(|f| f.path().extension().is_some_and(|e| e == "bin")));
    assert_eq!(bundles.count(), expected.len(), "a bundle is not listed, or a listed one is missing");
    for (name, says) in &expected {
        let bytes = std::fs::read(folder.join(format!("{name}.bin"))).expect("the bundle is there");
        assert_eq!(
            Kind::of(&bytes).map(|kind| kind.to_string()).ok().as_deref(),
            says["kind"].as_str(),
            "{name}"
        );
        if Kind::of(&bytes) == Ok(Kind::Contradiction) {
            check_contradiction(name, &bytes, says);
            continue;
        }
        let bundle = evidence::read(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let proven = evidence::judge(&bundle).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(keys(&proven.delegations), says["delegations"], "{name}");
        let f = proven.finding;
        assert_eq!(format!("{:?}", f.kind), says["op"].as_str().unwrap_or_default(), "{name}");
        assert_eq!(Some(u64::from(f.row)), says["row"].as_u64(), "{name}");
        assert_eq!(Some(f.element), says["element"].as_u64(), "{name}");
        assert_eq!(f.link, says["link"].as_u64(), "{name}");
        assert_eq!(format!("{:08X}", f.claimed_bits), says["claimed"].as_str().unwrap_or_default(), "{name}");
        assert_eq!(format!("{:08X}", f.right_bits), says["right"].as_str().unwrap_or_default(), "{name}");
        assert_eq!(proven.accused.to_string(), says["accused"].as_str().unwrap_or_default(), "{name}");
        assert_eq!(proven.dispute.to_string(), says["dispute"].as_str().unwrap_or_default(), "{name}");
    }
}
