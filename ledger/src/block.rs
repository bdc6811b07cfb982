//! Blocks: a signed header over transactions, a state root and a beacon (L-3.1).

use crate::amount::Height;
use crate::beacon::Beacon;
use crate::certificate::CertificateInvalid;
use crate::codec::{CodecError, encoded_len};
use crate::envelope::{Signable, Signed, Unchecked};
use crate::fault::Fault;
use crate::keys::VrfProof;
use crate::limits::{BLOCK_BYTES_MAX, TRANSACTIONS_MAX};
use crate::transaction::{Transaction, TransactionInvalid};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, SignatureError, message};

/// What a block says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// Network.
    pub network: Digest,
    /// Height, from 1.
    pub height: Height,
    /// Time, milliseconds since 1970; later than the parent's.
    pub time_ms: u64,
    /// Id of the block before; of the first one the network's id.
    pub parent: Digest,
    /// Hash of the transactions' ids.
    pub transactions: Digest,
    /// Root of the state after this block.
    pub state_root: Digest,
    /// Beacon.
    pub beacon: Beacon,
    /// The proof that the beacon is the proposer's.
    pub vrf_proof: VrfProof,
    /// Consensus key of the validator that first proposed this block, and that signs it.
    pub proposer: PeerKey,
}

impl Signable for Header {
    const SIGNATURE_CONTEXT: &'static str = "retrace v1 header";
    const ID_CONTEXT: &'static str = "retrace v1 block id";

    fn signer(&self) -> PeerKey {
        self.proposer
    }
}

/// A block as it travels.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// Header and the proposer's signature.
    pub header: Unchecked<Header>,
    /// Transactions with their signatures, in order.
    pub transactions: Vec<Unchecked<Transaction>>,
}

impl Block {
    /// The block's id: its header's.
    pub fn id(&self) -> Digest {
        self.header.body.id()
    }
}

/// A block whose size, signatures and transaction hash were checked: the only kind that is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedBlock {
    header: Signed<Header>,
    transactions: Vec<Signed<Transaction>>,
}

/// Why a block is invalid, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockInvalid {
    /// The bytes are no block.
    #[error("bytes: {0}")]
    Codec(CodecError),
    /// Over the limit of bytes.
    #[error("{found} bytes, at most {BLOCK_BYTES_MAX} are allowed")]
    TooLong {
        /// Bytes.
        found: usize,
    },
    /// Over the limit of transactions.
    #[error("{found} transactions, at most {TRANSACTIONS_MAX} are allowed")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// The header's signature does not verify.
    #[error("header: {0}")]
    Signature(SignatureError),
    /// A transaction's signature does not verify.
    #[error("transaction {position}: {reason}")]
    TransactionSignature {
        /// Position in the block.
        position: usize,
        /// Why not.
        reason: SignatureError,
    },
    /// The header's hash of transactions is another.
    #[error("the header names other transactions")]
    Transactions,
    /// Another network's.
    #[error("the block is another network's")]
    Network,
    /// Not the next height.
    #[error("height {found} is not the next one, {expected}")]
    Height {
        /// The next.
        expected: Height,
        /// The one found.
        found: Height,
    },
    /// Not on the last block.
    #[error("the block is not on the last one")]
    Parent,
    /// Not later than the parent.
    #[error("the time does not advance")]
    Time,
    /// Nobody who may propose.
    #[error("the block's proposer is no validator of its height")]
    Proposer,
    /// The proof is not the proposer's for this height.
    #[error("the beacon's proof does not verify")]
    Proof,
    /// The beacon is not the proof's.
    #[error("the beacon is not the one that the proof gives")]
    Beacon,
    /// Not shown to be final.
    #[error("certificate: {0}")]
    Certificate(CertificateInvalid),
    /// A transaction is invalid.
    #[error("transaction {position}: {reason}")]
    Transaction {
        /// Position in the block.
        position: usize,
        /// Why.
        reason: TransactionInvalid,
    },
    /// The header names another state.
    #[error("the header names another state root")]
    StateRoot,
}

/// Theirs or ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The block is invalid: the proposer's fault, the same on every node.
    #[error("invalid block: {0}")]
    Invalid(#[from] BlockInvalid),
    /// This node cannot go on.
    #[error("fault: {0}")]
    Fault(#[from] Fault),
}

/// Hash of transactions' ids, in order, with their number.
pub fn transactions_hash(ids: &[Digest]) -> Digest {
    Digest(message("retrace v1 transactions", &ids))
}

impl CheckedBlock {
    /// Checks size, signatures and transaction hash. State is not needed, so this may run beside `apply`.
    pub fn check(block: Block) -> Result<CheckedBlock, BlockInvalid> {
        let found = encoded_len(&block);
        if found > BLOCK_BYTES_MAX {
            return Err(BlockInvalid::TooLong { found });
        }
        let found = block.transactions.len();
        if found > TRANSACTIONS_MAX {
            return Err(BlockInvalid::TooMany { found });
        }
        let header = Signed::check(block.header).map_err(BlockInvalid::Signature)?;
        let mut transactions = Vec::with_capacity(found);
        for (position, wire) in block.transactions.into_iter().enumerate() {
            let signed = Signed::check(wire)
                .map_err(|reason| BlockInvalid::TransactionSignature { position, reason })?;
            transactions.push(signed);
        }
        CheckedBlock::of(header, transactions)
    }

    /// A block of parts that were checked one by one.
    pub(crate) fn of(
        header: Signed<Header>,
        transactions: Vec<Signed<Transaction>>,
    ) -> Result<CheckedBlock, BlockInvalid> {
        let ids: Vec<Digest> = transactions.iter().map(Signed::id).collect();
        if transactions_hash(&ids) != header.body().transactions {
            return Err(BlockInvalid::Transactions);
        }
        Ok(CheckedBlock { header, transactions })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        self.header.body()
    }

    /// The block's id.
    pub fn id(&self) -> Digest {
        self.header.id()
    }

    /// The transactions.
    pub fn transactions(&self) -> &[Signed<Transaction>] {
        &self.transactions
    }

    /// The block as it travels.
    pub fn wire(&self) -> Block {
        Block {
            header: *self.header.wire(),
            transactions: self.transactions.iter().map(|signed| signed.wire().clone()).collect(),
        }
    }
}
