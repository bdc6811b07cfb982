//! `retrace rewards`: what accounts were paid and lost, item by item, with sums that add up.

mod sums;

use super::exit::{Exit, Failure};
use super::print::say;
use super::remote::{NodeArg, failed};
use super::show::full;
use crate::rpc::client::{Client, ClientError};
use crate::rpc::methods::account::Account;
use crate::rpc::methods::rewards::{ChangeWords, Rewards};
use serde_json::json;
use sums::{Sums, sums};

/// Arguments of `retrace rewards`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace rewards --rpc http://127.0.0.1:4180\n  retrace rewards 3f2a --explain --rpc http://127.0.0.1:4180\n  retrace rewards --explain --home ./trainer"
)]
pub struct Args {
    /// An account, or the first digits of its key; all accounts that were paid or slashed if left out
    #[arg(value_name = "ACCOUNT")]
    account: Option<String>,
    #[command(flatten)]
    node: NodeArg,
    /// Every single item: run, round, claim, unit, reason; of the node's own account if none is named
    #[arg(long)]
    explain: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// An account with all its changes.
pub struct Whole {
    /// The account and what it began with.
    pub of: Rewards,
    /// What its changes sum to.
    pub sums: Sums,
    /// Ledger time now: height and credited milliseconds.
    pub now: (u64, u64),
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let client = args.node.client()?;
    let key = match &args.account {
        Some(prefix) => full(&client, "account", prefix)?,
        None if args.explain => client.status().map_err(failed)?.node.account,
        None => return all(&client, args.json),
    };
    let whole = whole(&client, &key).map_err(failed)?;
    if args.json {
        say!("{}", json!({ "account": whole.of.account, "changes": whole.of.changes, "sums": whole.sums }));
    } else {
        print(&whole, args.explain);
    }
    Ok(if whole.sums.adds_up { Exit::Yes } else { Exit::No })
}

/// All of an account's changes, page by page, and the account as it was after the last of them.
pub fn whole(client: &Client, key: &str) -> Result<Whole, ClientError> {
    let mut of = client.rewards(key, None)?;
    while let Some(after) = of.next {
        let page = client.rewards(key, Some(after))?;
        of.changes.extend(page.changes);
        (of.next, of.account, of.upto) = (page.next, page.account, page.upto);
    }
    let status = client.status()?;
    let sums = sums(&of);
    Ok(Whole { of, sums, now: (status.height, status.credited_ms) })
}

fn all(client: &Client, as_json: bool) -> Result<Exit, Failure> {
    let mut lines = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = client.accounts(after.as_deref()).map_err(failed)?;
        for account in &page.accounts {
            let whole = whole(client, &account.key).map_err(failed)?;
            let has_any = whole.sums.paid > 0 || whole.sums.slashed > 0;
            lines.extend(has_any.then_some((whole.of.account, whole.sums)));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if as_json {
        let list = lines.iter().map(|(account, sums)| json!({ "account": account, "sums": sums }));
        say!("{}", json!({ "accounts": list.collect::<Vec<_>>() }));
        return Ok(Exit::Yes);
    }
    for (account, sums) in &lines {
        let Account { key, role, .. } = account;
        say!("{key}  {role:<9}  paid {:>8}  slashed {:>8}", sums.paid, sums.slashed);
    }
    if lines.is_empty() {
        say!("nobody was paid or slashed yet");
    }
    Ok(Exit::Yes)
}

fn print(whole: &Whole, explain: bool) {
    let (of, sums) = (&whole.of, &whole.sums);
    say!("account     {} ({})", of.account.key, of.account.role);
    if explain {
        of.changes.iter().for_each(|change| say!("  {}", item(change)));
    }
    for group in &sums.groups {
        let round = group.round.map_or(String::new(), |round| format!("round {round}"));
        let reason = group.reason.as_deref().unwrap_or("");
        let sign = match group.effect.as_str() {
            "adds" => '+',
            "takes" => '-',
            _ => ' ',
        };
        say!("{round:<11} {:<9} {reason:<14} {:>4} in all  {sign}{}", group.kind, group.count, group.amount);
    }
    say!("began with  {} balance and {} stake", of.genesis_balance, of.genesis_bonded);
    say!("changes     +{} -{}", sums.added, sums.taken);
    say!("has now     {}", holds(&of.account, whole.now));
    say!("adds up     {}", adds_up(of, sums));
}

fn holds(account: &Account, now: (u64, u64)) -> String {
    let Account { balance, bonded, locked, unbonding, .. } = account;
    let mut text = format!("{balance} balance and {bonded} stake, {locked} of it locked");
    if let Some(until) = account.unbonding_until {
        let (height, credited_ms) = now;
        let seconds = until.credited_ms.saturating_sub(credited_ms).div_ceil(1000);
        let heights = until.height.saturating_sub(height) + 1;
        text += &format!(
            "; {unbonding} unbonding, back after height {} and {seconds} s of ledger time",
            until.height
        );
        text += &format!(" ({heights} heights from now)");
    }
    text
}

fn adds_up(of: &Rewards, sums: &Sums) -> String {
    let began = u128::from(of.genesis_balance) + u128::from(of.genesis_bonded);
    let line = format!("{began} + {} - {} = {}", sums.added, sums.taken, sums.holds);
    match (sums.adds_up, of.whole_from) {
        (true, _) => format!("yes: {line}"),
        (false, from) if from > 1 => {
            format!("not from here: this node has forgotten what was before height {from}")
        }
        (false, _) => format!("NO: {line} does not hold; has a block come in between? ask again"),
    }
}

fn item(change: &ChangeWords) -> String {
    let short = |id: &Option<String>| id.as_deref().map_or(String::new(), |id| id.chars().take(8).collect());
    let mut text = format!("{:<8} {:<9} {:>8}", change.id, change.kind, change.amount);
    let parts = [
        ("", change.reason.clone()),
        ("run ", change.run.as_ref().map(|_| short(&change.run))),
        ("round ", change.round.map(|round| round.to_string())),
        ("claim ", change.claim.as_ref().map(|_| short(&change.claim))),
        ("unit ", change.unit.clone()),
        ("dispute ", change.dispute.as_ref().map(|_| short(&change.dispute))),
        ("with ", change.other.as_ref().map(|_| short(&change.other))),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            text += &format!("  {name}{value}");
        }
    }
    text
}
