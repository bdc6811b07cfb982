//! Threads that share a row's work by output elements, so that their number never changes a bit (M-1.5).
//!
//! Rows come by the hundred a step, some of them microseconds long: workers wait awake for a moment before they
//! sleep. Parts are taken one after another by whoever is free.

use crate::control;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, OnceLock};

/// Looks at the gate that keep the processor; some tens of microseconds.
const LOOKS: u32 = 1 << 10;
/// Looks that offer it to others first, before a worker sleeps: waking up costs more than most rows.
const PATIENCE: u32 = LOOKS + (1 << 10);
/// Set while workers may join.
const OPEN: u64 = 1 << 32;
/// One job later.
const NEXT_JOB: u64 = 1 << 33;
/// Workers inside the job.
const INSIDE: u64 = OPEN - 1;

type Work<'a> = &'a (dyn Fn(usize) + Sync);
/// The closure at hand, for as long as its job is open.
type Lent = NonNull<dyn Fn(usize) + Sync>;

/// The job at hand; read only between joining and leaving.
struct Job {
    work: Mutex<Option<Lent>>,
    parts: AtomicUsize,
    next: AtomicUsize,
    seats: AtomicUsize,
    failed: AtomicBool,
}

struct Pool {
    /// Held by whoever runs a job.
    busy: Mutex<usize>,
    /// Number of the job, whether workers may join, and how many have.
    gate: AtomicU64,
    job: Job,
    sleepers: Mutex<usize>,
    wake: Condvar,
}

// SAFETY: the pointer in `job` is only followed by workers that joined while the gate was open, and the caller
// closes the gate and waits for all of them before the closure behind it ends.
unsafe impl Send for Pool {}
// SAFETY: as above; the closure itself is `Sync`.
unsafe impl Sync for Pool {}

static POOL: OnceLock<Pool> = OnceLock::new();

fn pool() -> &'static Pool {
    POOL.get_or_init(|| Pool {
        busy: Mutex::new(0),
        gate: AtomicU64::new(0),
        job: Job {
            work: Mutex::new(None),
            parts: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            seats: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
        },
        sleepers: Mutex::new(0),
        wake: Condvar::new(),
    })
}

/// Calls `work` once for every part below `parts`, on up to `threads` threads, the caller being one of them.
/// Where another job runs, or this machine has no threads, the caller does all parts itself.
///
/// # Panics
/// When a part panics.
pub(super) fn run(threads: usize, parts: usize, work: Work) {
    if threads < 2 || parts < 2 {
        return (0..parts).for_each(work);
    }
    let pool = pool();
    let Ok(mut workers) = pool.busy.try_lock() else { return (0..parts).for_each(work) };
    while *workers < threads - 1 {
        let number = *workers;
        let spawned =
            std::thread::Builder::new().name(format!("engine-{number}")).spawn(move || serve(number));
        if spawned.is_err() {
            break;
        }
        *workers += 1;
    }
    pool.open(threads - 1, parts, work);
    let mine = catch_unwind(AssertUnwindSafe(|| pool.take_parts(work)));
    pool.close();
    drop(workers);
    if let Err(panic) = mine {
        std::panic::resume_unwind(panic);
    }
    assert!(!pool.job.failed.load(Ordering::Acquire), "a worker of the engine failed");
}

impl Pool {
    fn open(&self, seats: usize, parts: usize, work: Work) {
        // SAFETY: only the lifetime changes; `close` ends every use before `run` returns.
        let work: Lent =
            unsafe { std::mem::transmute::<NonNull<dyn Fn(usize) + Sync + '_>, _>(NonNull::from(work)) };
        if let Ok(mut slot) = self.job.work.lock() {
            *slot = Some(work);
        }
        self.job.parts.store(parts, Ordering::Relaxed);
        self.job.next.store(0, Ordering::Relaxed);
        self.job.seats.store(seats, Ordering::Relaxed);
        self.job.failed.store(false, Ordering::Relaxed);
        self.gate.fetch_add(NEXT_JOB | OPEN, Ordering::SeqCst);
        if self.sleepers.lock().is_ok_and(|asleep| *asleep > 0) {
            self.wake.notify_all();
        }
    }

    /// Lets nobody in any more, and waits for those inside.
    fn close(&self) {
        let mut looks = 0u32;
        let mut gate = self.gate.fetch_and(!OPEN, Ordering::AcqRel);
        while gate & INSIDE != 0 {
            looks = looks.saturating_add(1);
            wait(looks);
            gate = self.gate.load(Ordering::Acquire);
        }
    }

    fn take_parts(&self, work: Work) {
        let parts = self.job.parts.load(Ordering::Relaxed);
        loop {
            let part = self.job.next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return;
            }
            work(part);
        }
    }

    /// Joins the job behind an open gate; false when it closed meanwhile, or when all seats are taken.
    fn join(&self, gate: u64, number: usize) -> bool {
        number < self.job.seats.load(Ordering::Relaxed)
            && self.gate.compare_exchange(gate, gate + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    fn work_inside(&self) {
        let work = self.job.work.lock().ok().and_then(|slot| *slot);
        if let Some(work) = work {
            // SAFETY: this worker joined, so the caller waits for it before the closure ends.
            let work = unsafe { work.as_ref() };
            if catch_unwind(AssertUnwindSafe(|| self.take_parts(work))).is_err() {
                self.job.failed.store(true, Ordering::Release);
            }
        }
        self.gate.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A worker's life.
fn serve(number: usize) {
    control::restore();
    let pool = pool();
    let mut done = 0;
    let mut looks = 0;
    loop {
        let gate = pool.gate.load(Ordering::Acquire);
        if gate & OPEN != 0 && gate / NEXT_JOB != done {
            if pool.join(gate, number) {
                done = gate / NEXT_JOB;
                pool.work_inside();
                looks = 0;
                continue;
            }
            if number >= pool.job.seats.load(Ordering::Relaxed) {
                done = gate / NEXT_JOB;
            }
        }
        looks += 1;
        if looks < PATIENCE {
            wait(looks);
        } else {
            sleep(pool, done);
            looks = 0;
        }
    }
}

/// A moment, longer after some looks.
fn wait(looks: u32) {
    if looks < LOOKS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

/// Sleeps until a job opens that this worker has not seen.
fn sleep(pool: &Pool, done: u64) {
    let Ok(mut asleep) = pool.sleepers.lock() else { return };
    *asleep += 1;
    loop {
        let gate = pool.gate.load(Ordering::SeqCst);
        if gate & OPEN != 0 && gate / NEXT_JOB != done {
            break;
        }
        match pool.wake.wait(asleep) {
            Ok(guard) => asleep = guard,
            Err(_) => return,
        }
    }
    *asleep -= 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every part once, whatever the number of threads, job after job.
    #[test]
    fn every_part_once() {
        for round in 0..200 {
            let (threads, parts) = (1 + round % 4, round % 17);
            let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
            run(threads, parts, &|part| {
                counts[part].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }

    /// A job inside a job, and jobs of two callers at once, are done by their callers.
    #[test]
    fn callers_at_once() {
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    run(2, 10, &|_| {
                        run(2, 10, &|_| {
                            sum.fetch_add(1, Ordering::Relaxed);
                        });
                    });
                });
            }
        });
        assert_eq!(sum.load(Ordering::Relaxed), 300);
    }

    /// A part that panics is the caller's panic, and the pool goes on.
    #[test]
    fn a_panic_is_passed_on() {
        let failed = catch_unwind(|| run(2, 8, &|part| assert!(part != 5, "five")));
        assert!(failed.is_err());
        every_part_once();
    }
}
