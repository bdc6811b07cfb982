//! Choices from a seed and a number, and from nothing else: the same lie for whoever repeats it (V-4.8).

/// A stream of choices: BLAKE3's output under `retrace v1 lab` of the seed and a number.
pub(crate) struct Draws(blake3::OutputReader);

impl Draws {
    /// The choices of the `number`th item under `seed`; items do not depend on each other.
    pub(crate) fn new(seed: u64, number: u64) -> Draws {
        let mut hasher = blake3::Hasher::new_derive_key("retrace v1 lab");
        hasher.update(&seed.to_le_bytes()).update(&number.to_le_bytes());
        Draws(hasher.finalize_xof())
    }

    /// The next 64 bits.
    pub(crate) fn word(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number below `limit`, or 0 where there is none.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(limit)) >> 64) as u64
    }

    /// One of a list.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len() as u64) as usize)
    }
}
