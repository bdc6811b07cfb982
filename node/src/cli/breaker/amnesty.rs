//! `retrace breaker amnesty`: a validator's vote to excuse, under a name, what a run's breaker has deferred (L-5.17).

use super::source;
use crate::cli::exit::{Exit, Failure};
use crate::cli::remote::failed;
use crate::cli::show::full;
use crate::cli::signing::Signing;
use crate::rpc::methods::amnesties::RunBreaker;
use crate::rpc::methods::status::Status;
use miette::Diagnostic;
use retrace_ledger::limits::AMNESTY_NAME_BYTES_MAX;
use retrace_ledger::{Amnesty, Body};
use serde_json::json;

/// Arguments of `retrace breaker amnesty`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace breaker show 3f2a --home ./validator\n  retrace breaker amnesty 3f2a --name 'build 0.1.0 on avx512' --home ./validator --wait\n\nThe vote counts under its exact name; a later one replaces it. Votes and names stay in the ledger for ever."
)]
pub struct Args {
    /// The run; first digits do
    #[arg(value_name = "RUN")]
    run: String,
    /// What is excused, such as the build that computed wrong: 1 to 64 characters of printable ASCII
    #[arg(long, value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Signing,
}

/// A vote that the ledger would refuse.
#[derive(Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
enum VoteError {
    #[error(
        "{name:?} is no name of an amnesty: it must be 1 to {AMNESTY_NAME_BYTES_MAX} bytes of printable ASCII"
    )]
    #[diagnostic(help(
        "say what computed wrong, such as the build; all who vote for it must spell it in the same way"
    ))]
    Name { name: String },
    #[error("the breaker of run {run} is off: nothing is deferred")]
    #[diagnostic(help("`retrace breaker list --on` tells those that are on; what was executed stays so"))]
    Off { run: String },
    #[error("{account} is no validator of the next height")]
    #[diagnostic(help("name a validator's home with --home; `retrace status` lists their accounts"))]
    NotValidator { account: String },
    #[error("{account} has voted for {name:?} already")]
    #[diagnostic(help("{hint}"))]
    Repeated { account: String, name: String, hint: String },
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    check_name(&args.name).map_err(Failure::input)?;
    let signer = args.common.open()?;
    let account = signer.opened.keys.account().to_string();
    let id = full(&signer.client, "run", &args.run)?;
    let breaker = source::whole(&signer.client, &id).map_err(failed)?;
    let status = signer.client.status().map_err(failed)?;
    check(&breaker, &status, &account, &args.name).map_err(Failure::work)?;
    let run = id.parse().map_err(|_| Failure::input(NoId { text: id.clone() }))?;
    let body = Body::Amnesty(Amnesty { run, name: args.name.clone() });
    args.common.send(&signer, &body, json!({ "run": id, "name": args.name }))
}

/// Something that is no id.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{text:?} is no id of a run")]
#[diagnostic(help("ids are 64 lowercase hexadecimal digits; `retrace runs` lists them"))]
struct NoId {
    text: String,
}

fn check_name(name: &str) -> Result<(), VoteError> {
    let is_long = !(1..=AMNESTY_NAME_BYTES_MAX).contains(&name.len());
    if is_long || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(VoteError::Name { name: name.chars().take(80).collect() });
    }
    Ok(())
}

/// What the node knows against the vote, in the order in which the ledger asks.
fn check(breaker: &RunBreaker, status: &Status, account: &str, name: &str) -> Result<(), VoteError> {
    if breaker.on_until.is_none() {
        return Err(VoteError::Off { run: breaker.run.clone() });
    }
    if !status.validators.iter().any(|validator| validator.account == account) {
        return Err(VoteError::NotValidator { account: account.into() });
    }
    let now = breaker.amnesties.iter().find(|amnesty| amnesty.time == breaker.times);
    let mut votes = now.iter().flat_map(|amnesty| &amnesty.votes);
    if !votes.any(|vote| vote.validator == account && vote.name == name) {
        return Ok(());
    }
    let power = now.iter().flat_map(|amnesty| &amnesty.names).find(|one| one.name == name);
    let (power, needed) = (power.map_or(0, |one| one.power), breaker.power_needed);
    let hint = format!("the votes for it have power {power}, and it takes {needed}: others must vote too");
    Err(VoteError::Repeated { account: account.into(), name: name.into(), hint })
}

#[cfg(test)]
mod tests {
    use super::{VoteError, check, check_name};
    use crate::rpc::methods::amnesties::RunBreaker;
    use crate::rpc::methods::status::Status;
    use serde_json::json;

    fn breaker(is_on: bool) -> RunBreaker {
        let until = is_on.then(|| json!({ "height": 40, "credited_ms": 9 }));
        let votes = |name: &str| json!([{ "validator": "v1", "name": name, "at": 9, "power": 100 }]);
        let amnesty = |time: u32, name: &str| json!({ "time": time, "names": [{ "name": name, "power": 100 }], "votes": votes(name) });
        let whole = json!({
            "run": "r", "on_until": until, "times": 2, "pending": 1, "decided": 0, "total_power": 300,
            "power_needed": 201, "amnesties": [amnesty(1, "old"), amnesty(2, "new")], "slashes": [],
        });
        serde_json::from_value(whole).unwrap()
    }

    fn status() -> Status {
        let validator = |account: &str| json!({ "account": account, "consensus": "", "power": 100, "absent": false, "absent_until": 0, "misses": 0 });
        let whole = json!({
            "network": "", "network_name": "", "test_network": true, "height": 1, "block": "", "state_root": "",
            "node": { "name": "", "account": "", "roles": [], "version": "", "pid": 1 }, "time_ms": 1,
            "credited_ms": 1, "tip_age_ms": 1, "catching_up": false, "has_pending": false, "peers": [],
            "validators": [validator("v1"), validator("v2")], "total_power": 300,
        });
        serde_json::from_value(whole).unwrap()
    }

    /// L-5.17: each reason why a vote would be refused is told before it is signed, in the ledger's order.
    #[test]
    fn each_refusal_has_a_row() {
        let vote = |is_on, account: &str, name: &str| check(&breaker(is_on), &status(), account, name);
        assert_eq!(vote(false, "x", "new"), Err(VoteError::Off { run: "r".into() }));
        assert_eq!(vote(true, "x", "new"), Err(VoteError::NotValidator { account: "x".into() }));
        let repeated = vote(true, "v1", "new");
        assert!(
            matches!(&repeated, Err(VoteError::Repeated { hint, .. }) if hint.contains("power 100, and it takes 201")),
            "{repeated:?}"
        );
        assert_eq!(vote(true, "v1", "old"), Ok(()), "that was another time");
        assert_eq!(vote(true, "v2", "new"), Ok(()));
        let long = "x".repeat(65);
        for name in ["", long.as_str(), "tab\there", "caf\u{e9}", "\u{7f}"] {
            assert!(matches!(check_name(name), Err(VoteError::Name { .. })), "{name:?}");
        }
        assert_eq!(check_name(&long[..64]), Ok(()));
    }
}
