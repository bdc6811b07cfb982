//! A network at saturation: as many transactions as its nodes take in, and how many of them come into blocks.

use super::payer::Sender;
use crate::rpc::client::{Client, ClientError};
use retrace_ledger::{Amount, Body, Register, Role, Transfer, prove_possession};
use retrace_verifier::signature::PeerKey;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Connections that submit at once, spread over the nodes; each has senders of its own.
const CONNECTIONS: usize = 32;
/// After a refusal that means "not now".
const PAUSE: Duration = Duration::from_millis(20);
/// For what was taken in to come into blocks.
const DRAIN: Duration = Duration::from_secs(10);

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One unit to the next sender.
    Transfer,
    /// The sender's keys, again.
    Register,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Flooded {
    /// Included transactions per second, over the blocks that had any, by their headers.
    pub per_second: f64,
    /// Included transactions.
    pub included: u64,
    /// Blocks that had any.
    pub blocks: u64,
    /// Transactions that the nodes took in.
    pub taken: u64,
    /// True when the network was the limit; false when it took all that was sent, and the figure is a lower bound.
    pub saturated: bool,
    /// Refusals by name.
    pub refused: BTreeMap<String, u64>,
    /// Bytes of one transaction with its signature.
    pub bytes: u64,
}

/// What one connection did.
#[derive(Default)]
struct Sent {
    taken: u64,
    bytes: u64,
    refused: BTreeMap<String, u64>,
}

/// Submits for a while from all senders, and counts what comes into blocks.
pub fn flood(
    clients: &[Client],
    senders: &mut [Sender],
    kind: Kind,
    span: Duration,
) -> Result<Flooded, ClientError> {
    let client = &clients[0];
    senders.iter_mut().for_each(|sender| sender.resume(client));
    let from = client.status()?.height;
    let end = Instant::now() + span;
    let accounts: Vec<PeerKey> = senders.iter().map(Sender::account).collect();
    let share = senders.len().div_ceil(CONNECTIONS).max(1);
    let sent: Vec<Sent> = std::thread::scope(|scope| {
        let (accounts, shares) = (&accounts, senders.chunks_mut(share).zip(clients.iter().cycle()));
        let submit = |(share, client)| scope.spawn(move || submit(client, share, accounts, kind, end));
        let threads: Vec<_> = shares.map(submit).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let drained = Instant::now() + DRAIN;
    while client.status()?.has_pending && Instant::now() < drained {
        std::thread::sleep(PAUSE);
    }
    count(client, from, sent, &accounts)
}

/// One connection: its senders in turn, each with its next nonce.
fn submit(client: &Client, senders: &mut [Sender], accounts: &[PeerKey], kind: Kind, end: Instant) -> Sent {
    let mut sent = Sent::default();
    while Instant::now() < end {
        let mut any = false;
        for sender in senders.iter_mut() {
            let Some(signed) = body(sender, accounts, kind).and_then(|body| sender.sign(body)) else {
                continue;
            };
            match client.submit(&signed) {
                Ok(_) => {
                    sender.sent();
                    (sent.taken, sent.bytes, any) = (sent.taken + 1, signed.bytes() as u64, true);
                }
                Err(ClientError::Refused { name, .. }) => *sent.refused.entry(name).or_default() += 1,
                Err(error) => *sent.refused.entry(error.to_string()).or_default() += 1,
            }
        }
        if !any {
            std::thread::sleep(PAUSE);
        }
    }
    sent
}

fn body(sender: &Sender, accounts: &[PeerKey], kind: Kind) -> Option<Body> {
    let own = sender.account();
    match kind {
        Kind::Transfer => {
            let at = accounts.iter().position(|account| *account == own)?;
            let to = accounts[(at + 1) % accounts.len()];
            Some(Body::Transfer(Transfer { to, amount: Amount(1) }))
        }
        Kind::Register => {
            let possession = prove_possession(&sender.keys.consensus, sender.network(), &own);
            let (keys, possession) = (Some(sender.keys.registered()), Some(possession));
            Some(Body::Register(Box::new(Register { role: Role::Auditor, keys, possession })))
        }
    }
}

/// Counts the senders' transactions in the blocks since, and the time between the first and the last of these.
fn count(client: &Client, from: u64, sent: Vec<Sent>, accounts: &[PeerKey]) -> Result<Flooded, ClientError> {
    let accounts: Vec<String> = accounts.iter().map(PeerKey::to_string).collect();
    let head = client.status()?.height;
    let (mut included, mut blocks, mut began, mut ended, mut before) = (0u64, 0u64, None, 0, 0);
    for height in from..=head {
        if height == 0 {
            continue;
        }
        let block = client.block(height)?;
        let ours = block.transactions.iter().filter(|one| accounts.contains(&one.signer)).count() as u64;
        if ours > 0 && height > from {
            began = began.or(Some(before));
            (included, blocks, ended) = (included + ours, blocks + 1, block.head.time_ms);
        }
        before = block.head.time_ms;
    }
    let seconds = ended.saturating_sub(began.unwrap_or(ended)) as f64 / 1e3;
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    for (name, times) in sent.iter().flat_map(|one| &one.refused) {
        *refused.entry(name.clone()).or_default() += times;
    }
    let is_limit = |name: &&str| refused.contains_key(*name);
    let saturated = ["full", "nonce_too_far", "busy"].iter().any(is_limit);
    Ok(Flooded {
        per_second: if seconds > 0.0 { included as f64 / seconds } else { 0.0 },
        included,
        blocks,
        taken: sent.iter().map(|one| one.taken).sum(),
        saturated,
        refused,
        bytes: sent.iter().map(|one| one.bytes).max().unwrap_or(0),
    })
}
