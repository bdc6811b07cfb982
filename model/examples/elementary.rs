//! Measures the elementary functions on every input against correctly rounded ones (M-2.1 to M-2.7).
//!
//! `cargo run --release -p retrace-model --example elementary -- [exp|ln|tanh|erf|sin|cos|all]` tries all 2^32
//! bit patterns on all threads and prints the greatest error and the inputs that are not correctly rounded. It
//! exits with 1 when a bound of `specs/arithmetic.md` is exceeded or a NaN is not the canonical one.
#![allow(clippy::disallowed_methods)] // progress reads the clock

use retrace_model::arithmetic::CANONICAL_NAN;
use retrace_model::{cos, erf, exp, ln, sin, tanh};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Bit patterns that a thread takes at a time, and how many such pieces there are.
const PIECE: usize = 1 << 16;
const PIECES: usize = 1 << 16;
/// Inputs that are listed by name.
const LISTED: usize = 16;
const PROGRESS: Duration = Duration::from_secs(5);

/// A function of ours, its judge, and its promise.
struct Function {
    name: &'static str,
    ours: fn(u32, &mut [u32]),
    oracle: fn(f32) -> f32,
    /// Greatest error in units of the last place.
    bound: u32,
    /// Beyond this size the result is the canonical NaN.
    domain: f32,
}

/// Fills `out` with the function of the bit patterns from `first` on, by the widest instructions there are.
macro_rules! filler {
    ($function:ident) => {{
        #[inline(always)]
        fn body(first: u32, out: &mut [u32]) {
            for (x, slot) in (first..=u32::MAX).zip(out) {
                *slot = $function(f32::from_bits(x)).to_bits();
            }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn wide(first: u32, out: &mut [u32]) {
            body(first, out);
        }
        |first, out| {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                // SAFETY: both features were just detected.
                return unsafe { wide(first, out) };
            }
            body(first, out);
        }
    }};
}

fn functions() -> [Function; 6] {
    let all = f32::INFINITY;
    let turn = 65_536.0;
    [
        Function { name: "exp", ours: filler!(exp), oracle: core_math::expf, bound: 1, domain: all },
        Function { name: "ln", ours: filler!(ln), oracle: core_math::logf, bound: 1, domain: all },
        Function { name: "tanh", ours: filler!(tanh), oracle: core_math::tanhf, bound: 2, domain: all },
        Function { name: "erf", ours: filler!(erf), oracle: core_math::erff, bound: 2, domain: all },
        Function { name: "sin", ours: filler!(sin), oracle: core_math::sinf, bound: 1, domain: turn },
        Function { name: "cos", ours: filler!(cos), oracle: core_math::cosf, bound: 1, domain: turn },
    ]
}

/// What a share of the inputs gave.
#[derive(Default)]
struct Accuracy {
    greatest: u32,
    misrounded: Vec<u32>,
    wrong_nan: Vec<u32>,
}

impl Accuracy {
    fn judge(&mut self, function: &Function, x: u32, value: u32) {
        let number = f32::from_bits(x);
        let expected = if number.abs() <= function.domain { (function.oracle)(number) } else { f32::NAN };
        if expected.is_nan() || f32::from_bits(value).is_nan() {
            if !expected.is_nan() || value != CANONICAL_NAN {
                self.wrong_nan.push(x);
            }
            return;
        }
        if value != expected.to_bits() {
            // A zero of the other sign is no distance away, and still not the right result.
            let distance = ordered(value).abs_diff(ordered(expected.to_bits()));
            self.greatest = if distance > self.greatest { distance } else { self.greatest };
            self.misrounded.push(x);
        }
    }

    fn join(&mut self, other: Accuracy) {
        self.greatest = if other.greatest > self.greatest { other.greatest } else { self.greatest };
        self.misrounded.extend(other.misrounded);
        self.wrong_nan.extend(other.wrong_nan);
    }
}

/// The bits as an integer that counts up with the value, both zeros at 0.
fn ordered(bits: u32) -> i32 {
    let magnitude = (bits & 0x7FFF_FFFF) as i32;
    if bits >> 31 == 1 { -magnitude } else { magnitude }
}

fn pieces(function: &Function, next: &AtomicUsize) -> Accuracy {
    let mut accuracy = Accuracy::default();
    let mut values = vec![0; PIECE];
    loop {
        let piece = next.fetch_add(1, Ordering::Relaxed);
        if piece >= PIECES {
            return accuracy;
        }
        let first = (piece * PIECE) as u32;
        (function.ours)(first, &mut values);
        for (x, value) in (first..=u32::MAX).zip(&values) {
            accuracy.judge(function, x, *value);
        }
    }
}

fn measure(function: &Function) -> Accuracy {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| pieces(function, &next))).collect();
        let mut told = Instant::now();
        while !workers.iter().all(|worker| worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(50));
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                let percent = 100 * next.load(Ordering::Relaxed) / PIECES;
                eprintln!("{}: {percent} %", function.name);
            }
        }
        let mut accuracy = Accuracy::default();
        workers.into_iter().for_each(|worker| accuracy.join(worker.join().expect("a worker ends")));
        accuracy
    })
}

/// Measures one function and prints it; true when it keeps its promise.
fn report(function: &Function) -> bool {
    let start = Instant::now();
    let mut accuracy = measure(function);
    accuracy.misrounded.sort_unstable();
    let listed: Vec<_> = accuracy.misrounded.iter().take(LISTED).map(|x| format!("{x:08X}")).collect();
    let holds = accuracy.greatest <= function.bound && accuracy.wrong_nan.is_empty();
    println!(
        "{:<4} at most {} ULP (bound {}), {} not correctly rounded, {} wrong NaNs, {:.0} s: {} {}",
        function.name,
        accuracy.greatest,
        function.bound,
        accuracy.misrounded.len(),
        accuracy.wrong_nan.len(),
        start.elapsed().as_secs_f64(),
        if holds { "holds" } else { "EXCEEDED" },
        listed.join(" ")
    );
    holds
}

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_else(|| "all".to_string());
    let functions = functions();
    let chosen: Vec<_> = functions.iter().filter(|f| wanted == "all" || wanted == f.name).collect();
    if chosen.is_empty() {
        let names: Vec<_> = functions.iter().map(|f| f.name).collect();
        eprintln!("{wanted} is not one of: {}, all", names.join(", "));
        std::process::exit(2);
    }
    let held = chosen.into_iter().filter(|function| !report(function)).count() == 0;
    std::process::exit(i32::from(!held));
}
