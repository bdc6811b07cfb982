//! `retrace breaker list`: the runs whose breaker ever went on.

use super::source;
use crate::cli::exit::{Exit, Failure};
use crate::cli::print::say;
use crate::cli::remote::NodeArg;
use crate::rpc::methods::amnesties::RunBreaker;
use serde_json::json;

/// Arguments of `retrace breaker list`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  retrace breaker list --rpc http://127.0.0.1:4180\n  retrace breaker list --on --home ./devnet --json"
)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// Only those that are on
    #[arg(long)]
    on: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut breakers = source::all(&args.node)?;
    breakers.retain(|breaker| breaker.times > 0 && (breaker.on_until.is_some() || !args.on));
    if args.json {
        say!("{}", json!({ "breakers": breakers }));
        return Ok(Exit::Yes);
    }
    if breakers.is_empty() {
        say!("{}", if args.on { "no breaker is on" } else { "no run's breaker ever went on" });
    }
    for breaker in &breakers {
        say!("{}", breaker.run);
        say!("  breaker    {}", standing(breaker));
        say!("  slashes    {} pending, {} decided", breaker.pending, breaker.decided);
    }
    Ok(Exit::Yes)
}

/// Whether it is on, in words.
pub fn standing(breaker: &RunBreaker) -> String {
    let times = if breaker.times == 1 { "once".into() } else { format!("{} times", breaker.times) };
    match breaker.on_until {
        Some(until) => format!(
            "ON until past height {} and {} s of ledger time; it went on {times}",
            until.height,
            until.credited_ms / 1000
        ),
        None if breaker.times == 0 => "off; it never went on".into(),
        None => format!("off; it went on {times}"),
    }
}

#[cfg(test)]
mod tests {
    use super::standing;
    use crate::rpc::methods::amnesties::RunBreaker;
    use serde_json::{Value, json};

    /// W-3.11: a breaker says until when it is on, and how often it was.
    #[test]
    fn a_breaker_says_how_it_stands() {
        let of = |on_until: Value, times: u32| -> String {
            let breaker: RunBreaker = serde_json::from_value(json!({
                "run": "", "on_until": on_until, "times": times, "pending": 0, "decided": 0, "total_power": 3,
                "power_needed": 3, "amnesties": [], "slashes": [],
            }))
            .unwrap();
            standing(&breaker)
        };
        let until = json!({ "height": 40, "credited_ms": 9_500 });
        assert_eq!(of(until, 2), "ON until past height 40 and 9 s of ledger time; it went on 2 times");
        assert_eq!(of(Value::Null, 1), "off; it went on once");
        assert_eq!(of(Value::Null, 0), "off; it never went on");
    }
}
