//! For how long dispute transactions could have been in a block, as this process remembers it (W-1.9).

use retrace_ledger::{Height, Signed, Transaction};
use retrace_verifier::digest::Digest;
use std::collections::BTreeMap;

/// Heights for which others may leave out a dispute transaction that is valid here.
pub const PATIENCE: u64 = 8;

/// Since which height each pending dispute transaction has been valid without a break.
#[derive(Debug, Default)]
pub struct Held {
    since: BTreeMap<Digest, Height>,
}

impl Held {
    /// Looks after the block at `height`: of all that are pending, these could stand in the next one.
    pub fn look<'a>(&mut self, height: Height, valid: impl Iterator<Item = &'a Signed<Transaction>>) {
        let lane = valid.filter(|signed| signed.body().body.is_dispute_lane());
        let since = |id| (id, self.since.get(&id).copied().unwrap_or(height));
        self.since = lane.map(|signed| since(signed.id())).collect();
    }

    /// Those that more than [`PATIENCE`] heights before `next` could have held.
    pub fn overdue(&self, next: Height) -> impl Iterator<Item = &Digest> {
        self.since.iter().filter(move |(_, since)| since.after(PATIENCE) < next).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::Held;
    use ed25519_dalek::SigningKey;
    use retrace_ledger::{Amount, Body, Height, Signed, Stake, Timeout, Transaction};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::peer_key;

    fn signed(nonce: u64, body: Body) -> Signed<Transaction> {
        let key = SigningKey::from_bytes(&[7; 32]);
        let transaction = Transaction { network: Digest([1; 32]), signer: peer_key(&key), nonce, body };
        Signed::sign(transaction, &key).unwrap()
    }

    /// W-1.9: eight heights without it are borne, a break begins the count anew, and only disputes are counted.
    #[test]
    fn patience_ends_after_eight_heights() {
        let dispute = signed(1, Body::Timeout(Timeout { dispute: Digest([2; 32]) }));
        let stake = signed(2, Body::Stake(Stake { amount: Amount(1) }));
        let all = [dispute.clone(), stake];
        let mut held = Held::default();
        let overdue = |held: &Held, next| held.overdue(Height(next)).copied().collect::<Vec<_>>();
        for height in 20..40 {
            held.look(Height(height), all.iter());
            let expected: &[Digest] = if height >= 28 { &[dispute.id()] } else { &[] };
            assert_eq!(overdue(&held, height + 1), expected, "height {height}");
        }
        held.look(Height(40), [].into_iter());
        assert!(overdue(&held, 1_000).is_empty(), "it was invalid, or waited for a nonce");
        held.look(Height(41), all.iter());
        assert_eq!((overdue(&held, 49).len(), overdue(&held, 50).len()), (0, 1));
    }
}
