//! The supervisor's loop: perturbations on time, deaths said aloud, progress every few seconds, until it is asked to end.

use super::schedule::{Now, Schedule};
use super::tip::TipWatch;
use super::{Devnet, DevnetError, Interrupts, Notice};
use std::time::{Duration, Instant};

/// How often processes and perturbations are looked at.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest silence.
const SILENCE: Duration = Duration::from_secs(5);

/// Hears of a devnet as it goes.
pub trait Voice {
    /// One line for people.
    fn line(&mut self, text: &str);
    /// A sign of life.
    fn tip(&mut self, height: u64, round: Option<u32>, running: usize);
}

/// Looks after a devnet that is ready until it is interrupted, or until `is_over` says so. It goes on when nodes die:
/// that is what the others must stand.
pub fn supervise(
    devnet: &mut Devnet,
    interrupts: &Interrupts,
    voice: &mut dyn Voice,
    mut is_over: impl FnMut(&mut Devnet) -> bool,
) -> Result<(), DevnetError> {
    let mut schedule = Schedule::new(&devnet.manifest.perturbations);
    let watch = TipWatch::start(devnet.rpc_urls(), devnet.record.run.clone());
    let (ready, mut said) = (Instant::now(), Instant::now());
    while !interrupts.came() && !is_over(devnet) {
        for notice in devnet.reap()? {
            watch.look_at(devnet.rpc_urls());
            tell(voice, &notice);
        }
        let tip = watch.tip();
        let now = Now { elapsed: ready.elapsed(), height: tip.height, round: tip.round };
        for due in schedule.take(now) {
            let notice = devnet.perturb(due.node, due.action)?;
            watch.look_at(devnet.rpc_urls());
            tell(voice, &notice);
        }
        if said.elapsed() >= SILENCE {
            said = Instant::now();
            let running = devnet.processes.iter().flatten().filter(|process| !process.paused).count();
            voice.tip(tip.height, tip.round, running);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn tell(voice: &mut dyn Voice, notice: &Notice) {
    for line in notice.to_string().lines() {
        voice.line(line);
    }
}
