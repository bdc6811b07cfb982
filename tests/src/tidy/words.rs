//! Words: US spelling everywhere, and no path that exists on one person's machine only.
//!
//! Names that are wire names are forever, so two spellings of one word would both be forever.

use super::{Offense, tree::Tree};

/// This file has to spell what it refuses.
const OWN_FILE: &str = "tests/src/tidy/words.rs";

/// Stems that take `-e`, `-ed`, `-ation` and so on; `optimistic` has to stay a word.
const STEMS: &[&str] = &[
    "authoris",
    "canonicalis",
    "categoris",
    "customis",
    "deserialis",
    "factoris",
    "finalis",
    "formalis",
    "generalis",
    "initialis",
    "localis",
    "materialis",
    "maximis",
    "memoris",
    "minimis",
    "normalis",
    "optimis",
    "organis",
    "parallelis",
    "parameteris",
    "penalis",
    "quantis",
    "randomis",
    "realis",
    "recognis",
    "regularis",
    "serialis",
    "specialis",
    "stabilis",
    "summaris",
    "synchronis",
    "tokenis",
    "utilis",
    "vectoris",
    "visualis",
];

const ENDINGS: &[&str] = &["e", "ed", "er", "ers", "es", "ing", "ation", "ations"];

const BRITISH: &[&str] = &[
    "analyse",
    "analysed",
    "analyser",
    "artefact",
    "artefacts",
    "behaviour",
    "behaviours",
    "catalogue",
    "centre",
    "centred",
    "centres",
    "colour",
    "coloured",
    "colours",
    "defence",
    "defences",
    "favour",
    "favourite",
    "fulfil",
    "grey",
    "honour",
    "honours",
    "judgement",
    "judgements",
    "labelled",
    "labelling",
    "labour",
    "licence",
    "licences",
    "modelled",
    "modelling",
    "neighbour",
    "neighbours",
    "offence",
    "offences",
    "practise",
    "programme",
    "signalled",
    "signalling",
    "travelled",
    "travelling",
    "whilst",
];

/// Names that other people's code gave, spelled their way.
const FOREIGN: &[&str] = &["NetworkBehaviour", "::Behaviour", "behaviour_mut", "with_behaviour"];

/// Folders of somebody's machine. A path that a reader can use is relative or comes from the environment.
const MACHINE_FOLDERS: &[&str] = &["/home/", "/root/", "/work/", "/Users/"];

/// Every British spelling in prose or code, and every machine path.
pub fn check(tree: &Tree) -> Vec<Offense> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| is_ours(&file.path)) {
        for (index, line) in file.text.lines().enumerate() {
            let british =
                british_words(line).into_iter().map(|word| format!("`{word}`: US spelling, please"));
            let paths =
                machine_paths(line).into_iter().map(|path| format!("`{path}`: a path of one machine"));
            found.extend(british.chain(paths).map(|what| Offense::new(&file.path, index + 1, what)));
        }
    }
    found
}

fn is_ours(path: &str) -> bool {
    path != OWN_FILE && !path.ends_with(".lock")
}

fn british_words(line: &str) -> Vec<String> {
    let line = FOREIGN.iter().fold(line.to_owned(), |line, name| line.replace(name, " "));
    words(&line).into_iter().filter(|word| is_british(word)).collect()
}

fn is_british(word: &str) -> bool {
    let from_stem = |stem: &str| word.strip_prefix(stem).is_some_and(|rest| ENDINGS.contains(&rest));
    BRITISH.contains(&word) || STEMS.iter().any(|stem| from_stem(stem))
}

/// The words of a line in lower case, with `snake_case` and `CamelCase` names taken apart.
fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut previous_is_lower = false;
    for letter in line.chars() {
        let ends = !letter.is_ascii_alphabetic() || (letter.is_ascii_uppercase() && previous_is_lower);
        if ends && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if letter.is_ascii_alphabetic() {
            word.push(letter.to_ascii_lowercase());
        }
        previous_is_lower = letter.is_ascii_lowercase();
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// `/root/` at the start of a path offends; `/state/root/` is somewhere below a folder that everybody has.
fn machine_paths(line: &str) -> Vec<&'static str> {
    let starts_path = |at: usize| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        !(before.is_alphanumeric() || matches!(before, '_' | '}' | ')' | '.' | '>'))
    };
    let is_named = |folder: &&str| line.match_indices(folder).any(|(at, _)| starts_path(at));
    MACHINE_FOLDERS.iter().copied().filter(is_named).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, words};
    use crate::tidy::tree::Tree;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn british_spelling_is_found_in_prose_and_names() {
        assert_eq!(count("specs/a.md", "The optimiser's behaviour.\n"), 2);
        assert_eq!(count("model/src/a.rs", "struct StepOptimiser; fn serialise_state() {}\n"), 2);
        assert_eq!(count("specs/judge/a.py", "# NORMALISED\n"), 1);
    }

    #[test]
    fn us_spelling_and_foreign_names_pass() {
        assert_eq!(count("specs/a.md", "An optimistic optimizer; its behavior, license and center.\n"), 0);
        assert_eq!(count("node/src/a.rs", "#[derive(NetworkBehaviour)] swarm.behaviour_mut();\n"), 0);
    }

    #[test]
    fn machine_paths_are_found() {
        assert_eq!(count("node/src/a.rs", "let home = \"/home/me/data\";\n"), 1);
        assert_eq!(count("node/src/a.rs", "//! See /root/a.\n"), 1);
        assert_eq!(count("node/src/a.rs", "//! Reads target/work/a.bin and $HOME/work/b.\n"), 0);
    }

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(words("StepColour my_centre OK2go"), ["step", "colour", "my", "centre", "ok", "go"]);
    }
}
