//! Where a passphrase comes from: a file, the environment, the home's configuration, or a terminal without echo.

use super::KeystoreError;
use age::secrecy::SecretString;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longest passphrase in bytes.
const BYTES_MAX: usize = 1024;

/// A passphrase; it is wiped from memory when dropped, and never printed.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

/// Arguments of every command that opens a keystore.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PassphraseArgs {
    /// File whose first line is the keystore's passphrase; without it RETRACE_PASSPHRASE or the terminal is asked
    #[arg(long, env = "RETRACE_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl Passphrase {
    /// A passphrase of allowed length.
    pub fn new(text: String) -> Result<Passphrase, KeystoreError> {
        let text = Zeroizing::new(text);
        let is_line = !text.is_empty() && text.len() <= BYTES_MAX && !text.contains('\n');
        if is_line { Ok(Passphrase(text)) } else { Err(KeystoreError::Passphrase { most: BYTES_MAX }) }
    }

    /// 32 random bytes in hexadecimal, for networks that nobody types a passphrase for.
    pub fn random() -> Result<Passphrase, KeystoreError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|source| KeystoreError::Entropy { source })?;
        Passphrase::new(retrace_verifier::digest::Digest(*bytes).to_string())
    }

    /// The first line of a file.
    pub fn from_file(path: &Path) -> Result<Passphrase, KeystoreError> {
        let disk = |source| KeystoreError::Disk { path: path.into(), source };
        let mut line = Zeroizing::new(String::with_capacity(BYTES_MAX + 2));
        let file = File::open(path).map_err(disk)?.take(BYTES_MAX as u64 + 2);
        BufReader::new(file).read_line(&mut line).map_err(disk)?;
        Passphrase::new(line.trim_end_matches(['\r', '\n']).to_string())
    }

    /// Writes a new file that only its owner reads.
    pub fn save(&self, path: &Path) -> Result<(), KeystoreError> {
        let disk = |source| KeystoreError::Disk { path: path.into(), source };
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(disk)?;
        writeln!(file, "{}", self.0.as_str()).map_err(disk)?;
        file.persist_noclobber(path).map_err(|e| disk(e.error))?;
        Ok(())
    }

    pub(super) fn secret(&self) -> SecretString {
        SecretString::from(self.0.as_str())
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

impl PassphraseArgs {
    /// The passphrase of an existing keystore. `configured` is the file that the home's configuration names.
    pub fn existing(&self, configured: Option<&Path>) -> Result<Passphrase, KeystoreError> {
        match self.given(configured)? {
            Some(passphrase) => Ok(passphrase),
            None => ask("passphrase: "),
        }
    }

    /// The passphrase of a keystore that is about to be made; on a terminal it is asked for twice.
    pub fn fresh(&self) -> Result<Passphrase, KeystoreError> {
        if let Some(passphrase) = self.given(None)? {
            return Ok(passphrase);
        }
        let first = ask("new passphrase: ")?;
        let second = ask("once more: ")?;
        if *first.0 == *second.0 { Ok(first) } else { Err(KeystoreError::NotRepeated) }
    }

    fn given(&self, configured: Option<&Path>) -> Result<Option<Passphrase>, KeystoreError> {
        if let Some(path) = &self.passphrase_file {
            return Passphrase::from_file(path).map(Some);
        }
        if let Ok(text) = std::env::var("RETRACE_PASSPHRASE") {
            return Passphrase::new(text).map(Some);
        }
        configured.map(Passphrase::from_file).transpose()
    }
}

/// A terminal whose echo comes back whatever happens.
struct Silent<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Silent<'_> {
    fn new(terminal: &File) -> rustix::io::Result<Silent<'_>> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Silent { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Nothing is left to do about a terminal that is gone.
        tcsetattr(self.terminal, OptionalActions::Flush, &self.before).ok();
    }
}

/// Asks on the controlling terminal, so that standard input stays free for data.
fn ask(prompt: &str) -> Result<Passphrase, KeystoreError> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    let mut terminal = terminal.ok().filter(|t| t.is_terminal()).ok_or(KeystoreError::NoTerminal)?;
    let failed = |_| KeystoreError::NoTerminal;
    terminal.write_all(prompt.as_bytes()).map_err(failed)?;
    let silent = Silent::new(&terminal).map_err(|_| KeystoreError::NoTerminal)?;
    let mut line = Zeroizing::new(String::with_capacity(BYTES_MAX + 2));
    BufReader::new((&terminal).take(BYTES_MAX as u64 + 2)).read_line(&mut line).map_err(failed)?;
    drop(silent);
    Passphrase::new(line.trim_end_matches(['\r', '\n']).to_string())
}

#[cfg(test)]
mod tests {
    use super::{Passphrase, PassphraseArgs};
    use crate::keys::KeystoreError;

    #[test]
    fn the_first_line_of_a_file_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        for (text, expected) in
            [("a b c\r\nrest\n", Some("a b c")), ("x", Some("x")), ("\n", None), ("", None)]
        {
            std::fs::write(&path, text).unwrap();
            let read = Passphrase::from_file(&path).ok();
            assert_eq!(read.as_ref().map(|p| p.0.as_str()), expected, "{text:?}");
        }
        std::fs::write(&path, "y".repeat(5000)).unwrap();
        assert!(matches!(Passphrase::from_file(&path), Err(KeystoreError::Passphrase { .. })));
    }

    #[test]
    fn a_flag_goes_before_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let (flag, configured) = (folder.path().join("flag"), folder.path().join("configured"));
        let (one, other) = (Passphrase::random().unwrap(), Passphrase::random().unwrap());
        one.save(&flag).unwrap();
        other.save(&configured).unwrap();
        let args = PassphraseArgs { passphrase_file: Some(flag) };
        assert_eq!(*args.existing(Some(&configured)).unwrap().0, *one.0);
        assert_eq!(*PassphraseArgs::default().existing(Some(&configured)).unwrap().0, *other.0);
        assert_eq!(format!("{one:?}"), "Passphrase(..)");
    }
}
