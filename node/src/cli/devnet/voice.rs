//! A devnet's progress for people, on standard error: a spinner on a terminal, plain lines elsewhere.

use super::super::terminal::spinner;
use indicatif::ProgressBar;

/// Progress on a terminal or in a log.
pub struct Voice {
    spinner: Option<ProgressBar>,
}

impl Voice {
    /// A spinner where there is a terminal that may be drawn on.
    pub fn new() -> Voice {
        Voice { spinner: spinner() }
    }
}

impl crate::devnet::Voice for Voice {
    fn line(&mut self, text: &str) {
        match &self.spinner {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn tip(&mut self, height: u64, round: Option<u32>, running: usize) {
        let round = round.map_or(String::new(), |round| format!(", round {round}"));
        let text = format!("height {height}{round}, {running} processes");
        match &self.spinner {
            Some(bar) => bar.set_message(text),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        if let Some(bar) = &self.spinner {
            bar.finish_and_clear();
        }
    }
}
