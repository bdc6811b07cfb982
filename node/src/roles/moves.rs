//! What a party has signed in its disputes, on disk before anybody hears of it: one move for one number (W-5.4).

use super::RoleError;
use crate::home::{HomeError, disk, read_bounded, write_whole};
use retrace_verifier::digest::Digest;
use retrace_verifier::{Side, SignedMove};
use std::io::ErrorKind;
use std::path::PathBuf;

/// Longest signed move in canonical bytes: 256 children, or the operands of a judging transaction.
const BYTES_MAX: u64 = 1 << 16;

/// The sign state of a party: a folder for each of its disputes, a file for each move.
#[derive(Clone, Debug)]
pub(super) struct SignedMoves {
    folder: PathBuf,
}

impl SignedMoves {
    /// The sign state in a folder, which is made when there is something to keep.
    pub(super) fn new(folder: PathBuf) -> SignedMoves {
        SignedMoves { folder }
    }

    fn path(&self, dispute: &Digest, number: u16) -> PathBuf {
        self.folder.join(dispute.to_string()).join(number.to_string())
    }

    /// What was signed as this move, if anything.
    pub(super) fn get(
        &self,
        dispute: &Digest,
        number: u16,
        side: Side,
    ) -> Result<Option<SignedMove>, RoleError> {
        let path = self.path(dispute, number);
        let bytes = match read_bounded(&path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(HomeError::Disk { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RoleError::Home(error)),
        };
        let signed: Option<SignedMove> = borsh::from_slice(&bytes).ok();
        let is_of = |s: &SignedMove| (s.dispute, s.number, s.side) == (*dispute, number, side);
        // Signing again might be signing something else.
        let damaged = HomeError::Damaged { path, what: "it is no signed move of its dispute".into() };
        signed.filter(is_of).map(Some).ok_or(RoleError::Home(damaged))
    }

    /// Writes down a signed move; it is on disk when this returns. Refused if something else was signed.
    pub(super) fn put(&self, signed: &SignedMove) -> Result<(), RoleError> {
        let (dispute, number) = (signed.dispute, signed.number);
        if self.get(&dispute, number, signed.side)?.is_some_and(|earlier| earlier != *signed) {
            return Err(RoleError::MovedTwice { dispute, number });
        }
        let path = self.path(&dispute, number);
        let folder = self.folder.join(dispute.to_string());
        std::fs::create_dir_all(&folder).map_err(disk(&folder)).map_err(RoleError::Home)?;
        write_whole(&path, &borsh::to_vec(signed).unwrap_or_default()).map_err(RoleError::Home)
    }

    /// The disputes of which something is kept; what cannot be read is none.
    pub(super) fn disputes(&self) -> Vec<Digest> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.parse().ok()).collect()
    }

    /// Forgets a dispute that is over: no move of it counts any more. What cannot be removed does no harm.
    pub(super) fn forget(&self, dispute: &Digest) {
        drop(std::fs::remove_dir_all(self.folder.join(dispute.to_string())));
    }
}

#[cfg(test)]
mod tests {
    use super::SignedMoves;
    use crate::roles::RoleError;
    use ed25519_dalek::SigningKey;
    use retrace_verifier::digest::Digest;
    use retrace_verifier::{Move, Side, SignedMove};

    const DISPUTE: Digest = Digest([7; 32]);

    fn choice(at: u32) -> SignedMove {
        let key = SigningKey::from_bytes(&[4; 32]);
        SignedMove::new(&key, DISPUTE, 3, Side::Challenger, Move::Choose(at))
    }

    /// W-5.4: what was signed is read back, a second thing is refused, damage is no reason to sign again, and a dispute
    /// that is over is forgotten.
    #[test]
    fn a_move_is_signed_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let moves = SignedMoves::new(folder.path().join("moves"));
        let get = || moves.get(&DISPUTE, 3, Side::Challenger);
        assert!(get().expect("nothing yet").is_none());
        moves.put(&choice(5)).expect("the first");
        moves.put(&choice(5)).expect("the same again");
        assert_eq!(get().expect("readable"), Some(choice(5)));
        let second = moves.put(&choice(6));
        assert!(matches!(second, Err(RoleError::MovedTwice { dispute: DISPUTE, number: 3 })));
        assert!(matches!(moves.get(&DISPUTE, 3, Side::Accused), Err(RoleError::Home(_))), "another side's");
        std::fs::write(moves.path(&DISPUTE, 3), b"spoiled").expect("spoiled");
        assert!(matches!(get(), Err(RoleError::Home(_))));
        assert_eq!(moves.disputes(), [DISPUTE]);
        moves.forget(&DISPUTE);
        assert!(moves.disputes().is_empty());
        assert!(get().expect("nothing any more").is_none());
    }
}
