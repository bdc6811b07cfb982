//! "An end-to-end demo from one command with a dishonest peer convicted, and a JSON line that says so."

use crate::subject::{Demo, SMALL};
use retrace_tests::demo::KEYS;
use serde_json::Value;

/// What each of its disputes holds.
const DISPUTE_KEYS: [&str; 16] = [
    "id",
    "accused",
    "winner",
    "moves",
    "evidence_bytes",
    "posted_bytes",
    "judge_us",
    "round",
    "slot",
    "step",
    "op",
    "tensor",
    "index",
    "claimed_bits",
    "right_bits",
    "challenger",
];
/// Most bytes of a judging transaction (V-3.6).
const EVIDENCE_BYTES_MAX: u64 = 8 << 10;
/// Most bytes of all moves of a dispute.
const POSTED_BYTES_MAX: u64 = 128 << 10;

#[track_caller]
fn has_keys(object: &Value, keys: &[&str]) {
    let missing: Vec<_> = keys.iter().filter(|key| object.get(key).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?} missing in {object}");
}

#[track_caller]
fn number(object: &Value, key: &str) -> f64 {
    object[key].as_f64().unwrap_or_else(|| panic!("{key} is no number in {object}"))
}

/// Everything that holds for any run in which `liar` lied and was drawn.
#[track_caller]
fn is_whole(demo: &Demo, liar: &str) {
    let said = &demo.said;
    has_keys(said, &KEYS);
    has_keys(&said["audits"], &["match", "mismatch"]);
    demo.slashes_only(&[liar]);
    has_keys(&said["slashed"][0], &["peer", "amount", "reason"]);
    assert!(number(&said["slashed"][0], "amount") > 0.0);
    assert!(number(&said["audits"], "mismatch") >= 1.0);
    assert_eq!(demo.convictions().len(), 1, "one lie, one conviction: {}", said["disputes"]);
    for dispute in said["disputes"].as_array().expect("a list of disputes") {
        has_keys(dispute, &DISPUTE_KEYS);
        assert_eq!(dispute["accused"], liar, "{dispute}");
        assert!(number(dispute, "evidence_bytes") <= EVIDENCE_BYTES_MAX as f64, "{dispute}");
        assert!(number(dispute, "posted_bytes") <= POSTED_BYTES_MAX as f64, "{dispute}");
    }
    let conviction = demo.convictions()[0];
    assert_eq!(conviction["winner"], "challenger");
    assert_ne!(conviction["claimed_bits"], conviction["right_bits"]);
    assert!(number(conviction, "evidence_bytes") > 0.0 && number(conviction, "judge_us") >= 0.0);
    assert!(demo.bundle().starts_with(demo.home().join("evidence")), "evidence lies in the home");
    let root = said["checkpoint_root"].as_str().unwrap_or_default();
    assert!(root.len() == 64 && root.bytes().all(|b| b.is_ascii_hexdigit()), "a digest: {root}");
}

/// "The default command, in under a minute, trains on real text to below the unigram entropy and convicts."
#[test]
fn default_demo_learns_and_convicts() {
    let demo = Demo::new(&["--seed", "11"]);
    is_whole(&demo, "trainer-2");
    let said = &demo.said;
    assert_eq!(said["rounds"], 8);
    assert_eq!(said["audit_rate"], 0.25);
    let (last, unigram) = (number(said, "loss_last"), number(said, "unigram_bits_per_byte"));
    assert!(last <= unigram - 0.5, "loss {last}, unigram entropy {unigram}");
    assert!(last < number(said, "loss_first"));
}

/// "Every number of the JSON line follows from the run": counts are those of the arguments.
#[test]
fn json_of_a_small_demo_is_whole() {
    let demo = Demo::new(&[&SMALL[..], &["--seed", "12", "--threads", "2"]].concat());
    is_whole(&demo, "trainer-2");
    let said = &demo.said;
    assert_eq!(said["rounds"], 2);
    let segments = number(said, "commitments");
    assert_eq!(number(said, "steps"), segments * 4.0);
    assert_eq!(number(said, "tokens"), segments * 4.0 * 128.0);
    // Three slots a round; a convicted trainer's later slots stay empty.
    assert!((5.0..=6.0).contains(&segments), "{segments} segments");
    // L-6.1: what is certainly drawn escapes only where both verifiers collude.
    assert!((number(said, "escape_probability") - 1.0 / 9.0).abs() < 1e-3);
}

/// "A model that cannot learn shows it": random text keeps its entropy, so no loss is made up.
#[test]
fn random_text_is_not_learned() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let path = folder.path().join("random.txt");
    std::fs::write(&path, base64("random text", 200_000)).expect("a file to train on");
    let data = crate::subject::text(&path);
    let arguments = ["--preset", "tiny", "--rounds", "3", "--steps", "8", "--honest", "--data", &data];
    let demo = Demo::new(&arguments);
    let last = number(&demo.said, "loss_last");
    assert!(last >= 5.9, "{last} bits a byte on text that holds 6 bits in 64 of its 65 letters");
    demo.slashes_only(&[]);
}

/// Random letters of base64, a newline after every 76.
fn base64(seed: &str, bytes: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = retrace_tests::files::noise(seed, bytes);
    let lines = letters.chunks(76).map(|line| {
        let line = line.iter().map(|byte| char::from(LETTERS[usize::from(byte % 64)]));
        line.chain(['\n']).collect::<String>()
    });
    lines.collect()
}
