//! The house rules, run over the whole tree; each check lists every offender.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use retrace_tests::tidy::{
    Offense, arrows, budget, float_code, purity, refuse, shape, sizes, spec_ids, tree::Tree, words,
};

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .expect("the crate lies in the workspace")
}

fn tree() -> Tree {
    let tree = Tree::load(&root()).expect("the tree is readable text");
    assert!(tree.file("Cargo.toml").is_some(), "no workspace at {}", root().display());
    tree
}

#[test]
fn crate_arrows_point_one_way() {
    refuse("crate arrows", arrows::check(&tree()));
}

#[test]
fn pure_crates_stay_pure() {
    refuse("pure crates", purity::check(&tree()));
}

#[test]
fn spec_ids_are_cited_by_code_and_test() {
    refuse("spec ids", spec_ids::check(&tree()));
}

#[test]
fn files_and_functions_are_short() {
    refuse("sizes", sizes::check(&tree()));
}

#[test]
fn files_say_what_they_are() {
    refuse("shape of files", shape::check(&tree()));
}

#[test]
fn cargo_lock_is_within_budget() {
    refuse("dependency budget", budget::check(&tree(), budget::PACKAGES));
}

#[test]
fn words_are_us_english_and_name_no_machine() {
    refuse("words", words::check(&tree()));
}

/// The ledger decides in integers: no function of its library may hold a floating-point instruction.
#[test]
fn ledger_has_no_float_instruction() {
    refuse_float_code(&["retrace_ledger"], |_| true);
}

/// Soft arithmetic and the referee convict: they must not lean on the unit that they stand in for.
/// Their code lies in every library that calls them, since small functions are compiled where they are used.
#[test]
fn referee_has_no_float_instruction() {
    let judges = ["retrace_model::soft::", "retrace_verifier::game::judge::"];
    let libraries = ["retrace_model", "retrace_verifier", "retrace_ledger"];
    refuse_float_code(&libraries, |function| judges.iter().any(|judge| function.contains(judge)));
}

fn refuse_float_code(libraries: &[&str], is_checked: impl Fn(&str) -> bool) {
    if !cfg!(target_arch = "x86_64") {
        eprintln!("skipped: float instructions of {libraries:?}: the reader knows x86-64 only");
        return;
    }
    let executable = env::current_exe().expect("a test knows where it is");
    let folder = executable.parent().expect("an executable lies in a folder");
    let (mut checked, mut offenses) = (0, Vec::new());
    for library in libraries {
        let rlib = float_code::newest_rlib(folder, library)
            .unwrap_or_else(|| panic!("no lib{library}-*.rlib in {}: run `make test`", folder.display()));
        let seen = float_code::disassemble(&rlib).unwrap_or_else(|hint| panic!("{hint}"));
        checked += seen.functions.iter().filter(|name| name.contains("retrace_") && is_checked(name)).count();
        let uses = seen.float_uses.iter().filter(|(name, _)| is_checked(name));
        offenses
            .extend(uses.map(|(name, mnemonic)| Offense::new(library, 0, format!("`{mnemonic}` in {name}"))));
    }
    assert!(checked > 0, "no function to check in {libraries:?} below {}", folder.display());
    refuse("float instructions", offenses);
}
