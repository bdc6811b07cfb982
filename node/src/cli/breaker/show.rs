//! `retrace breaker show`: until when a run's breaker is on, its deferred slashes, votes and granted amnesties.

use super::list::standing;
use super::source;
use crate::cli::exit::{Exit, Failure};
use crate::cli::print::say;
use crate::cli::remote::NodeArg;
use crate::rpc::methods::amnesties::{AmnestyWords, RunBreaker};
use crate::rpc::methods::breaker::DeferredWords;
use serde_json::json;

/// Arguments of `retrace breaker show`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace breaker show 3f2a --rpc http://127.0.0.1:4180\n  retrace breaker show 3f2a --home /tmp/my-run --json"
)]
pub struct Args {
    /// The run; first digits do
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    node: NodeArg,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let breaker = source::one(&args.node, &args.run)?;
    if args.json {
        say!("{}", json!(breaker));
    } else {
        print(&breaker);
    }
    Ok(Exit::Yes)
}

fn print(breaker: &RunBreaker) {
    say!("run         {}", breaker.run);
    say!("breaker     {}", standing(breaker));
    say!("slashes     {} pending, {} decided", breaker.pending, breaker.decided);
    breaker.slashes.iter().for_each(|slash| say!("  {}", deferred(slash)));
    for amnesty in &breaker.amnesties {
        say!("amnesty     {}", outcome(amnesty, breaker));
        for vote in &amnesty.votes {
            say!(
                "  {} votes for {:?} at height {}, power {}",
                vote.validator,
                vote.name,
                vote.at,
                vote.power
            );
        }
    }
    if breaker.on_until.is_some() {
        say!("to excuse   retrace breaker amnesty {} --name NAME --home VALIDATOR", short(&breaker.run));
    }
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

fn deferred(slash: &DeferredWords) -> String {
    let decided = match (slash.status.as_str(), slash.decided_at) {
        ("pending", _) | (_, None) => slash.status.clone(),
        (status, Some(at)) => format!("{status} at height {at}"),
    };
    let DeferredWords { number, amount, account, reason, dispute, deferred_at, .. } = slash;
    format!(
        "{number}. {amount} from {account} ({reason}, dispute {}), deferred at height {deferred_at}: {decided}",
        short(dispute)
    )
}

/// What became of the votes while it was on once.
fn outcome(amnesty: &AmnestyWords, breaker: &RunBreaker) -> String {
    let is_on = amnesty.time == breaker.times && breaker.on_until.is_some();
    match (&amnesty.granted, amnesty.granted_at) {
        (Some(name), Some(at)) => format!("{name:?} granted at height {at}, the {} time", nth(amnesty.time)),
        _ if is_on => {
            let names: Vec<String> =
                amnesty.names.iter().map(|one| format!("{:?} has {}", one.name, one.power)).collect();
            let needed = format!("{} of {} needed", breaker.power_needed, breaker.total_power);
            format!("{}; {needed}", names.join(", "))
        }
        _ => format!("none granted, the {} time", nth(amnesty.time)),
    }
}

fn nth(time: u32) -> String {
    match time {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        other => format!("{other}th"),
    }
}

#[cfg(test)]
mod tests {
    use super::{deferred, outcome};
    use crate::rpc::methods::amnesties::{AmnestyWords, RunBreaker};
    use serde_json::json;

    /// W-3.11, L-5.17: a slash says what became of it, an amnesty whether it was granted or what it has so far.
    #[test]
    fn slashes_and_amnesties_say_what_became_of_them() {
        let slash = |status: &str, decided_at: Option<u64>| {
            let words = json!({
                "number": 3, "account": "aa", "amount": 700, "reason": "Lie", "dispute": "0123456789abcdef",
                "deferred_at": 9, "status": status, "decided_at": decided_at,
            });
            deferred(&serde_json::from_value(words).unwrap())
        };
        let said = "3. 700 from aa (Lie, dispute 0123456789ab), deferred at height 9: ";
        assert_eq!(slash("pending", None), format!("{said}pending"));
        assert_eq!(slash("forgiven", Some(12)), format!("{said}forgiven at height 12"));
        let breaker = |on: bool| -> RunBreaker {
            let until = on.then(|| json!({ "height": 40, "credited_ms": 9 }));
            let whole = json!({
                "run": "", "on_until": until, "times": 2, "pending": 0, "decided": 0, "total_power": 300,
                "power_needed": 201, "amnesties": [], "slashes": [],
            });
            serde_json::from_value(whole).unwrap()
        };
        let amnesty = |time: u32, granted: Option<&str>| -> AmnestyWords {
            let whole = json!({
                "time": time, "granted": granted, "granted_at": granted.map(|_| 12),
                "names": [{ "name": "a", "power": 100 }, { "name": "b", "power": 7 }], "votes": [],
            });
            serde_json::from_value(whole).unwrap()
        };
        let on = breaker(true);
        assert_eq!(outcome(&amnesty(2, None), &on), "\"a\" has 100, \"b\" has 7; 201 of 300 needed");
        assert_eq!(outcome(&amnesty(1, None), &on), "none granted, the first time");
        assert_eq!(outcome(&amnesty(2, None), &breaker(false)), "none granted, the second time");
        assert_eq!(outcome(&amnesty(2, Some("a")), &on), "\"a\" granted at height 12, the second time");
    }
}
