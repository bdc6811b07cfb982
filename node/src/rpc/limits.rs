//! Every limit of the door in one place: nobody outside decides how much of this node they take (W-3.2).

use std::time::Duration;

/// Open connections; one more is told so and closed.
pub const CONNECTIONS_MAX: usize = 128;
/// Requests at work at once; streams and blobs have their own numbers.
pub const IN_FLIGHT_MAX: usize = 64;
/// Threads that look things up.
pub const LOOKING_MAX: usize = 8;
/// Clients that follow the events.
pub const STREAMS_MAX: usize = 32;
/// Blobs that are read at once.
pub const DOWNLOADS_MAX: usize = 8;
/// Blobs that are written at once.
pub const UPLOADS_MAX: usize = 2;

/// Bytes of a request before its body.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a body, blobs aside: a transaction in hexadecimal digits with room to spare.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an uploaded blob.
pub const UPLOAD_BYTES_MAX: u64 = 1 << 30;
/// Bytes of an answer in JSON.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Bytes of all answers that are not sent yet: what slow readers can cost this node.
pub const ANSWERS_BYTES: usize = 32 << 20;
/// Bytes of a block's events on a stream; a block with more says so and is asked for in pages.
pub const STREAMED_BYTES_MAX: usize = 256 * 1024;
/// Bytes of events after which a page ends.
pub const EVENTS_BYTES: usize = 1 << 20;
/// Bytes of a blob that are in memory at once.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Items of a page when nobody says how many.
pub const PAGE_DEFAULT: usize = 50;
/// Most items of a page.
pub const PAGE_MAX: usize = 200;
/// Rows that one request looks at before it gives up and says where to go on.
pub const SCAN_MAX: usize = 4096;

/// Rewards, slashes and other changes that are kept for asking; the oldest go first.
pub const HISTORY_MAX: usize = 65_536;
/// Heights of moves that are kept for evidence; those of the oldest disputes go first.
pub const MOVES_KEPT_MAX: usize = 65_536;
/// Contradictions that are kept for evidence; the oldest go first.
pub const CONTRADICTIONS_KEPT_MAX: usize = 65_536;
/// Delegations that are kept for evidence; the oldest go first.
pub const DELEGATIONS_KEPT_MAX: usize = 65_536;
/// Delegations of one account that are tried on the moves of a dispute.
pub const DELEGATIONS_TRIED_MAX: usize = 16;

/// Transactions whose heights are kept; the oldest go first.
pub const TRANSACTIONS_KEPT_MAX: usize = 65_536;

/// To send what comes before a body, from its first byte.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// Without a byte in either direction.
pub const IDLE_PATIENCE: Duration = Duration::from_secs(30);
/// For one answer in JSON.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(15);
/// Between two chunks of an uploaded blob.
pub const UPLOAD_PATIENCE: Duration = Duration::from_secs(15);
/// Between two signs of life on a stream of events.
pub const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// For requests at work when the node stops.
pub const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A last block that is older than this means that the node is behind, or that the network has halted.
pub const TIP_AGE_MS_MAX: u64 = 10_000;
