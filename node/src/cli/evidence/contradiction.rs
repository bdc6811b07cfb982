//! A bundle that is proved by contradiction: two answers of the accused to one question (V-6.3).

use super::super::print::say;
use super::arithmetic::coordinates;
use super::relative::{delegated, relative_to};
use retrace_verifier::evidence::{Contradiction, judge_contradiction};
use serde_json::{Value, json};

/// Judges it and says so; true if it is proven.
pub fn show(found: &Contradiction, json: bool) -> bool {
    let docket = &found.first.docket;
    let verdict = judge_contradiction(found);
    let delegations = verdict.as_ref().map_or(&[][..], |proven| &proven.delegations[..]);
    if json {
        let relative: Vec<Value> = relative_to(docket)
            .into_iter()
            .chain(delegated(delegations))
            .map(|(fact, value)| json!({ "fact": fact, "value": value }))
            .collect();
        let object = match &verdict {
            Ok(proven) => json!({
                "verdict": "proven",
                "kind": "proved by contradiction",
                "accused": proven.accused.to_string(),
                "network": proven.network.to_string(),
                "disputes": proven.disputes.map(|dispute| dispute.to_string()),
                "at": coordinates(docket),
                "question": proven.question.to_string(),
                "relative_to": relative,
            }),
            Err(reason) => {
                json!({ "verdict": "disproven", "reason": reason.to_string(), "relative_to": relative })
            }
        };
        say!("{object}");
        return verdict.is_ok();
    }
    match &verdict {
        Ok(proven) => {
            say!("PROVEN by contradiction: the accused signed two answers to one question");
            say!("accused   {}", proven.accused);
            say!("network   {}", proven.network);
            say!("disputes  {}", proven.disputes[0]);
            say!("          {}", proven.disputes[1]);
            say!("at        {}", coordinates(docket));
            say!("question  {}", proven.question);
            say!("which of the two is false, and whether the claim is, does not matter and is not shown");
        }
        Err(reason) => say!("DISPROVEN: {reason}"),
    }
    super::relative::print(docket, delegations);
    verdict.is_ok()
}
