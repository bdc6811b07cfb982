//! Every limit of the public swarm, in one table (W-2.2).

use std::time::Duration;

/// Bytes of a chunk group, the unit in which blobs are asked for and verified: 16 chunks of 1 KiB.
pub(super) const GROUP_BYTES: u64 = 16 * 1024;
/// Base-two logarithm of the chunks of a group.
pub(super) const GROUP_CHUNKS_LOG: u8 = 4;
/// Groups of one slice.
pub(super) const SLICE_GROUPS_MAX: u32 = 8;
/// Slices of one answer.
pub(super) const SLICES_MAX: usize = 64;
/// Bytes of a blob in one answer, hashes not counted.
pub(super) const SLICES_BYTES_MAX: u64 = GROUP_BYTES * SLICE_GROUPS_MAX as u64;

/// Bytes of a small question: a tip, pushed transactions, a wish for peers.
pub(super) const TALK_QUESTION_MAX: u32 = 64 * 1024;
/// Bytes of its answer.
pub(super) const TALK_ANSWER_MAX: u32 = 32 * 1024;
/// Bytes of a question for blocks.
pub(super) const BLOCKS_QUESTION_MAX: u32 = 64;
/// Bytes of an answer with blocks.
pub(super) const BLOCKS_ANSWER_MAX: u32 = 4 * 1024 * 1024;
/// Bytes of a question for a blob.
pub(super) const BLOBS_QUESTION_MAX: u32 = 2048;
/// Bytes of an answer about a blob: the digests of 12,300 tensors, or slices.
pub(super) const BLOBS_ANSWER_MAX: u32 = 512 * 1024;

/// Questions that are answered at the same time, of one peer and of all, by channel: talk, blocks, blobs. An answer
/// counts until it was read, since until then it is in memory.
pub(super) const SERVING_PER_PEER: [usize; 3] = [8, 2, 32];
/// Of all peers together.
pub(super) const SERVING_IN_ALL: [usize; 3] = [128, 16, 128];

/// Blocks of one answer.
pub(super) const BLOCKS_MAX: u32 = 512;
/// Peers of one answer.
pub(super) const RECORDS_MAX: usize = 32;
/// Addresses of one peer.
pub(super) const ADDRESSES_MAX: usize = 4;
/// Bytes of one address.
pub(super) const ADDRESS_BYTES_MAX: usize = 128;
/// Peers that are remembered without a connection.
pub(super) const REMEMBERED_MAX: usize = 1024;
/// Tensors of one blob: three for each parameter of the deepest model (M-6.1).
pub(super) const TENSORS_MAX: usize = 12_300;
/// Bytes of a file that is served.
pub(super) const SERVED_BYTES_MAX: u64 = 1 << 33;

/// How long an answer may take before another peer is asked.
pub(super) const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may take to become an encrypted one.
pub(super) const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(6);
/// How long a peer may take to say what network it is of.
pub(super) const IDENTITY_PATIENCE: Duration = Duration::from_secs(10);
/// How long a local transaction may wait for a block before it is pushed again.
pub(super) const PUSH_AFTER: Duration = Duration::from_secs(2);

/// What a node sets by its configuration; the defaults are for one machine of a small network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that others opened.
    pub connections_in: u32,
    /// Connections that this node opened.
    pub connections_out: u32,
    /// Connections of others in the handshake.
    pub pending_in: u32,
    /// Own connections in the handshake.
    pub pending_out: u32,
    /// Connections with one peer.
    pub per_peer: u32,
    /// Connections from one IPv4 address or one IPv6 /64, in the handshake or open.
    pub per_address: u32,
    /// Resident bytes of the process above which no further connection is opened.
    pub memory_bytes: usize,
    /// Peers that this node looks for.
    pub peers_wanted: usize,
    /// Questions of one peer in a second, with as many at once.
    pub questions_per_second: u64,
    /// Bytes served to one peer in a second, with as many at once.
    pub served_bytes_per_second: u64,
    /// Gossiped transactions of one peer in a second, with as many at once.
    pub gossip_per_second: u64,
    /// Blobs fetched at the same time.
    pub fetches: usize,
    /// How long a connection without work stays open.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_in: 128,
            connections_out: 64,
            pending_in: 64,
            pending_out: 32,
            per_peer: 3,
            per_address: 64,
            memory_bytes: 3 << 30,
            peers_wanted: 24,
            questions_per_second: 1000,
            served_bytes_per_second: 256 << 20,
            gossip_per_second: 4096,
            fetches: 16,
            idle: Duration::from_secs(120),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Blob, BlobAnswer, Blocks, BlocksAnswer, Record, Stretch, Talk, TalkAnswer};
    use super::*;
    use retrace_ledger::limits::{BLOCK_BYTES_MAX, TRANSACTION_BYTES_MAX};
    use retrace_ledger::{Height, encoded_len};
    use retrace_verifier::digest::Digest;

    /// W-2.2: the longest of each kind of message fits the frame of its kind, so that no honest one is refused.
    #[test]
    fn the_longest_messages_fit_their_frames() {
        let name = Digest([1; 32]);
        let stretches = vec![Stretch { part: 1, group: 2, groups: 3 }; SLICES_MAX];
        let record = Record { peer: vec![0; 64], addresses: vec![vec![0; ADDRESS_BYTES_MAX]; ADDRESSES_MAX] };
        // A small address is what a peer has; the longest ones of all peers would be told in two answers.
        let usual = Record { addresses: vec![vec![0; 40]; ADDRESSES_MAX], ..record };
        let rows = [
            (encoded_len(&Talk::Transactions(vec![vec![0; TRANSACTION_BYTES_MAX]; 3])), TALK_QUESTION_MAX),
            (encoded_len(&TalkAnswer::Peers(vec![usual; RECORDS_MAX])), TALK_ANSWER_MAX),
            (encoded_len(&Blocks { from: Height(u64::MAX), count: u32::MAX }), BLOCKS_QUESTION_MAX),
            (encoded_len(&BlocksAnswer::Blocks(vec![])) + 2 * BLOCK_BYTES_MAX, BLOCKS_ANSWER_MAX),
            (encoded_len(&Blob::Slices { name, stretches }), BLOBS_QUESTION_MAX),
            (encoded_len(&BlobAnswer::Tensors { digests: vec![name; TENSORS_MAX] }), BLOBS_ANSWER_MAX),
            (
                encoded_len(&BlobAnswer::Slices { encoded: vec![vec![0; 2048 + 1300]; SLICES_MAX] }),
                BLOBS_ANSWER_MAX,
            ),
        ];
        for (i, (length, limit)) in rows.into_iter().enumerate() {
            assert!(length <= limit as usize, "row {i}: {length} of {limit}");
        }
        assert_eq!(SLICES_BYTES_MAX, 131_072);
    }
}
