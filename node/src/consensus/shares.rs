//! What each sender may have judged for one height (W-1.4).

use super::context::{Address, Init, PartRefused};
use std::collections::BTreeMap;

/// Blocks of one sender that are judged for a height: each costs time and perhaps room on the disk.
const JUDGED_BLOCKS_MAX: u32 = 64;
/// Their bytes.
const JUDGED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What each sender has had judged for a height: one that sends without end uses up its own share only.
#[derive(Default)]
pub struct Shares(BTreeMap<Address, (u32, u64)>);

impl Shares {
    /// Counts one more block; refused when the sender has used up its share.
    pub fn take(&mut self, init: &Init) -> Result<(), PartRefused> {
        let (blocks, bytes) = self.0.entry(init.sender).or_default();
        *blocks += 1;
        *bytes += u64::from(init.value.bytes);
        let is_within = *blocks <= JUDGED_BLOCKS_MAX && *bytes <= JUDGED_BYTES_MAX;
        if is_within { Ok(()) } else { Err(PartRefused::Full) }
    }

    /// Begins another height.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::{BlockId, Height, Value};
    use super::*;
    use ed25519_dalek::SigningKey;
    use retrace_verifier::digest::Digest;

    /// W-1.4: 64 blocks and 16 MiB of one sender are judged for a height; others have shares of their own.
    #[test]
    fn a_sender_uses_up_its_own_share() {
        let init = |key: u8, bytes: usize| {
            let value = Value { block: BlockId(Digest([1; 32])), bytes: bytes as u32 };
            Init::sign(
                &Digest([2; 32]),
                &SigningKey::from_bytes(&[key; 32]),
                (Height(1), 0, None),
                value,
                &[],
            )
        };
        let mut shares = Shares::default();
        let small = init(1, 10);
        assert_eq!((0..100).filter(|_| shares.take(&small).is_ok()).count(), 64);
        let large = init(2, 1024 * 1024);
        assert_eq!((0..100).filter(|_| shares.take(&large).is_ok()).count(), 16);
        shares.clear();
        assert!(shares.take(&small).is_ok());
    }
}
