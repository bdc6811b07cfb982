//! Multiply-adds as fast as a machine can do them, for a measurement to hold the kernels against: nothing is computed.

use crate::kernel::Backend;

/// Accumulators that are in flight at once: more than latency times units of any processor we know.
const CHAINS: usize = 12;

/// Does `rounds` rounds of independent binary32 multiply-adds in registers, and gives their number. None for a backend
/// without vector instructions of its own.
pub fn multiply_adds(backend: Backend, rounds: u64) -> Option<u64> {
    if !Backend::available().contains(&backend) {
        return None;
    }
    #[cfg(target_arch = "x86_64")]
    match backend {
        // SAFETY: this machine has the backend's instructions, as was just looked up.
        Backend::Avx2 => return Some(unsafe { x86::avx2(rounds) }),
        // SAFETY: as above.
        Backend::Avx512 => return Some(unsafe { x86::avx512(rounds) }),
        _ => {}
    }
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::CHAINS;
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_set1_ps};
    use std::hint::black_box;

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(rounds: u64) -> u64 {
        let mut chains = [_mm256_set1_ps(1.0); CHAINS];
        let (factor, summand) = black_box((_mm256_set1_ps(0.999), _mm256_set1_ps(1e-3)));
        for _ in 0..rounds {
            for chain in &mut chains {
                *chain = _mm256_fmadd_ps(*chain, factor, summand);
            }
        }
        black_box(chains);
        rounds * 8 * CHAINS as u64
    }

    #[target_feature(enable = "avx512f")]
    pub fn avx512(rounds: u64) -> u64 {
        let mut chains = [_mm512_set1_ps(1.0); CHAINS];
        let (factor, summand) = black_box((_mm512_set1_ps(0.999), _mm512_set1_ps(1e-3)));
        for _ in 0..rounds {
            for chain in &mut chains {
                *chain = _mm512_fmadd_ps(*chain, factor, summand);
            }
        }
        black_box(chains);
        rounds * 16 * CHAINS as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{CHAINS, multiply_adds};
    use crate::kernel::Backend;

    #[test]
    fn only_vectors_are_counted() {
        assert_eq!(multiply_adds(Backend::Reference, 10), None);
        assert_eq!(multiply_adds(Backend::Portable, 10), None);
        for (backend, lanes) in [(Backend::Avx2, 8), (Backend::Avx512, 16)] {
            let expected = Backend::available().contains(&backend).then_some(10 * lanes * CHAINS as u64);
            assert_eq!(multiply_adds(backend, 10), expected);
        }
    }
}
