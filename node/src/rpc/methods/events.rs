//! `GET /v1/events`: what happened, height by height, in words and in fields (W-3.7).

use crate::events::{as_json, sentence};
use crate::rpc::asked::{Asked, LIMIT, Parameter};
use crate::rpc::door::Door;
use crate::rpc::limits::{EVENTS_BYTES, PAGE_MAX, SCAN_MAX};
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_ledger::{Event, Height};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Events, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// Each with `height`, `position`, `event` (its name), `text` (a sentence), `run` where it is of one, and its own fields.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Value>,
    /// The `from` of the next page; none at the end.
    pub next: Option<u64>,
}

const FROM: Parameter = Parameter { name: "from", says: "first height; 1 if left out" };
const TO: Parameter = Parameter { name: "to", says: "last height; the head if left out" };

pub(in crate::rpc) fn row() -> Row {
    Row::look(
        "/v1/events",
        "What happened in a span of heights, whole blocks a page",
        &[FROM, TO, LIMIT],
        look,
    )
}

/// A peer by the first digits of its key.
pub fn short(peer: &PeerKey) -> String {
    peer.to_string().chars().take(8).collect()
}

/// An event as the door says it.
pub fn event_words(height: u64, position: u32, event: &Event) -> Value {
    let mut words = as_json(event);
    words["height"] = height.into();
    words["position"] = position.into();
    words["text"] = sentence(event, &short).into();
    if let Some(run) = run_of(event) {
        words["run"] = run.to_string().into();
    }
    words
}

/// All events of a block as the door says them.
pub fn block_words(height: u64, events: &[Event]) -> Vec<Value> {
    (0u32..).zip(events).map(|(position, event)| event_words(height, position, event)).collect()
}

/// The run that an event is of, where it names one.
fn run_of(event: &Event) -> Option<&Digest> {
    match event {
        Event::RunOpened { run, .. }
        | Event::RoundOpened { run, .. }
        | Event::Committed { run, .. }
        | Event::SlotMissed { run, .. }
        | Event::RoundClosed { run, .. }
        | Event::Drawn { run, .. }
        | Event::DisputeOpened { run, .. }
        | Event::Settled { run, .. }
        | Event::Rewarded { run, .. }
        | Event::BasePosted { run, .. }
        | Event::BaseAccepted { run, .. }
        | Event::Attested { run, .. }
        | Event::Voided { run, .. }
        | Event::Decided { run, .. }
        | Event::Tainted { run, .. }
        | Event::BreakerOn { run, .. }
        | Event::SlashDeferred { run, .. }
        | Event::AmnestyVoted { run, .. }
        | Event::SlashForgiven { run, .. }
        | Event::BreakerOff { run, .. }
        | Event::RunFinished { run, .. } => Some(run),
        _ => None,
    }
}

fn look(door: &Door, asked: &Asked) -> Result<Events, Refused> {
    let head = door.board.head().height.0;
    let from = asked.number_of("from")?.unwrap_or(1).max(1);
    let to = asked.number_of("to")?.unwrap_or(head).min(head);
    let limit = asked.number_of("limit")?.map_or(PAGE_MAX, |n| usize::try_from(n).unwrap_or(PAGE_MAX));
    let (mut found, mut bytes, mut height) = (Vec::new(), 0, from);
    while height <= to && found.len() < limit.clamp(1, PAGE_MAX) && bytes < EVENTS_BYTES {
        if height - from >= SCAN_MAX as u64 {
            break;
        }
        let events = door.board.events(Height(height)).map_err(Refused::fault)?;
        let words = block_words(height, &events);
        bytes += words.iter().map(|event| event.to_string().len()).sum::<usize>();
        found.extend(words);
        height += 1;
    }
    Ok(Events { events: found, next: (height <= to).then_some(height) })
}

#[cfg(test)]
mod tests {
    use super::event_words;
    use retrace_ledger::{Amount, Event, RewardReason};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::PeerKey;

    /// W-3.7: an event has a name, a sentence, its place, its run and its own fields.
    #[test]
    fn an_event_says_where_it_is_and_what_it_is() {
        let (run, peer) = (Digest([1; 32]), PeerKey([2; 32]));
        let event = Event::Rewarded { run, peer, amount: Amount(7), reason: RewardReason::Segment };
        let words = event_words(9, 3, &event);
        assert_eq!((&words["height"], &words["position"]), (&9.into(), &3.into()));
        assert_eq!((&words["event"], &words["amount"]), (&"rewarded".into(), &7.into()));
        assert_eq!(words["run"], run.to_string());
        assert_eq!(words["text"], "02020202 is paid 7 (Segment)");
    }
}
