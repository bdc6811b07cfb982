//! Every limit of the ledger, in one table (L-1.2).

use crate::amount::Span;

/// Bytes of a transaction with its signature.
pub const TRANSACTION_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a transaction that carries a judging move.
pub const JUDGING_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a block with its signature.
pub const BLOCK_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a genesis.
pub const GENESIS_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a vote with its signature.
pub const VOTE_BYTES_MAX: usize = 256;
/// Bytes of a certificate.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a clock bundle.
pub const CLOCK_BYTES_MAX: usize = retrace_verifier::evidence::BUNDLE_BYTES_MAX;
/// Bytes of a proof of a key.
pub const PROOF_BYTES_MAX: usize = 64 * 1024;

/// Transactions of a block.
pub const TRANSACTIONS_MAX: usize = 4096;
/// Bytes of dispute transactions after which a block counts as full for them, and credits no time.
pub const DISPUTE_LANE_BYTES: usize = 512 * 1024;
/// Dispute transactions that a block keeps room for: as many of the shortest kind as fill the lane.
pub const DISPUTE_LANE_TRANSACTIONS: usize = DISPUTE_LANE_BYTES.div_ceil(DISPUTE_BYTES_MIN);
/// Bytes of the shortest dispute transaction, a time-out.
pub const DISPUTE_BYTES_MIN: usize = 169;
/// Bytes of a network's name.
pub const NAME_BYTES_MAX: usize = 32;
/// Validators of a height: those with the most stake.
pub const VALIDATORS_MAX: usize = 100;
/// Most heights for which a validator that was passed over is absent.
pub const ABSENCE_MAX: u64 = 1024;
/// Accounts of a genesis.
pub const ACCOUNTS_MAX: usize = 4096;
/// Verdicts of one unit by verifiers that were not drawn for it.
pub const FREE_VERDICTS_MAX: usize = 32;
/// Disputes of one challenger that may be open on one claim.
pub const OPEN_DISPUTES_PER_CHALLENGER: usize = 8;

/// Disputes that one accused plays at once; the others are queued.
pub const STARTED_DISPUTES_MAX: usize = 4;
/// Seals that one account holds at once.
pub const SEALS_MAX: usize = 16;
/// Heights after its own for which a seal can be opened.
pub const SEAL_HEIGHTS: u64 = 256;

/// Smallest and largest number of verdicts that a run may ask for.
pub const VERDICTS_MIN: (u8, u8) = (1, 16);
/// Smallest and largest delay of a draw, in heights.
pub const DRAW_DELAY: (u32, u32) = (1, 4096);
/// Smallest and largest number of heights before new keys are in force.
pub const KEY_DELAY: (u32, u32) = (1, 4096);
/// Smallest and largest number of rounds that an optimistic run may open while an earlier one is not over.
pub const AHEAD: (u8, u8) = (1, 8);
/// Shortest deadline, window or clock.
pub const SPAN_MIN: Span = Span { heights: 1, ms: 1 };
/// Longest deadline, window or clock.
pub const SPAN_MAX: Span = Span { heights: 1 << 24, ms: 1 << 40 };
/// Largest share of a slash that goes to the challenger.
pub const BOUNTY_PPM_MAX: u32 = 100_000;
/// Audits whose cost a bounty may be worth.
pub const BOUNTY_AUDITS: u64 = 20;
/// Bytes of all moves of a dispute, as its bond is priced.
pub const PRICED_DISPUTE_BYTES: u64 = 128 * 1024;
/// Disputes over one claim at once for which stake that judged it stays in reach.
pub const DISPUTES_AT_ONCE: u64 = 4;
/// Smallest and largest number of heights within which convictions count for a breaker.
pub const BREAKER_WINDOW: (u32, u32) = (1, 4096);
/// Bytes of the name of an amnesty.
pub const AMNESTY_NAME_BYTES_MAX: usize = 64;
/// Largest credit of one block that a genesis may set.
pub const BLOCK_CREDIT_MS_MAX: u32 = 2000;
