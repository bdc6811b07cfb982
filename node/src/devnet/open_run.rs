//! The sponsor's work: a run opened through a node's RPC, its token shards given to validators.

use super::cast::parameter_seed;
use super::{Devnet, DevnetError};
use crate::data::Corpus;
use crate::home::{BlobError, Home, disk};
use crate::keys::{FILE_NAME, Keystore, Passphrase};
use crate::rpc::client::{Client, ClientError};
use crate::submit::{SubmitError, submit, wait_for};
use retrace_ledger::{Body, OpenRun};
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::docket::Shard;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// How long the first transaction of a network may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Validators that are given every shard: the others fetch it from them.
const KEEPERS: usize = 2;

/// A run that cannot be opened.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum OpenError {
    /// The transaction.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Submit(#[from] SubmitError),
    /// A node.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Client(#[from] ClientError),
    /// The shards.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Blob(#[from] BlobError),
}

impl Devnet {
    /// Opens the manifest's run on this corpus, once. The shards are on validators when this returns, and their bytes
    /// are public from then on.
    pub fn open_run(&mut self, corpus: &Corpus) -> Result<String, DevnetError> {
        let urls = self.rpc_urls();
        let clients = urls.iter().filter_map(|url| Client::new(url).ok());
        let clients: Vec<Client> = clients.filter(Client::is_ready).collect();
        let home = Home::open(&self.record.sponsor.home)?;
        let passphrase = Passphrase::from_file(&self.record.passphrase_file)?;
        let keys = Keystore::load(&home.path().join(FILE_NAME), &passphrase)?;
        let run = self.submit_run(&clients, &home, &keys, corpus)?;
        give(&clients, &home, corpus)?;
        // Said last: who is killed before this does all of it again, and finds the run that is open.
        self.record.run = Some(run.clone());
        self.save()?;
        Ok(run)
    }

    fn submit_run(
        &self,
        clients: &[Client],
        home: &Home,
        keys: &Keystore,
        corpus: &Corpus,
    ) -> Result<String, DevnetError> {
        let account = keys.account().to_string();
        // A supervisor that was killed after it sent the transaction has a run that its record does not know.
        let opened = clients.iter().find_map(|client| client.runs(None).ok());
        let opened = opened.and_then(|runs| runs.runs.into_iter().find(|run| run.sponsor == account));
        if let Some(run) = opened {
            return Ok(run.id);
        }
        let shard = |bytes: &Vec<u8>| Shard { digest: tensor_digest(bytes), bytes: bytes.len() as u64 };
        let manifest = corpus.shards.iter().map(shard).collect();
        let terms = self.manifest.run.terms(parameter_seed(keys), manifest).ok_or(DevnetError::Terms)?;
        let body = Body::OpenRun(Box::new(OpenRun { terms }));
        let client = clients.first().ok_or(DevnetError::NobodyReady)?;
        let id = submit(client, home.genesis().network(), &keys.stake, &body).map_err(OpenError::from)?;
        wait_for(clients, &id, PATIENCE).map_err(OpenError::from)?;
        Ok(id.to_string())
    }
}

/// Gives every shard to some validators, from the sponsor's home.
fn give(clients: &[Client], home: &Home, corpus: &Corpus) -> Result<(), DevnetError> {
    let blobs = home.blobs();
    for shard in &corpus.shards {
        let name = blobs.put_bytes(shard).map_err(OpenError::from)?;
        let path = path_of(home, &name);
        for client in clients.iter().take(KEEPERS) {
            let file = File::open(&path).map_err(disk(&path))?;
            match client.upload(&name, &file) {
                // The run is finished, and nobody needs its shards any more.
                Err(ClientError::Refused { name, .. }) if name == "unwanted" => {}
                other => drop(other.map_err(OpenError::from)?),
            }
        }
    }
    Ok(())
}

fn path_of(home: &Home, name: &Digest) -> PathBuf {
    home.path().join("blobs").join(name.to_string())
}
