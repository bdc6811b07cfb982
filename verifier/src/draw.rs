//! The uniform draw of steps to replay, from a beacon that nobody knew when they committed (V-5.1).

use crate::digest::Digest;

/// Parts per million.
pub const PPM: u32 = 1_000_000;

/// The drawn steps of a commitment, ascending: each with probability `rate_ppm` / 10^6, independently.
pub fn draw_steps(beacon: &[u8; 32], commitment: &Digest, steps: u32, rate_ppm: u32) -> Vec<u32> {
    (0..steps).filter(|step| is_drawn(beacon, commitment, *step, rate_ppm)).collect()
}

fn is_drawn(beacon: &[u8; 32], commitment: &Digest, step: u32, rate_ppm: u32) -> bool {
    let mut hasher = blake3::Hasher::new_derive_key("retrace v1 draw");
    hasher.update(beacon).update(commitment.as_bytes()).update(&step.to_le_bytes());
    let mut draw = [0; 8];
    hasher.finalize_xof().fill(&mut draw);
    // draw / 2^64 < rate / 10^6, in integers.
    let scaled = u128::from(u64::from_le_bytes(draw)) * u128::from(PPM);
    scaled < u128::from(rate_ppm.min(PPM)) << 64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V-5.1: nothing at rate 0, everything at 10^6, about the rate between.
    #[test]
    fn rates() {
        let (beacon, id) = ([3; 32], Digest([5; 32]));
        assert!(draw_steps(&beacon, &id, 10_000, 0).is_empty());
        assert_eq!(draw_steps(&beacon, &id, 10_000, PPM).len(), 10_000);
        let drawn = draw_steps(&beacon, &id, 10_000, 35_000).len();
        assert!((270..430).contains(&drawn), "{drawn} of 10000 at 3.5 %");
        assert_ne!(draw_steps(&beacon, &id, 100, 500_000), draw_steps(&[4; 32], &id, 100, 500_000));
    }
}
