//! `retrace stake delegate`: which key beside the account's own may sign its moves in disputes (L-2.9, V-3.8).

use crate::cli::exit::{Exit, Failure};
use crate::cli::print::say;
use crate::cli::remote::failed;
use crate::cli::signing::{Signer, Signing};
use crate::config::account_in;
use crate::home::{read_bounded, write_whole};
use crate::rpc::client::{Client, ClientError};
use crate::rpc::methods::account::Account;
use ed25519_dalek::VerifyingKey;
use retrace_ledger::{Body, Delegate, decode, encode};
use retrace_verifier::delegation::{Delegation, SignedDelegation};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Longest file of a signed delegation.
const FILE_BYTES_MAX: u64 = 1024;

/// Arguments of `retrace stake delegate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace keys show --home ./defender                      # its account is the key\n  retrace stake delegate KEY --home ./trainer --wait\n  retrace start --home ./defender --defend TRAINERS_ACCOUNT\n  retrace stake delegate --revoke --home ./trainer --wait\n  retrace stake delegate --revoke --serial 1000 --save revoke.bin --home ./trainer\n  retrace stake delegate --signed revoke.bin --home ./anybody --wait\n\nWhoever has the key can lose disputes for the account, and nothing else: it signs no claim and no transaction. The newest delegation counts, by serial. A revocation may be signed beforehand and left with somebody: anybody may send it."
)]
pub struct Args {
    /// The defense key: the account of the node that is to defend
    #[arg(value_name = "KEY", value_parser = account_in, conflicts_with_all = ["revoke", "signed"], required_unless_present_any = ["revoke", "signed"])]
    key: Option<PeerKey>,
    /// No key but the account's own signs its moves any more
    #[arg(long)]
    revoke: bool,
    /// Write the signed delegation to this file, and send nothing
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Send the delegation in this file, whoever signed it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["revoke", "save", "serial"])]
    signed: Option<PathBuf>,
    /// Serial of the delegation; one more than that of the one that counts if left out
    #[arg(long, value_name = "N")]
    serial: Option<u64>,
    #[command(flatten)]
    common: Signing,
}

/// A delegation that the ledger would refuse, or that changes nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
enum DelegateError {
    #[error("{key} is the account's own key")]
    #[diagnostic(help(
        "it signs its moves anyhow: name the account of another node, as `retrace keys show` prints it there"
    ))]
    Own { key: PeerKey },
    #[error("{key} is no usable Ed25519 key: nobody could sign with it")]
    #[diagnostic(help("name the account of the node that is to defend; to take the key back say --revoke"))]
    Unusable { key: PeerKey },
    #[error("{key} is the account's defense key already, by delegation {serial}")]
    #[diagnostic(help("nothing is left to do; `retrace start --defend ACCOUNT` defends with it"))]
    Already { key: String, serial: u64 },
    #[error("the account has no defense key to revoke")]
    #[diagnostic(help(
        "to keep a revocation for later: --revoke --serial N --save FILE, with N above any delegation to come"
    ))]
    Nothing,
    #[error("serial {found} is not above {standing}, that of the delegation that counts")]
    #[diagnostic(help("leave --serial out for the next one; a revocation for later needs a higher one"))]
    Serial { standing: u64, found: u64 },
    #[error("{} is no delegation signed by its account", path.display())]
    #[diagnostic(help("`retrace stake delegate KEY --save FILE` writes one"))]
    Unreadable { path: PathBuf },
    #[error("{} is a delegation of network {found}, not of {expected}", path.display())]
    #[diagnostic(help("name a node and a home of that network"))]
    Network { path: PathBuf, expected: Digest, found: Digest },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let signer = args.common.open()?;
    let network = signer.opened.home.genesis().network();
    let signed = match &args.signed {
        Some(path) => read(path, network)?,
        None => sign(args, &signer, network)?,
    };
    let delegation = signed.delegation;
    let told = told(&delegation);
    if let Some(path) = &args.save {
        write_whole(path, &encode(&signed)).map_err(Failure::input)?;
        if args.common.json {
            say!("{}", json!({ "saved": path, "delegation": told }));
        } else {
            say!("signed, not sent: {}, serial {}", path.display(), delegation.serial);
        }
        return Ok(Exit::Yes);
    }
    if let Some(key) = delegation.defense_key() {
        warn_without_account(&signer.client, &key)?;
    }
    args.common.send(&signer, &Body::Delegate(Delegate { signed }), json!({ "delegation": told }))
}

fn told(delegation: &Delegation) -> Value {
    let key = delegation.defense_key().map(|key| key.to_string());
    json!({ "account": delegation.account.to_string(), "key": key, "serial": delegation.serial })
}

fn sign(args: &Args, signer: &Signer, network: Digest) -> Result<SignedDelegation, Failure> {
    let own = signer.opened.keys.account();
    let standing = signer.client.account(&own).map_err(failed)?;
    let wanted = Wanted { key: args.key, serial: args.serial, is_kept: args.save.is_some() };
    let (key, serial) = wanted.check(&own, &standing).map_err(Failure::input)?;
    Ok(SignedDelegation::new(Delegation { network, account: own, key, serial }, &signer.opened.keys.stake))
}

/// What is asked for; without a key a revocation.
struct Wanted {
    key: Option<PeerKey>,
    serial: Option<u64>,
    /// Signed for later: it may change nothing now.
    is_kept: bool,
}

impl Wanted {
    /// Key and serial of the delegation, if it makes sense after the one that counts.
    fn check(&self, own: &PeerKey, standing: &Account) -> Result<(PeerKey, u64), DelegateError> {
        if let Some(key) = self.key {
            if key == *own {
                return Err(DelegateError::Own { key });
            }
            if !VerifyingKey::from_bytes(&key.0).is_ok_and(|point| !point.is_weak()) {
                return Err(DelegateError::Unusable { key });
            }
        }
        let (before, now) = (&standing.defense_key, self.key.map(|key| key.to_string()));
        if !self.is_kept && *before == now {
            return Err(match now {
                Some(key) => DelegateError::Already { key, serial: standing.delegation_serial },
                None => DelegateError::Nothing,
            });
        }
        let standing = standing.delegation_serial;
        let serial = self.serial.unwrap_or(standing.saturating_add(1));
        if serial <= standing {
            return Err(DelegateError::Serial { standing, found: serial });
        }
        Ok((self.key.unwrap_or(Delegation::NONE), serial))
    }
}

/// Reads a signed delegation: bounded, parsed, its signature and its network checked.
fn read(path: &Path, network: Digest) -> Result<SignedDelegation, Failure> {
    let bytes = read_bounded(path, FILE_BYTES_MAX).map_err(Failure::input)?;
    let parsed = decode::<SignedDelegation>(&bytes, FILE_BYTES_MAX as usize).ok();
    let signed = parsed.filter(|signed| signed.check().is_ok());
    let signed = signed.ok_or_else(|| Failure::input(DelegateError::Unreadable { path: path.into() }))?;
    let found = signed.delegation.network;
    if found != network {
        return Err(Failure::input(DelegateError::Network { path: path.into(), expected: network, found }));
    }
    Ok(signed)
}

/// Moves come in transactions of their own, and whoever sends one has an account.
fn warn_without_account(client: &Client, key: &PeerKey) -> Result<(), Failure> {
    match client.account(key) {
        Ok(_) => Ok(()),
        Err(ClientError::Unknown { .. }) => {
            eprintln!(
                "warning: {key} has no account to send moves with; give it one: retrace stake transfer 1 --to {key}"
            );
            Ok(())
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::{DelegateError, Wanted, read};
    use crate::rpc::methods::account::Account;
    use ed25519_dalek::SigningKey;
    use retrace_ledger::encode;
    use retrace_verifier::delegation::{Delegation, SignedDelegation};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::{PeerKey, peer_key};

    fn key(name: u8) -> PeerKey {
        peer_key(&SigningKey::from_bytes(&[name; 32]))
    }

    fn standing(defense_key: Option<PeerKey>, serial: u64) -> Account {
        let key = defense_key.map(|key| key.to_string());
        let whole = serde_json::json!({
            "key": "", "role": "trainer", "balance": 1, "bonded": 1, "locked": 0, "unbonding": 0, "nonce": 0,
            "since": 0, "defense_key": key, "delegation_serial": serial,
        });
        serde_json::from_value(whole).unwrap()
    }

    /// L-2.9: what the ledger would refuse, or what changes nothing, is refused before it is signed.
    #[test]
    fn each_refusal_has_a_row() {
        let own = key(1);
        let wanted = |key, serial, is_kept| Wanted { key, serial, is_kept };
        let (two, weak) = (Some(key(2)), PeerKey(std::array::from_fn(|at| u8::from(at == 0))));
        let named = |serial| standing(two, serial);
        let serial = |standing, found| DelegateError::Serial { standing, found };
        let already = DelegateError::Already { key: key(2).to_string(), serial: 7 };
        let rows = [
            (wanted(Some(own), None, false), standing(None, 0), Err(DelegateError::Own { key: own })),
            (wanted(Some(weak), None, false), standing(None, 0), Err(DelegateError::Unusable { key: weak })),
            (wanted(two, None, false), named(7), Err(already)),
            (wanted(None, None, false), standing(None, 3), Err(DelegateError::Nothing)),
            (wanted(two, Some(3), false), standing(None, 3), Err(serial(3, 3))),
            (wanted(two, None, false), standing(None, u64::MAX), Err(serial(u64::MAX, u64::MAX))),
            (wanted(two, None, false), standing(None, 0), Ok((key(2), 1))),
            (wanted(two, Some(9), false), standing(Some(key(3)), 7), Ok((key(2), 9))),
            (wanted(None, None, false), named(7), Ok((Delegation::NONE, 8))),
            (wanted(None, Some(99), true), standing(None, 0), Ok((Delegation::NONE, 99))),
        ];
        for (at, (wanted, account, expected)) in rows.into_iter().enumerate() {
            assert_eq!(wanted.check(&own, &account), expected, "row {at}");
        }
    }

    /// L-2.9, V-3.8: a delegation left with somebody is read back whole; another one's bytes, or another network's, not.
    #[test]
    fn a_delegation_is_kept_for_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoke.bin");
        let (secret, network) = (SigningKey::from_bytes(&[1; 32]), Digest([4; 32]));
        let delegation = Delegation { network, account: key(1), key: Delegation::NONE, serial: 9 };
        let signed = SignedDelegation::new(delegation, &secret);
        let read_of = |bytes: &[u8], network| {
            std::fs::write(&path, bytes).unwrap();
            read(&path, network)
        };
        let bytes = encode(&signed);
        assert_eq!(read_of(&bytes, network).ok(), Some(signed));
        assert!(read_of(&bytes, Digest([5; 32])).is_err());
        assert!(read_of(&bytes[1..], network).is_err() && read_of(&[0; 2_000], network).is_err());
        let mut forged = bytes.clone();
        forged[100] ^= 1;
        assert!(read_of(&forged, network).is_err());
    }
}
