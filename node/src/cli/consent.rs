//! What becomes public is said first, and asked for: nobody can take it back.

use super::exit::Failure;
use std::io::{BufRead, IsTerminal, Read};
use std::path::PathBuf;

/// Consent that was not given.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
enum Refused {
    /// Nobody can be asked.
    #[error("the files would become public, and there is no terminal to ask on")]
    #[diagnostic(help("say --yes if every peer may read, keep and pass on these bytes for ever"))]
    NobodyToAsk,
    /// The answer is no.
    #[error("nothing was published and nothing was started")]
    #[diagnostic(help("leave the data out to train on the dictionary"))]
    No,
}

/// Says that these files become public to every peer, and asks on a terminal; `yes` answers beforehand.
pub fn to_publish(paths: &[PathBuf], yes: bool) -> Result<(), Failure> {
    if paths.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    eprintln!("warning: {} will be published: every byte goes to every peer,", names.join(", "));
    eprintln!("         anybody may keep and pass it on, and nobody can take it back");
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::input(Refused::NobodyToAsk));
    }
    eprint!("publish them? type yes: ");
    let mut answer = String::new();
    // An answer that cannot be read is no yes.
    drop(std::io::stdin().lock().take(16).read_line(&mut answer));
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::input(Refused::No)) }
}
