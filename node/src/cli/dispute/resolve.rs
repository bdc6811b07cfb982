//! `retrace dispute resolve`: anybody says that a clock has run out, or that a claim can be settled (L-5.6, L-5.10).

use super::say;
use super::source::Source;
use crate::cli::exit::{Exit, Failure};
use crate::cli::keys::open;
use crate::cli::print::say as line;
use crate::config::Config;
use crate::devnet::Record;
use crate::keys::PassphraseArgs;
use crate::rpc::client::Client;
use crate::rpc::methods::dispute::Dispute;
use crate::submit::{submit, wait_for};
use miette::Diagnostic;
use retrace_ledger::{Body, Settle, Timeout};
use retrace_verifier::digest::Digest;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `retrace dispute resolve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace dispute resolve 3f2a --home ./trainer\n  retrace dispute resolve 3f2a --rpc http://127.0.0.1:4180 --json\n\nAny account may; it costs nothing but a nonce. Without a home it is only said what is left to do.\n\nExit status: 0 it is resolved, 1 a clock still runs, or the claim cannot be settled yet."
)]
pub struct Args {
    /// The dispute; first digits do
    #[arg(value_name = "ID")]
    id: String,
    /// Home whose keys sign the transaction
    #[arg(long, env = "RETRACE_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    /// RPC of a node of this network; the home's own if left out
    #[arg(long, env = "RETRACE_RPC", value_name = "URL")]
    rpc: Option<String>,
    /// Longest wait for a block in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum ResolveError {
    #[error("which node?")]
    #[diagnostic(help("name a home with keys by --home DIR, or at least a node by --rpc URL"))]
    Nowhere,
    #[error("{} is the folder of a devnet, which has no keys of its own", path.display())]
    #[diagnostic(help("name a home in it, such as {}", path.join("faucet").display()))]
    Devnet { path: PathBuf },
    #[error("the node names {text:?}, which is no id")]
    #[diagnostic(help("is it a node of Retrace, and of this version?"))]
    NoId { text: String },
}

/// What is left to do.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// Its clock has run out.
    Timeout,
    /// It is over, and the claim can be settled.
    Settle,
    /// Not yet.
    Wait(String),
    /// It is over, and its claim is decided.
    Nothing(String),
}

fn due(dispute: &Dispute) -> Due {
    match (&dispute.running, &dispute.unsettled) {
        (Some(running), _) if running.expired => Due::Timeout,
        (Some(running), _) => Due::Wait(format!("the {} is {}", running.side, say::left(running))),
        (None, _) if dispute.head.open => {
            Due::Wait("the dispute is queued: it starts when another one against the accused ends".into())
        }
        (None, None) => Due::Settle,
        (None, Some(reason)) if dispute.claim_status == "open" => {
            Due::Wait(format!("the dispute is over, and its claim cannot be settled yet: {reason}"))
        }
        (None, Some(_)) => Due::Nothing(format!(
            "nothing is left to do: {}, the claim is {}",
            dispute.head.status, dispute.claim_status
        )),
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let client = client(args)?;
    let source = Source::Node(client.clone());
    let dispute = source.find(&args.id)?;
    let (body, said) = match due(&dispute) {
        Due::Wait(text) => return Ok(told(args, &dispute, &text, Exit::No)),
        Due::Nothing(text) => return Ok(told(args, &dispute, &text, Exit::Yes)),
        Due::Timeout => {
            (Body::Timeout(Timeout { dispute: digest(&dispute.head.id)? }), "a clock has run out")
        }
        Due::Settle => {
            (Body::Settle(Settle { claim: digest(&dispute.head.claim)? }), "the claim can be settled")
        }
    };
    let Some(home) = &args.home else {
        let text = format!("{said}: name a home whose keys say so with --home DIR");
        return Ok(told(args, &dispute, &text, Exit::No));
    };
    let opened = open(home, &args.passphrase)?;
    let network = opened.home.genesis().network();
    let sent = submit(&client, network, &opened.keys.stake, &body).map_err(Failure::work)?;
    let patience = Duration::from_secs(args.timeout);
    let height = wait_for(std::slice::from_ref(&client), &sent, patience).map_err(Failure::work)?;
    let after = source.find(&dispute.head.id)?;
    if args.json {
        line!(
            "{}",
            json!({ "sent": body.kind(), "transaction": sent.to_string(), "height": height, "dispute": after })
        );
    } else {
        line!("{said}: said at height {height}, {sent}");
        line!("dispute {}, claim {}", after.head.status, after.claim_status);
    }
    Ok(Exit::Yes)
}

fn digest(text: &str) -> Result<Digest, Failure> {
    text.parse().map_err(|_| Failure::input(ResolveError::NoId { text: text.into() }))
}

fn client(args: &Args) -> Result<Client, Failure> {
    let url = match (&args.rpc, &args.home) {
        (Some(url), _) => url.clone(),
        (None, Some(home)) if Record::exists(home) => {
            return Err(Failure::input(ResolveError::Devnet { path: home.clone() }));
        }
        (None, Some(home)) => Config::load(home).map_err(Failure::input)?.rpc_url(),
        (None, None) => return Err(Failure::input(ResolveError::Nowhere)),
    };
    Client::new(&url).map_err(Failure::input)
}

fn told(args: &Args, dispute: &Dispute, text: &str, exit: Exit) -> Exit {
    match args.json {
        true => line!("{}", json!({ "sent": null, "text": text, "dispute": dispute })),
        false => line!("{text}"),
    }
    exit
}

#[cfg(test)]
mod tests {
    use super::{Due, due};
    use crate::rpc::methods::dispute::Dispute;
    use serde_json::{Value, json};

    fn dispute(running: &Value, claim_status: &str, unsettled: Option<&str>) -> Dispute {
        let span = json!({ "heights": 4, "ms": 4_000 });
        let head = json!({
            "id": "", "run": "", "claim": "", "unit": "", "accused": "", "challenger": "", "bond": 1,
            "opened_at": 1, "open": !running.is_null(), "status": "ended", "moves": 0, "posted_bytes": 0,
            "judging_bytes": 0,
        });
        let whole = json!({
            "head": head, "at": "0.0.0", "accused_since": 1, "by_seal": false, "clock_of_challenger": span,
            "waiting_for_accused": 0, "running": running, "used_by_accused": span, "used_by_challenger": span,
            "by_clock": false, "by_contradiction": false, "deferred": [], "claim_status": claim_status,
            "unsettled": unsettled,
        });
        serde_json::from_value(whole).unwrap()
    }

    /// L-5.6, L-5.10: a word is due when a clock has run out, or when nothing but a settlement is left.
    #[test]
    fn what_is_due_follows_from_clock_and_claim() {
        let clock = |left, expired| {
            let span = json!({ "heights": left, "ms": left });
            json!({ "side": "accused", "used": span, "left": span, "expired": expired })
        };
        assert_eq!(due(&dispute(&clock(0, true), "open", Some("x"))), Due::Timeout);
        let wait = due(&dispute(&clock(1_500, false), "open", Some("x")));
        assert_eq!(wait, Due::Wait("the accused is to move, 1500 heights and 1.5 s left".into()));
        assert_eq!(due(&dispute(&Value::Null, "open", None)), Due::Settle);
        let early = due(&dispute(&Value::Null, "open", Some("the window is open")));
        assert!(matches!(early, Due::Wait(text) if text.ends_with("the window is open")));
        assert!(matches!(due(&dispute(&Value::Null, "convicted", Some("x"))), Due::Nothing(_)));
        let mut queued = dispute(&Value::Null, "open", Some("x"));
        queued.head.open = true;
        assert!(matches!(due(&queued), Due::Wait(text) if text.contains("queued")));
    }
}
