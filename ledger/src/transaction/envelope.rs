//! What every transaction must be, whatever it does: small enough, of this network, next of its signer (L-1.7).

use super::Transaction;
use crate::fault::Fault;
use crate::limits::TRANSACTION_BYTES_MAX;
use crate::stage::{Origin, Stage};

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeInvalid {
    /// Over the limit.
    #[error("{found} bytes, at most {TRANSACTION_BYTES_MAX} are allowed")]
    TooLong {
        /// Bytes.
        found: usize,
    },
    /// Another network's.
    #[error("it is another network's")]
    Network,
    /// No such account.
    #[error("the signer has no account")]
    UnknownSigner,
    /// Not the next nonce.
    #[error("nonce {found} is not the next one, {expected}")]
    Nonce {
        /// The next.
        expected: u64,
        /// The one found.
        found: u64,
    },
}

pub(super) fn check(
    stage: &Stage<'_>,
    transaction: &Transaction,
    from: Origin,
) -> Result<(), EnvelopeInvalid> {
    if from.bytes > TRANSACTION_BYTES_MAX {
        return Err(EnvelopeInvalid::TooLong { found: from.bytes });
    }
    if transaction.network != stage.state.network() {
        return Err(EnvelopeInvalid::Network);
    }
    let account = stage.state.accounts.get(&transaction.signer).ok_or(EnvelopeInvalid::UnknownSigner)?;
    let expected = account.nonce.saturating_add(1);
    if transaction.nonce != expected {
        return Err(EnvelopeInvalid::Nonce { expected, found: transaction.nonce });
    }
    Ok(())
}

pub(super) fn apply(stage: &mut Stage<'_>, transaction: &Transaction) -> Result<(), Fault> {
    stage.state.accounts.change(&transaction.signer, |account| account.nonce = transaction.nonce)
}

#[cfg(test)]
mod tests {
    use super::EnvelopeInvalid;
    use crate::tests::fixture::{NOBODY, SPONSOR, World, key, secret};
    use crate::transaction::{Body, Dispute, Stake, Transaction, TransactionInvalid};
    use crate::{Amount, Signed};
    use retrace_verifier::Unit;
    use retrace_verifier::digest::{Digest, ListPath, TensorPath};
    use retrace_verifier::docket::{Listed, ListedLoss, Opening};

    /// A transaction that is longer than allowed, whatever else it is.
    fn long() -> Body {
        let listed = || Listed { digest: Digest([0; 32]), path: ListPath { siblings: vec![] } };
        let loss = ListedLoss { chunk: vec![0; 17_000], path: TensorPath { siblings: vec![] } };
        let opening = Opening::Step { before: None, after: listed(), batch: listed(), loss };
        Body::Dispute(Box::new(Dispute { claim: Digest([1; 32]), unit: Unit::Delta, opening, salt: None }))
    }

    /// L-1.2, L-1.6, L-1.7: every reason, in the order of the checks; a row is wrong in its own and all later ways.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let (here, there) = (world.chain.network(), Digest([7; 32]));
        let stake = || Body::Stake(Stake { amount: Amount(1) });
        let rows = [
            (there, NOBODY, 9, long(), EnvelopeInvalid::TooLong { found: 17_000 }),
            (there, NOBODY, 9, stake(), EnvelopeInvalid::Network),
            (here, NOBODY, 9, stake(), EnvelopeInvalid::UnknownSigner),
            (here, SPONSOR, 9, stake(), EnvelopeInvalid::Nonce { expected: 1, found: 9 }),
            (here, SPONSOR, 0, stake(), EnvelopeInvalid::Nonce { expected: 1, found: 0 }),
        ];
        for (network, name, nonce, body, expected) in rows {
            let transaction = Transaction { network, signer: key(name), nonce, body };
            let signed = Signed::sign(transaction, &secret(name)).unwrap();
            let found = world.propose(vec![signed]).dropped[0].1;
            let TransactionInvalid::Envelope(found) = found else { panic!("{found}") };
            let same_kind = std::mem::discriminant(&found) == std::mem::discriminant(&expected);
            assert!(
                same_kind && (found == expected || matches!(found, EnvelopeInvalid::TooLong { .. })),
                "{found}"
            );
        }
        let sign = |nonce| world.sign_with(SPONSOR, stake(), nonce);
        let (first, second) = (sign(1), sign(2));
        let repeated = first.clone();
        let proposal = world.propose(vec![first, repeated, second]);
        assert_eq!((proposal.block.transactions().len(), proposal.dropped.len()), (2, 1));
    }
}
