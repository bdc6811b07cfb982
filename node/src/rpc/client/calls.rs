//! The calls that commands make, by name.

use super::{Client, ClientError};
use crate::rpc::methods::account::Account;
use crate::rpc::methods::accounts::Accounts;
use crate::rpc::methods::amnesties::RunBreaker;
use crate::rpc::methods::block::FullBlock;
use crate::rpc::methods::blocks::Blocks;
use crate::rpc::methods::commitment::Commitment;
use crate::rpc::methods::dispute::Dispute;
use crate::rpc::methods::disputes::Disputes;
use crate::rpc::methods::events::Events;
use crate::rpc::methods::fate::TransactionFate;
use crate::rpc::methods::find::Found;
use crate::rpc::methods::rewards::{ChangeWords, Rewards};
use crate::rpc::methods::round::Round;
use crate::rpc::methods::run::Run;
use crate::rpc::methods::runs::Runs;
use crate::rpc::methods::status::Status;
use crate::rpc::methods::submit::Receipt;
use crate::rpc::methods::upload::Kept;
use crate::rpc::methods::verdicts::Verdicts;
use retrace_ledger::{Signed, Transaction, encode};
use retrace_verifier::digest::Digest;
use retrace_verifier::evidence::BUNDLE_BYTES_MAX;
use retrace_verifier::signature::PeerKey;
use std::fs::File;
use std::time::{Duration, Instant};
use ureq::http::header::EXPECT;

/// Between two looks at a transaction that is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

impl Client {
    /// Where the node and its network stand.
    pub fn status(&self) -> Result<Status, ClientError> {
        self.get("/v1/status")
    }

    /// The node's status, if it is of this network.
    pub fn status_of(&self, network: &str) -> Result<Status, ClientError> {
        let status = self.status()?;
        if status.network == network {
            return Ok(status);
        }
        let (url, expected) = (self.url().to_string(), network.to_string());
        Err(ClientError::OtherNetwork { url, expected, found: status.network })
    }

    /// True when the node has the network's last blocks.
    pub fn is_ready(&self) -> bool {
        self.get::<serde_json::Value>("/ready").is_ok()
    }

    /// Heads of blocks from a height on; the newest without one.
    pub fn blocks(&self, from: Option<u64>) -> Result<Blocks, ClientError> {
        let query = from.map_or(String::new(), |from| format!("?from={from}"));
        self.get(&format!("/v1/blocks{query}"))
    }

    /// A block.
    pub fn block(&self, height: u64) -> Result<FullBlock, ClientError> {
        self.get(&format!("/v1/blocks/{height}"))
    }

    /// An account.
    pub fn account(&self, key: &PeerKey) -> Result<Account, ClientError> {
        self.get(&format!("/v1/accounts/{key}"))
    }

    /// A page of accounts.
    pub fn accounts(&self, after: Option<&str>) -> Result<Accounts, ClientError> {
        self.get(&page("/v1/accounts", after))
    }

    /// A page of runs.
    pub fn runs(&self, after: Option<&str>) -> Result<Runs, ClientError> {
        self.get(&page("/v1/runs", after))
    }

    /// A run.
    pub fn run(&self, id: &str) -> Result<Run, ClientError> {
        self.get(&format!("/v1/runs/{id}"))
    }

    /// A run's circuit breaker, with a page of what it deferred.
    pub fn breaker(&self, run: &str, after: Option<u64>) -> Result<RunBreaker, ClientError> {
        self.get(&page(&format!("/v1/runs/{run}/breaker"), after.map(|n| n.to_string()).as_deref()))
    }

    /// A round.
    pub fn round(&self, run: &str, round: u32) -> Result<Round, ClientError> {
        self.get(&format!("/v1/runs/{run}/rounds/{round}"))
    }

    /// A commitment or base claim.
    pub fn commitment(&self, id: &str) -> Result<Commitment, ClientError> {
        self.get(&format!("/v1/commitments/{id}"))
    }

    /// The verdicts on a claim.
    pub fn verdicts(&self, claim: &str) -> Result<Verdicts, ClientError> {
        self.get(&format!("/v1/verdicts/{claim}"))
    }

    /// A page of disputes; `filter` is what the query has beside the page, such as `&open=true`.
    pub fn disputes(&self, filter: &str, after: Option<&str>) -> Result<Disputes, ClientError> {
        self.get(&format!("{}{filter}", page("/v1/disputes", after)))
    }

    /// A dispute.
    pub fn dispute(&self, id: &str) -> Result<Dispute, ClientError> {
        self.get(&format!("/v1/disputes/{id}"))
    }

    /// The evidence of a judged dispute.
    pub fn evidence(&self, dispute: &str) -> Result<Vec<u8>, ClientError> {
        self.get_bytes(&format!("/v1/evidence/{dispute}"), BUNDLE_BYTES_MAX as u64)
    }

    /// A page of slashes.
    #[cfg(test)]
    pub fn slashes(&self, after: Option<u64>) -> Result<crate::rpc::methods::slashes::Slashes, ClientError> {
        self.get(&page("/v1/slashes", after.map(|n| n.to_string()).as_deref()))
    }

    /// A slash by its name.
    pub fn slash(&self, id: &str) -> Result<ChangeWords, ClientError> {
        self.get(&format!("/v1/slashes/{id}"))
    }

    /// A page of an account's changes.
    pub fn rewards(&self, key: &str, after: Option<u64>) -> Result<Rewards, ClientError> {
        self.get(&page(&format!("/v1/rewards/{key}"), after.map(|n| n.to_string()).as_deref()))
    }

    /// A page of events.
    pub fn events(&self, from: u64) -> Result<Events, ClientError> {
        self.get(&format!("/v1/events?from={from}"))
    }

    /// The events of one block.
    pub fn events_of(&self, height: u64) -> Result<Events, ClientError> {
        self.get(&format!("/v1/events?from={height}&to={height}"))
    }

    /// What begins with these digits.
    pub fn find(&self, prefix: &str) -> Result<Found, ClientError> {
        self.get(&format!("/v1/find/{prefix}"))
    }

    /// Submits a signed transaction; its id says that the node has it on disk.
    pub fn submit(&self, signed: &Signed<Transaction>) -> Result<Digest, ClientError> {
        let call = self.agent.post(self.at("/v1/transactions")).content_type("application/octet-stream");
        let receipt: Receipt = self.parsed(self.ok(call.send(encode(signed.wire())))?)?;
        receipt.id.parse().map_err(|_| self.foreign(format!("the receipt {:?} is no id", receipt.id)))
    }

    /// What became of a transaction.
    pub fn fate(&self, id: &Digest) -> Result<TransactionFate, ClientError> {
        self.get(&format!("/v1/transactions/{id}"))
    }

    /// Waits until a transaction is included or refused; after `patience` says what is known then.
    pub fn settled(&self, id: &Digest, patience: Duration) -> Result<TransactionFate, ClientError> {
        let since = Instant::now();
        loop {
            let fate = self.fate(id)?;
            if fate.status != "pending" || since.elapsed() >= patience {
                return Ok(fate);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Uploads a token shard that an open run names.
    pub fn upload(&self, name: &Digest, shard: &File) -> Result<Kept, ClientError> {
        // The node says whether it wants the blob before its bytes are sent.
        let call = self.agent.put(self.at(&format!("/v1/blobs/{name}"))).header(EXPECT, "100-continue");
        let call =
            call.config().timeout_per_call(None).timeout_per_write(Some(super::QUIET_PATIENCE)).build();
        self.parsed(self.ok(call.send(shard))?)
    }
}

fn page(path: &str, after: Option<&str>) -> String {
    after.map_or(format!("{path}?limit=200"), |after| format!("{path}?limit=200&after={after}"))
}
