//! The most multiply-adds that a core can do: independent chains in registers, nothing loaded, nothing stored.

use std::time::Instant;

use retrace_model::{Backend, Engine};

/// Rounds of all chains in one timing; tens of milliseconds.
const ROUNDS: u64 = 3_000_000;
/// Floating-point operations in one lane's multiply-add.
const FLOPS: f64 = 2.0;

/// Floating-point operations a second of all threads together; 0 for a backend whose peak is not known.
pub fn measure(engine: &Engine) -> f64 {
    let Some((body, lanes)) = body(engine.backend) else { return 0.0 };
    let timing = |rounds: u64| {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..engine.threads {
                scope.spawn(move || body(rounds));
            }
        });
        engine.threads as f64 * rounds as f64 * lanes * FLOPS / start.elapsed().as_secs_f64()
    };
    timing(ROUNDS / 4);
    timing(ROUNDS)
}

#[cfg(target_arch = "x86_64")]
fn body(backend: Backend) -> Option<(fn(u64), f64)> {
    match backend {
        // SAFETY: a backend's name parses only on a machine that has its instructions.
        Backend::Avx512 => Some((|rounds| unsafe { chains::avx512(rounds) }, 24.0 * 16.0)),
        // SAFETY: as above.
        Backend::Avx2 => Some((|rounds| unsafe { chains::avx2(rounds) }, 12.0 * 8.0)),
        _ => None,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn body(_: Backend) -> Option<(fn(u64), f64)> {
    None
}

/// Loops in assembly, since a compiler may put chains down on the stack between two rounds.
#[cfg(target_arch = "x86_64")]
mod chains {
    use std::arch::asm;
    use std::arch::x86_64::{_mm256_set1_ps, _mm512_set1_ps};

    /// Chains of `x = x * factor + term` in the named registers; they neither grow nor become subnormal.
    macro_rules! chains {
        ($rounds:ident, [$factor:tt = $f:expr, $term:tt = $t:expr], [$($chain:tt)*]) => {
            // SAFETY: it touches the registers that it names and no memory.
            unsafe {
                asm!(
                    $(concat!("vmovaps ", $chain, ", ", $term),)*
                    "2:",
                    $(concat!("vfmadd213ps ", $chain, ", ", $factor, ", ", $term),)*
                    "dec {rounds}",
                    "jnz 2b",
                    rounds = inout(reg) $rounds => _,
                    in($factor) $f,
                    in($term) $t,
                    $(out($chain) _,)*
                    options(nomem, nostack),
                )
            }
        };
    }

    /// `rounds`, at least 1, of 24 chains: twice a multiply-add's latency on two units.
    #[target_feature(enable = "avx512f")]
    pub fn avx512(rounds: u64) {
        let (factor, term) = (_mm512_set1_ps(0.999), _mm512_set1_ps(1e-3));
        chains!(rounds, ["zmm30" = factor, "zmm31" = term], [
            "zmm0" "zmm1" "zmm2" "zmm3" "zmm4" "zmm5" "zmm6" "zmm7" "zmm8" "zmm9" "zmm10" "zmm11"
            "zmm12" "zmm13" "zmm14" "zmm15" "zmm16" "zmm17" "zmm18" "zmm19" "zmm20" "zmm21" "zmm22" "zmm23"
        ]);
    }

    /// `rounds`, at least 1, of 12 chains: what 16 registers hold beside factor and term.
    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(rounds: u64) {
        let (factor, term) = (_mm256_set1_ps(0.999), _mm256_set1_ps(1e-3));
        chains!(rounds, ["ymm14" = factor, "ymm15" = term], [
            "ymm0" "ymm1" "ymm2" "ymm3" "ymm4" "ymm5" "ymm6" "ymm7" "ymm8" "ymm9" "ymm10" "ymm11"
        ]);
    }
}
