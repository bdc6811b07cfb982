//! The methods, one file each: the words it answers in, how they are made from the ledger's, and its row.

pub mod account;
pub mod accounts;
pub mod block;
pub mod blocks;
pub mod breaker;
pub mod commitment;
pub mod commitments;
pub mod dispute;
pub mod disputes;
pub mod download;
pub mod events;
pub mod evidence;
pub mod fate;
pub mod find;
pub mod health;
pub mod metrics;
pub mod rewards;
pub mod round;
pub mod run;
pub mod runs;
pub mod slashes;
pub mod status;
pub mod stream;
pub mod submit;
pub mod upload;
pub mod verdicts;
