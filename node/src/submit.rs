//! A transaction from this process to a node and into a block: signed here, sent over RPC, waited for.

use crate::rpc::client::{Client, ClientError};
use ed25519_dalek::SigningKey;
use retrace_ledger::{Body, Signed, Transaction};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::peer_key;
use std::time::{Duration, Instant};

/// How often a node is asked what became of a transaction.
const PAUSE: Duration = Duration::from_millis(100);
/// Nonces that are tried where other transactions of the signer wait.
const NONCES_TRIED: u64 = 64;

/// A transaction that was not sent, not taken or not included.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SubmitError {
    /// The node.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Client(#[from] ClientError),
    /// It was taken and then found to be invalid.
    #[error("the ledger refuses transaction {id}: {reason}")]
    #[diagnostic(help("nothing was changed; look at the account with `retrace stake show`"))]
    Dropped {
        /// The transaction.
        id: Digest,
        /// Why.
        reason: String,
    },
    /// It waits.
    #[error("transaction {id} is in no block after {seconds} s")]
    #[diagnostic(help("it may still be included: ask for its id at /v1/transactions of any node"))]
    NotIncluded {
        /// The transaction.
        id: Digest,
        /// How long was waited.
        seconds: u64,
    },
    /// The account has too many waiting.
    #[error("{tried} transactions of this account wait already")]
    #[diagnostic(help("wait for the next blocks, then try again"))]
    TooManyPending {
        /// How many nonces were tried.
        tried: u64,
    },
}

/// Signs a transaction with the account's next free nonce and sends it; gives its id once the node has it on disk.
pub fn submit(
    client: &Client,
    network: Digest,
    key: &SigningKey,
    body: &Body,
) -> Result<Digest, SubmitError> {
    client.status_of(&network.to_string())?;
    let signer = peer_key(key);
    let next = match client.account(&signer) {
        // The node says by name that it knows no such signer, which is more than that it has no such account.
        Err(ClientError::Unknown { .. }) => 1,
        other => other?.nonce + 1,
    };
    for nonce in next..next + NONCES_TRIED {
        let transaction = Transaction { network, signer, nonce, body: body.clone() };
        // The key is the signer's, so it does sign.
        let Some(signed) = Signed::sign(transaction, key) else { break };
        match client.submit(&signed) {
            Err(ClientError::Refused { name, .. }) if name == "nonce_taken" => {}
            // Sent before, by a process that did not live to hear of it: it is the same transaction.
            Err(ClientError::Refused { name, .. }) if name == "known" => return Ok(signed.id()),
            other => return Ok(other?),
        }
    }
    Err(SubmitError::TooManyPending { tried: NONCES_TRIED })
}

/// Waits until a transaction is in a block, and gives its height. Any of the nodes may know.
pub fn wait_for(clients: &[Client], id: &Digest, patience: Duration) -> Result<u64, SubmitError> {
    let since = Instant::now();
    loop {
        for client in clients {
            // A node that does not answer now may do so next time, and another one may know.
            let Ok(fate) = client.fate(id) else { continue };
            match (fate.height, fate.reason) {
                (Some(height), _) => return Ok(height),
                (None, Some(reason)) => return Err(SubmitError::Dropped { id: *id, reason }),
                (None, None) => {}
            }
        }
        if since.elapsed() > patience {
            return Err(SubmitError::NotIncluded { id: *id, seconds: patience.as_secs() });
        }
        std::thread::sleep(PAUSE);
    }
}
