//! Progress of a local run: a bar on a terminal, a line now and then elsewhere. All of it on standard error.

use super::super::terminal::is_plain;
use crate::devnet::Interrupts;
use crate::train::{HeldOut, Job, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// Time between two lines in a log.
const LINES: Duration = Duration::from_secs(10);
/// The newest step's share in the loss that is shown: one step's loss jumps too much to be read.
const NEWEST: f64 = 0.05;

/// Shows progress, and passes Ctrl-C on.
pub struct Bar<'a> {
    bar: Option<ProgressBar>,
    interrupts: &'a Interrupts,
    steps: u32,
    tokens: u64,
    unit: &'static str,
    /// Where the clock and the count of steps were at the last line.
    last: (Instant, u32),
    loss: Option<f64>,
}

impl<'a> Bar<'a> {
    /// Begins.
    pub fn new(job: &Job, interrupts: &'a Interrupts) -> Bar<'a> {
        let bar = (!is_plain()).then(|| {
            let bar = ProgressBar::new(u64::from(job.spec.steps)).with_position(u64::from(job.step()));
            let template = "{bar:28} step {pos}/{len}  {msg}  ETA {eta}";
            bar.set_style(
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.reset_eta();
            bar
        });
        Bar {
            bar,
            interrupts,
            steps: job.spec.steps,
            tokens: job.spec.tokens_per_step(),
            unit: job.text.unit(),
            last: (Instant::now(), job.step()),
            loss: None,
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}

impl Watch for Bar<'_> {
    fn step(&mut self, done: u32, loss: f64) {
        let shown = self.loss.map_or(loss, |shown| shown + NEWEST * (loss - shown));
        self.loss = Some(shown);
        let (since, before) = self.last;
        let every = if self.bar.is_some() { Duration::from_secs(1) } else { LINES };
        if let Some(bar) = &self.bar {
            bar.set_position(u64::from(done));
        }
        let spent = since.elapsed();
        if spent < every {
            return;
        }
        let rate = f64::from(done - before) * self.tokens as f64 / spent.as_secs_f64();
        self.last = (Instant::now(), done);
        let said = format!("loss {shown:.3} bits/{unit}  {rate:.0} {unit}s/s", unit = self.unit);
        match &self.bar {
            Some(bar) => bar.set_message(said),
            None => {
                let left = f64::from(self.steps - done) * self.tokens as f64 / rate.max(1e-9);
                eprintln!("step {done:>6}/{}  {said}  ETA {left:.0} s", self.steps);
            }
        }
    }

    fn evaluated(&mut self, done: u32, held_out: &HeldOut) {
        let HeldOut { bits, unigram_bits, .. } = held_out;
        let unit = self.unit;
        self.line(&format!("step {done:>6}  held out {bits:.3} bits/{unit} (unigram {unigram_bits:.3})"));
    }

    fn saved(&mut self, done: u32) {
        self.line(&format!("step {done:>6}  saved"));
    }

    fn stops(&self) -> bool {
        self.interrupts.came()
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
