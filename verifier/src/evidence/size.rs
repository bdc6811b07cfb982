//! How large a judging move gets, from shapes alone (V-3.6).

use crate::digest::{list_path_bytes, tensor_path_bytes};
use retrace_model::program::{Leaf, Operand, Row};

/// Lengths of the lists that operands are proved in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lists {
    /// Leaves of the op list.
    pub ops: u64,
    /// Entries of the largest state.
    pub entries: u64,
    /// Bytes of the largest shard.
    pub shard_bytes: u64,
}

/// Dispute id, number, side, tag, operand count, signature.
const FRAME_BYTES: u64 = 32 + 2 + 1 + 1 + 4 + 64;
/// Transaction envelope around the move: network, signer, nonce, tag, signature.
const ENVELOPE_BYTES: u64 = 32 + 32 + 8 + 1 + 64;

/// Most bytes of the judging transaction for any element of this row.
pub fn judging_bytes(row: &Row, lists: &Lists) -> u64 {
    let operands: u64 = row.operands.iter().map(|o| operand_bytes(o, lists)).sum();
    let start = row.start.as_ref().map_or(0, |s| operand_bytes(s, lists));
    FRAME_BYTES + ENVELOPE_BYTES + operands.max(start)
}

fn operand_bytes(operand: &Operand, lists: &Lists) -> u64 {
    let tensor = operand.length.saturating_mul(4);
    let (list, bytes) = match operand.leaf {
        Leaf::Trace(_) => (list_path_bytes(lists.ops), tensor),
        Leaf::Pre(_) | Leaf::Base(_) | Leaf::Post(_) | Leaf::Delta(..) => {
            (list_path_bytes(lists.entries), tensor)
        }
        Leaf::Batch | Leaf::Losses => (4, tensor),
        Leaf::Tokens => (4, lists.shard_bytes),
    };
    // Digest, list path, chunk with its length, chunk path; paths are counted with their lengths.
    32 + list + 4 + bytes.min(1024) + tensor_path_bytes(bytes)
}
