//! What can be wrong with a keystore or its passphrase, each with what to do about it.

use std::io;
use std::path::PathBuf;

/// A keystore that cannot be made, written or opened.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum KeystoreError {
    /// The operating system gives no entropy.
    #[error("the operating system gives no random bytes: {source}")]
    #[diagnostic(help("keys are made from nothing else; try again on a machine that has booted fully"))]
    Entropy {
        /// Why.
        source: getrandom::Error,
    },
    /// The file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    #[diagnostic(help(
        "check the path and its permissions; `retrace init --home DIR` makes a home with a keystore"
    ))]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is one already.
    #[error("{path} exists already")]
    #[diagnostic(help(
        "keys are never overwritten: move the file away yourself if you mean to lose its account"
    ))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Not a file that a passphrase opens.
    #[error("{path} is no keystore: it is not an age file with a passphrase")]
    #[diagnostic(help("name the home that `retrace init` made, or restore its keystore.age from your copy"))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase opens nothing.
    #[error("the passphrase does not open {path}")]
    #[diagnostic(help(
        "it is taken from --passphrase-file, RETRACE_PASSPHRASE, config.toml or the terminal, in this order; nobody can recover it"
    ))]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The file was changed or cut.
    #[error("{path} is damaged: {what}")]
    #[diagnostic(help("restore the file from your copy; without one the account's keys are lost"))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not add up.
        what: Damage,
    },
    /// A keystore of another version.
    #[error("{path} is a keystore of format {found}, this build reads format {expected}")]
    #[diagnostic(help("before 1.0 old formats are refused, never migrated: use the build that wrote it"))]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u16,
        /// What this build reads.
        expected: u16,
    },
    /// Opening it would take too much work.
    #[error("{path} asks for 2^{found} rounds of scrypt, at most 2^{most} are done")]
    #[diagnostic(help(
        "a keystore of ours asks for fewer: this one comes from somebody who wants to keep you busy"
    ))]
    TooMuchWork {
        /// The file.
        path: PathBuf,
        /// Logarithm of the rounds.
        found: u8,
        /// Logarithm of the most that are done.
        most: u8,
    },
    /// The passphrase is empty or too long.
    #[error("the passphrase must have 1 to {most} bytes on one line")]
    #[diagnostic(help("the first line of the file counts; put the passphrase there"))]
    Passphrase {
        /// Most bytes.
        most: usize,
    },
    /// Nobody can be asked.
    #[error("no passphrase, and no terminal to ask on")]
    #[diagnostic(help("name a file with --passphrase-file FILE, or set RETRACE_PASSPHRASE"))]
    NoTerminal,
    /// Two different answers.
    #[error("the two passphrases differ")]
    #[diagnostic(help("type the same one twice; nothing was written"))]
    NotRepeated,
}

/// What is wrong inside a keystore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Longer than any keystore.
    #[error("it is longer than any keystore")]
    TooLong,
    /// Cut or changed.
    #[error("its contents do not match their seal")]
    Seal,
    /// Sealed by the right passphrase, and still no four keys.
    #[error("it does not hold four keys")]
    Keys,
}
