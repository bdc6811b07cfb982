//! The most multiply-adds that a core can do: independent chains in registers, nothing loaded, nothing stored.

use std::time::Instant;

use retrace_model::{Backend, Engine};

/// Rounds of all chains in one timing; tens of milliseconds.
const ROUNDS: u64 = 3_000_000;
/// Floating-point operations in one lane's multiply-add.
const FLOPS: f64 = 2.0;

/// Multiply-add operations a second of all threads together, counted as two each; 0 for a backend without them.
pub fn measure(engine: &Engine) -> f64 {
    let Some((body, lanes)) = body(engine.backend) else { return 0.0 };
    let timing = |rounds: u64| {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..engine.threads {
                scope.spawn(move || std::hint::black_box(body(rounds)));
            }
        });
        engine.threads as f64 * rounds as f64 * lanes * FLOPS / start.elapsed().as_secs_f64()
    };
    timing(ROUNDS / 4);
    timing(ROUNDS)
}

#[cfg(target_arch = "x86_64")]
fn body(backend: Backend) -> Option<(fn(u64) -> f32, f64)> {
    match backend {
        // SAFETY: a backend's name parses only on a machine that has its instructions.
        Backend::Avx512 => Some((|rounds| unsafe { wide::avx512(rounds) }, wide::AVX512_LANES)),
        // SAFETY: as above.
        Backend::Avx2 => Some((|rounds| unsafe { wide::avx2(rounds) }, wide::AVX2_LANES)),
        _ => None,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn body(_: Backend) -> Option<(fn(u64) -> f32, f64)> {
    None
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{
        _mm256_add_ps, _mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_add_ps, _mm512_cvtss_f32,
        _mm512_fmadd_ps, _mm512_set1_ps,
    };
    use std::hint::black_box;

    /// Chains that hide a multiply-add's latency twice over and still fit into 32 registers.
    const AVX512_CHAINS: usize = 24;
    /// As many as 16 registers hold beside the two factors.
    const AVX2_CHAINS: usize = 12;
    /// Elements that one round advances.
    pub const AVX512_LANES: f64 = (AVX512_CHAINS * 16) as f64;
    /// Elements that one round advances.
    pub const AVX2_LANES: f64 = (AVX2_CHAINS * 8) as f64;

    #[target_feature(enable = "avx512f")]
    pub fn avx512(rounds: u64) -> f32 {
        let (factor, term) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(1e-3)));
        let mut chains = [_mm512_set1_ps(black_box(1.0)); AVX512_CHAINS];
        for _ in 0..rounds {
            for chain in &mut chains {
                *chain = _mm512_fmadd_ps(*chain, factor, term);
            }
        }
        let mut sum = chains[0];
        for chain in &chains[1..] {
            sum = _mm512_add_ps(sum, *chain);
        }
        _mm512_cvtss_f32(sum)
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(rounds: u64) -> f32 {
        let (factor, term) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(1e-3)));
        let mut chains = [_mm256_set1_ps(black_box(1.0)); AVX2_CHAINS];
        for _ in 0..rounds {
            for chain in &mut chains {
                *chain = _mm256_fmadd_ps(*chain, factor, term);
            }
        }
        let mut sum = chains[0];
        for chain in &chains[1..] {
            sum = _mm256_add_ps(sum, *chain);
        }
        _mm256_cvtss_f32(sum)
    }
}
