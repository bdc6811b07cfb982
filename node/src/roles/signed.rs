//! What a trainer has signed for a slot, on disk before anybody hears of it: never two commitments for one (W-5.2).

use super::RoleError;
use crate::home::{HomeError, disk, read_bounded, write_whole};
use retrace_verifier::commitment::SignedCommitment;
use retrace_verifier::digest::Digest;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Longest signed commitment in canonical bytes (V-3.3).
const BYTES_MAX: u64 = 1024;

/// The sign state of a trainer: one file for each slot that it has signed for.
#[derive(Clone, Debug)]
pub struct SignedSlots {
    folder: PathBuf,
}

impl SignedSlots {
    /// The sign state in a folder, which is made.
    pub fn open(folder: PathBuf) -> Result<SignedSlots, HomeError> {
        std::fs::create_dir_all(&folder).map_err(disk(&folder))?;
        Ok(SignedSlots { folder })
    }

    fn path(&self, (run, round, slot): (Digest, u32, u16)) -> PathBuf {
        self.folder.join(format!("{run}.{round}.{slot}"))
    }

    /// What was signed for a slot, if anything.
    pub fn get(&self, at: (Digest, u32, u16)) -> Result<Option<SignedCommitment>, RoleError> {
        let path = self.path(at);
        let bytes = match read_bounded(&path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(HomeError::Disk { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RoleError::Home(error)),
        };
        let signed: Option<SignedCommitment> = borsh::from_slice(&bytes).ok();
        let is_of = |signed: &SignedCommitment| {
            let c = &signed.commitment;
            (c.run, c.round, c.slot) == at && signed.check().is_ok()
        };
        // A damaged sign state must stop this trainer: signing again might be signing something else.
        let damaged = HomeError::Damaged { path, what: "it is no signed commitment of its slot".into() };
        signed.filter(is_of).map(Some).ok_or(RoleError::Home(damaged))
    }

    /// Writes down what is signed for a slot; it is on disk when this returns. Refused if something else was signed.
    pub fn put(&self, at: (Digest, u32, u16), signed: &SignedCommitment) -> Result<(), RoleError> {
        if self.get(at)?.is_some_and(|earlier| earlier != *signed) {
            return Err(RoleError::SignedTwice { round: at.1, slot: at.2 });
        }
        let bytes = borsh::to_vec(signed).unwrap_or_default();
        write_whole(&self.path(at), &bytes).map_err(RoleError::Home)
    }
}

#[cfg(test)]
mod tests {
    use super::SignedSlots;
    use crate::roles::RoleError;
    use ed25519_dalek::SigningKey;
    use retrace_verifier::commitment::{Commitment, SignedCommitment};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::peer_key;

    fn signed(seed: u8) -> SignedCommitment {
        let key = SigningKey::from_bytes(&[7; 32]);
        let root = |n: u8| Digest([seed ^ n; 32]);
        let commitment = Commitment {
            network: Digest([1; 32]),
            run: Digest([2; 32]),
            round: 3,
            slot: 1,
            data_root: root(1),
            delta_root: root(2),
            delta_bytes: 4,
            checkpoint_root: root(3),
            loss_root: root(4),
            mean_loss: 0,
            lists: root(5),
            trainer: peer_key(&key),
        };
        SignedCommitment::new(commitment, &key)
    }

    /// W-5.2: what was signed is read back, a second thing is refused, and damage is not a reason to sign again.
    #[test]
    fn a_slot_is_signed_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let slots = SignedSlots::open(folder.path().join("signed")).expect("a sign state");
        let at = (Digest([2; 32]), 3, 1);
        assert!(slots.get(at).expect("nothing yet").is_none());
        slots.put(at, &signed(9)).expect("the first");
        slots.put(at, &signed(9)).expect("the same again");
        assert_eq!(slots.get(at).expect("readable"), Some(signed(9)));
        assert!(matches!(slots.put(at, &signed(8)), Err(RoleError::SignedTwice { round: 3, slot: 1 })));
        let path = slots.path(at);
        let mut bytes = std::fs::read(&path).expect("its file");
        bytes[40] ^= 1;
        std::fs::write(&path, bytes).expect("spoiled");
        assert!(matches!(slots.get(at), Err(RoleError::Home(_))));
    }
}
