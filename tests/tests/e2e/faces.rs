//! "The command line explains itself": help with an example everywhere, and a self-test that prints one hash.

use crate::subject::{shared, text};
use retrace_tests::binary::{binary, retrace};

#[test]
fn help_of_every_command_has_an_example() {
    let commands: [&[&str]; 40] = [
        &[],
        &["demo"],
        &["devnet"],
        &["devnet", "start"],
        &["init"],
        &["start"],
        &["keys"],
        &["keys", "show"],
        &["stake"],
        &["stake", "delegate"],
        &["train"],
        &["doctor"],
        &["replay"],
        &["evidence"],
        &["evidence", "verify"],
        &["status"],
        &["runs"],
        &["show"],
        &["dispute"],
        &["dispute", "list"],
        &["dispute", "show"],
        &["dispute", "watch"],
        &["dispute", "resolve"],
        &["breaker"],
        &["breaker", "list"],
        &["breaker", "show"],
        &["breaker", "amnesty"],
        &["log"],
        &["why"],
        &["rewards"],
        &["bench"],
        &["bench", "network"],
        &["bench", "step"],
        &["lab"],
        &["lab", "disputes"],
        &["lab", "griefing"],
        &["lab", "forge"],
        &["lab", "case-study"],
        &["lab", "sizes"],
        &["selftest"],
    ];
    let without: Vec<_> = commands
        .iter()
        .filter(|command| !retrace(&[command, &["--help"][..]].concat()).exits(0).stdout.contains("Example"))
        .collect();
    assert!(without.is_empty(), "no example in the help of {without:?}");
}

/// All commands are in the test above: a new one without a row there fails here.
#[test]
fn every_command_is_known_here() {
    let help = retrace(&["--help"]).exits(0).stdout;
    let lines = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let listed = lines.take_while(|line| line.starts_with("  "));
    // Further lines of a description are indented further.
    let named = listed.filter(|line| !line.starts_with("   "));
    let names: Vec<_> = named.filter_map(|line| line.split_whitespace().next()).collect();
    let known = "demo devnet init start keys stake train doctor replay evidence status runs show dispute breaker log why rewards bench \
        lab selftest help";
    assert_eq!(names, known.split(' ').collect::<Vec<_>>());
}

#[test]
fn version_is_printed() {
    let said = retrace(&["--version"]).exits(0).stdout;
    assert_eq!(said.trim(), format!("retrace {}", env!("CARGO_PKG_VERSION")));
}

/// "One hash per golden step over all backends and thread counts."
#[test]
fn selftest_prints_one_hash_a_golden_step() {
    let said = retrace(&["selftest", "--json"]).exits(0).json();
    assert_eq!(said["passed"], true);
    let steps = said["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 5, "an MLP, a GPT, a Llama, a wide MLP and a long Llama: {said}");
    for step in steps {
        assert!(step["ok"] == true && step["hash"] == step["expected"], "{step}");
        let engines = step["engines"].as_array().expect("engines");
        assert_eq!(
            engines.len(),
            2 * retrace_model::Backend::available().len(),
            "one and two threads: {step}"
        );
        let is_same = |engine: &serde_json::Value| engine["hash"] == step["expected"];
        assert!(
            engines.iter().all(|engine| is_same(engine) && engine["seconds"].as_f64().is_some()),
            "{step}"
        );
    }
    let golden: Vec<&str> = steps.iter().filter_map(|step| step["expected"].as_str()).collect();
    let spoken = retrace(&["selftest", "--threads", "1"]).exits(0).stdout;
    let is_hash = |word: &&str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let hashes: Vec<_> = spoken.split_whitespace().filter(is_hash).collect();
    assert!(hashes.len() >= 15 && hashes.iter().all(|hash| golden.contains(hash)), "{spoken}");
}

/// "A reader that has seen enough is no bug of ours": output into a closed pipe ends quietly.
#[test]
fn a_closed_pipe_is_no_panic() {
    let demo = shared();
    let (home, bundle) = (text(&demo.home()), text(&demo.bundle()));
    let commands: [&[&str]; 6] = [
        &["selftest", "--threads", "1"],
        &["log", "--home", &home],
        &["show", "--home", &home],
        &["replay", "--step", "0.0.0", "--home", &home],
        &["evidence", "verify", &bundle],
        &["--help"],
    ];
    let panicked: Vec<_> =
        commands.iter().filter(|command| into_closed_pipe(command).contains("panicked")).collect();
    assert!(panicked.is_empty(), "a closed pipe is a panic of {panicked:?}");
}

/// What a command says on standard error when nobody reads its standard output.
fn into_closed_pipe(arguments: &[&str]) -> String {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = std::process::Command::new(binary());
    let output = command.args(arguments).stdout(writer).output().expect("the binary ends");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
