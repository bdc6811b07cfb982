//! A bundle that is proved by arithmetic (V-6.2).

use super::super::print::say;
use super::relative::{delegated, relative_to};
use crate::names;
use retrace_verifier::docket::{Claim, Docket};
use retrace_verifier::evidence::{Bundle, Disproven, Proven, judge};
use retrace_verifier::game::ulp_distance;
use serde_json::{Value, json};

/// Judges it and says so; true if it is proven.
pub fn show(bundle: &Bundle, json: bool) -> bool {
    let verdict = judge(bundle);
    if json {
        say!("{}", as_json(bundle, &verdict));
    } else {
        print(&bundle.docket, &verdict);
    }
    verdict.is_ok()
}

fn print(docket: &Docket, verdict: &Result<Proven, Disproven>) {
    match verdict {
        Ok(proven) => {
            let spec = &docket.facts.spec;
            let place = names::place(spec, proven.unit, docket.facts.deltas.len(), &proven.finding);
            let f = &proven.finding;
            say!("PROVEN by arithmetic: this claim is wrong");
            say!("accused   {}", proven.accused);
            say!("network   {}", proven.network);
            say!("dispute   {}, {} moves", proven.dispute, proven.moves);
            say!("at        {}", coordinates(docket));
            say!("op        {} in {}, element {:?}", place.op, place.tensor, place.index);
            say!("claimed   {}", names::bits(f.claimed_bits));
            say!("right     {}", names::bits(f.right_bits));
            if let Some(ulp) = ulp_distance(f.claimed_bits, f.right_bits) {
                say!("distance  {ulp} ULP");
            }
        }
        Err(reason) => say!("DISPROVEN: {reason}"),
    }
    let delegations = verdict.as_ref().map_or(&[][..], |proven| &proven.delegations[..]);
    super::relative::print(docket, delegations);
}

/// Where the disputed unit is in its run.
pub(super) fn coordinates(docket: &Docket) -> String {
    let slot = if let Claim::Segment(signed) = &docket.claim { Some(signed.commitment.slot) } else { None };
    names::coordinates(docket.facts.round, slot, docket.unit)
}

fn as_json(bundle: &Bundle, verdict: &Result<Proven, Disproven>) -> Value {
    let docket = &bundle.docket;
    let delegations = verdict.as_ref().map_or(&[][..], |proven| &proven.delegations[..]);
    let relative: Vec<Value> = relative_to(docket)
        .into_iter()
        .chain(delegated(delegations))
        .map(|(fact, value)| json!({ "fact": fact, "value": value }))
        .collect();
    match verdict {
        Ok(p) => {
            let place = names::place(&docket.facts.spec, p.unit, docket.facts.deltas.len(), &p.finding);
            json!({
                "verdict": "proven",
                "kind": "proved by arithmetic",
                "accused": p.accused.to_string(),
                "network": p.network.to_string(),
                "dispute": p.dispute.to_string(),
                "at": coordinates(docket),
                "op": place.op,
                "tensor": place.tensor,
                "index": place.index,
                "claimed_bits": names::bits(p.finding.claimed_bits),
                "right_bits": names::bits(p.finding.right_bits),
                "ulp_distance": ulp_distance(p.finding.claimed_bits, p.finding.right_bits),
                "relative_to": relative,
            })
        }
        Err(reason) => {
            json!({ "verdict": "disproven", "reason": reason.to_string(), "relative_to": relative })
        }
    }
}
