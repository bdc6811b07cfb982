//! "Nobody can talk their way past it": the attack lab as its users call it (V-4.8 to V-4.10, L-5.8 to L-5.17).

use retrace_tests::binary::retrace;

/// Random lies: every op and place is convicted where it was told, some are absorbed, and the bounds hold.
#[test]
fn random_lies_are_convicted_where_they_were_told() {
    let said = retrace(&["lab", "disputes", "--lies", "400", "--seed", "11", "--json"]).exits(0).json();
    let number = |key: &str| said[key].as_f64().unwrap_or_else(|| panic!("{key} in {said}"));
    assert_eq!(number("convicted"), 400.0);
    assert_eq!(number("located"), number("convicted"));
    assert_eq!(number("lies"), number("convicted") + number("absorbed"));
    assert!(number("absorbed") > 0.0, "{said}");
    assert_eq!((number("ops_covered"), number("places_covered")), (40.0, 6.0));
    assert_eq!(number("honest_lost"), 0.0);
    assert!(number("evidence_bytes_max") <= 8_192.0 && number("posted_bytes_max") <= 131_072.0, "{said}");
}

/// One lie by its number, told again: what is said of it names run, op, element and bits.
#[test]
fn a_lie_can_be_repeated() {
    let lie = ["lab", "disputes", "--seed", "1", "--only", "3", "--json"];
    let (first, again) = (retrace(&lie).exits(0), retrace(&lie).exits(0));
    assert_eq!(first.stderr, again.stderr);
    assert!(
        first.stderr.contains("lie 3 of seed 1") && first.stderr.contains("convicted"),
        "{}",
        first.stderr
    );
}

/// False challengers of every kind lose, for less than their bond; staged disputes and second traces save nobody.
#[test]
fn false_challengers_lose() {
    let said = retrace(&["lab", "griefing", "--disputes", "27", "--seed", "5", "--json"]).exits(0).json();
    for (key, expected) in
        [("disputes", 27), ("honest_lost", 0), ("staged_saved_liar", 0), ("bonds_slashed", 27)]
    {
        assert_eq!(said[key], expected, "{key} in {said}");
    }
    assert_eq!((&said["two_traces_convicted"], &said["escrow_conserved"]), (&true.into(), &true.into()));
    let share = said["defender_cost_share_of_bond"].as_f64().expect("a share");
    assert!(share > 0.0 && share < 1.0, "{said}");
    assert!(said["stalled"].as_u64() > Some(0) && said["adversarial"].as_u64() > Some(0), "{said}");
}

/// The published attacks by name, and the paper's case study: none works, each row is attributed.
#[test]
fn named_attacks_fail() {
    let said = retrace(&["lab", "forge", "--json"]).exits(0).json();
    assert_eq!(said["survived"], 0, "{said}");
    assert!(said["convicted"].as_u64() > Some(20) && said["refused"].as_u64() > Some(10), "{said}");
    let said = retrace(&["lab", "case-study", "--json"]).exits(0).json();
    assert_eq!(said["rows"], said["attributed"], "{said}");
    assert!(said["rows"].as_u64() >= Some(20), "{said}");
    let table = retrace(&["lab", "case-study"]).exits(0).stdout;
    assert!(table.contains("exempt"), "the paper's column is beside ours: {table}");
}

/// A thousand times the parameters, the same few kilobytes: each lie is proven within the bounds.
#[test]
fn evidence_does_not_grow_with_the_model() {
    let said = retrace(&["lab", "sizes", "--largest", "100M", "--seed", "3", "--json"]).exits(0).json();
    assert_eq!((&said["disputes"], &said["convicted"]), (&20.into(), &20.into()));
    assert!(said["judging_bytes_max"].as_u64() <= Some(8_192), "{said}");
    assert!(said["posted_bytes_max"].as_u64() <= Some(131_072), "{said}");
    let sizes = said["sizes"].as_array().expect("sizes");
    let number = |at: usize, key: &str| sizes[at][key].as_f64().unwrap_or_else(|| panic!("{key} in {said}"));
    let times = |key: &str| number(1, key) / number(0, key);
    assert_eq!(sizes.len(), 2, "{said}");
    assert!(times("parameters") > 1_000.0 && times("tensor_bytes_max") > 1_000.0, "{said}");
    for bytes in ["judging_bytes_max", "posted_bytes_max", "bundle_bytes_max"] {
        assert!(number(1, bytes) > 0.0 && times(bytes) < 2.5, "{bytes} in {said}");
    }
    let table = retrace(&["lab", "sizes", "--largest", "toy"]).exits(0).stdout;
    assert!(table.contains("matmul x^T dy") && table.contains("toy/128"), "{table}");
}

/// A seed that is no number and an unknown attack are usage, status 2.
#[test]
fn usage_is_refused() {
    for arguments in [
        &["lab", "disputes", "--seed", "x"][..],
        &["lab", "siege"],
        &["lab", "griefing", "--disputes", "0"],
        &["lab", "sizes", "--largest", "8B"],
    ] {
        retrace(arguments).exits(2);
    }
}
