//! A network that is left alone: how often blocks come, and how long one transfer takes.

use super::figures::Figures;
use super::payer::Payer;
use super::{BenchError, heard};
use crate::cli::exit::Failure;
use crate::cli::remote::failed;
use crate::rpc::client::Client;
use crate::rpc::methods::stream::StreamedBlock;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Longest wait for a block.
const PATIENCE: Duration = Duration::from_secs(30);

/// A block, and when it was heard of.
pub struct Heard {
    /// By this machine's clock.
    pub at: Instant,
    /// The block.
    pub block: StreamedBlock,
}

fn halted() -> Failure {
    Failure::work(BenchError::Halted { seconds: PATIENCE.as_secs() })
}

/// Times between blocks, by their headers.
pub fn intervals(client: &Client, span: Duration) -> Result<Figures, Failure> {
    let blocks = heard(client)?;
    let end = Instant::now() + span;
    let first = blocks.recv_timeout(PATIENCE).map_err(|_| halted())?;
    let mut times = vec![first.block.time_ms];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        // However short the span, one interval is measured.
        let patience = if times.len() < 2 { PATIENCE } else { left };
        match blocks.recv_timeout(patience) {
            Ok(heard) => times.push(heard.block.time_ms),
            Err(RecvTimeoutError::Timeout) if times.len() >= 2 => break,
            Err(_) => return Err(halted()),
        }
    }
    let between = times.windows(2).map(|pair| Duration::from_millis(pair[1].saturating_sub(pair[0])));
    Figures::of(between.collect()).ok_or_else(halted)
}

/// From the submission of a transfer to word of the block that has it, one after the other.
pub fn finality(client: &Client, payer: &mut Payer, span: Duration) -> Result<Figures, Failure> {
    let blocks = heard(client)?;
    let end = Instant::now() + span;
    let mut took = Vec::new();
    while took.is_empty() || Instant::now() < end {
        let Some(signed) = payer.transfer(took.len() as u64) else { break };
        let since = Instant::now();
        let id = client.submit(&signed).map_err(failed)?.to_string();
        payer.sent();
        took.push(included(&blocks, &id)?.saturating_duration_since(since));
    }
    Figures::of(took).ok_or_else(halted)
}

fn included(blocks: &Receiver<Heard>, id: &String) -> Result<Instant, Failure> {
    loop {
        let heard = blocks.recv_timeout(PATIENCE).map_err(|_| halted())?;
        if heard.block.transactions.contains(id) {
            return Ok(heard.at);
        }
    }
}
