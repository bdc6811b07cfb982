//! Who pays for a measurement, and the fresh accounts that it sends from.

use super::{BenchError, Network};
use crate::cli::exit::Failure;
use crate::cli::remote::failed;
use crate::devnet::Record;
use crate::keys::{FILE_NAME, Keystore, Passphrase};
use crate::rpc::client::Client;
use ed25519_dalek::SigningKey;
use retrace_ledger::{Amount, Body, Signed, Transaction, Transfer};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, peer_key};
use std::path::PathBuf;
use std::time::Duration;

/// Accounts that send at once: the pool takes at most 64 transactions ahead of each.
const SENDERS: u8 = 32;
/// What each of them gets, and may send one by one.
const FUNDS: u64 = 2_000;
/// For the funds to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// An account whose transactions are signed here.
pub struct Sender {
    /// Its keys.
    pub keys: Keystore,
    network: Digest,
    nonce: u64,
}

/// The account that pays.
pub struct Payer {
    sender: Sender,
    /// Its nonce when the measurement began.
    began: u64,
}

impl Sender {
    fn new(keys: Keystore, network: Digest, nonce: u64) -> Sender {
        Sender { keys, network, nonce }
    }

    /// Its account.
    pub fn account(&self) -> PeerKey {
        peer_key(&self.keys.stake)
    }

    /// The network that it signs for.
    pub fn network(&self) -> &Digest {
        &self.network
    }

    /// Signs with the next nonce, which counts as used only once [`Sender::sent`] says so.
    pub fn sign(&self, body: Body) -> Option<Signed<Transaction>> {
        let (network, signer, nonce) = (self.network, self.account(), self.nonce + 1);
        Signed::sign(Transaction { network, signer, nonce, body }, &self.keys.stake)
    }

    /// The last one that was signed was taken in.
    pub fn sent(&mut self) {
        self.nonce += 1;
    }

    /// Looks up what the ledger has counted: what was refused later left a gap.
    pub fn resume(&mut self, client: &Client) {
        if let Ok(account) = client.account(&self.account()) {
            self.nonce = account.nonce;
        }
    }
}

impl Payer {
    /// The account of a keystore, or a devnet's faucet; it must have what the measurement needs.
    pub fn open(client: &Client, network: &str, args: &Network) -> Result<Payer, Failure> {
        let (path, passphrase) = keystore(args)?;
        let keys = Keystore::load(&path, &passphrase).map_err(Failure::input)?;
        let account = client.account(&keys.account()).map_err(failed)?;
        let needed = u64::from(SENDERS) * FUNDS + u64::from(args.seconds) * 100;
        if account.balance < needed {
            let (account, balance) = (account.key, account.balance);
            return Err(Failure::input(BenchError::Poor { account, balance, needed }));
        }
        // The node has just named its network.
        let network = network.parse().unwrap_or(Digest([0; 32]));
        Ok(Payer { began: account.nonce, sender: Sender::new(keys, network, account.nonce) })
    }

    /// A transfer of one unit to an account that nobody has used.
    pub fn transfer(&self, at: u64) -> Option<Signed<Transaction>> {
        let to = peer_key(&SigningKey::from_bytes(&self.seed(b"finality", at)));
        self.sender.sign(Body::Transfer(Transfer { to, amount: Amount(1) }))
    }

    /// The last one that was signed was taken in.
    pub fn sent(&mut self) {
        self.sender.sent();
    }

    /// Makes the accounts that send, each with its funds on the ledger.
    pub fn senders(&mut self, client: &Client) -> Result<Vec<Sender>, Failure> {
        let made = (0..SENDERS).map(|at| Keystore::from_seed(&self.seed(b"sender", at.into())));
        let mut senders: Vec<Sender> = made.map(|keys| Sender::new(keys, self.sender.network, 0)).collect();
        let mut last = None;
        for sender in &senders {
            let body = Body::Transfer(Transfer { to: sender.account(), amount: Amount(FUNDS) });
            let Some(signed) = self.sender.sign(body) else { continue };
            last = Some(client.submit(&signed).map_err(failed)?);
            self.sender.sent();
        }
        if let Some(id) = last {
            client.settled(&id, PATIENCE).map_err(failed)?;
        }
        senders.iter_mut().for_each(|sender| sender.resume(client));
        Ok(senders)
    }

    /// A seed that only the payer can make, another one for each measurement.
    fn seed(&self, purpose: &[u8], at: u64) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("retrace bench account");
        hasher.update(&self.sender.keys.stake.to_bytes()).update(&self.began.to_le_bytes());
        *hasher.update(purpose).update(&at.to_le_bytes()).finalize().as_bytes()
    }
}

fn keystore(args: &Network) -> Result<(PathBuf, Passphrase), Failure> {
    if let Some(path) = &args.keystore {
        let passphrase = args.passphrase.existing(None).map_err(Failure::input)?;
        return Ok((path.clone(), passphrase));
    }
    let folder = args.node.folder().filter(|folder| Record::exists(folder));
    let folder = folder.ok_or_else(|| Failure::input(BenchError::NoKey))?;
    let record = Record::load(&folder).map_err(Failure::input)?;
    let passphrase = Passphrase::from_file(&record.passphrase_file).map_err(Failure::input)?;
    Ok((record.faucet.home.join(FILE_NAME), passphrase))
}
