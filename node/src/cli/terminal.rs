//! Progress for people: lines as they happen, and a sign of life when nothing does. All of it on standard error.

use crate::demo::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use retrace_ledger::Height;
use std::io::IsTerminal;
use std::time::Duration;

/// Progress on a terminal or in a log.
pub struct Terminal {
    spinner: Option<ProgressBar>,
}

/// True where nothing may be drawn: no terminal, or `NO_COLOR` asks for plain lines.
pub fn is_plain() -> bool {
    !std::io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some()
}

/// A spinner where there is a terminal that may be drawn on; none elsewhere, or where `NO_COLOR` asks for plain lines.
pub fn spinner() -> Option<ProgressBar> {
    (!is_plain()).then(|| {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    })
}

impl Terminal {
    /// A spinner on a terminal; plain lines elsewhere.
    pub fn new() -> Terminal {
        Terminal { spinner: spinner() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = &self.spinner {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Terminal {
    fn line(&mut self, height: Height, text: &str) {
        let line = format!("height {:>4}  {text}", height.0);
        match &self.spinner {
            Some(bar) => {
                bar.set_message(format!("height {}", height.0));
                bar.println(line);
            }
            None => eprintln!("{line}"),
        }
    }

    fn idle(&mut self, height: Height, seconds: u64) {
        match &self.spinner {
            Some(bar) => bar.set_message(format!("height {}, working", height.0)),
            None => eprintln!("height {:>4}  working, {seconds} s so far", height.0),
        }
    }
}
