//! Progress of something counted: a bar on a terminal, a line every five seconds elsewhere.

use super::super::terminal::is_plain;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// How often a log hears of it.
const PERIOD: Duration = Duration::from_secs(5);

/// Counts up to a total that may be unknown.
pub struct Steady {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: Option<u64>,
    said: Instant,
}

impl Steady {
    /// Begins to count.
    pub fn new(what: &'static str, total: Option<u64>) -> Steady {
        let bar = (!is_plain()).then(|| {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let template = if total.is_some() {
                "{elapsed} {wide_bar} {pos}/{len} {msg}"
            } else {
                "{spinner} {elapsed} {pos} {msg}"
            };
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(what);
            bar
        });
        Steady { bar, what, total, said: Instant::now() }
    }

    /// So many are done.
    pub fn at(&mut self, done: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.said.elapsed() >= PERIOD => {
                self.said = Instant::now();
                let of = self.total.map_or(String::new(), |total| format!(" of {total}"));
                eprintln!("{done}{of} {}", self.what);
            }
            None => {}
        }
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
