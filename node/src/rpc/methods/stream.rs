//! `GET /v1/events/stream`: one server-sent event a block, from any height on, resumable (W-3.7).
//!
//! ```text
//! id: HEIGHT
//! event: block
//! data: {"height", "block", "time_ms", "state_root", "transactions": [ids], "events": [as in /v1/events]}
//! ```

use super::events::block_words;
use crate::rpc::asked::{Asked, Parameter};
use crate::rpc::door::{Door, enter};
use crate::rpc::limits::{KEEP_ALIVE, STREAMED_BYTES_MAX, STREAMS_MAX};
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use retrace_ledger::{Height, Signable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};

/// A block on the stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamedBlock {
    /// Its height.
    pub height: u64,
    /// Its id.
    pub block: String,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// The state root after it.
    pub state_root: String,
    /// Ids of its transactions.
    pub transactions: Vec<String>,
    /// What happened in it; none where that is too long for a stream: `/v1/events` has it in pages.
    pub events: Option<Vec<Value>>,
}

const AFTER: Parameter = Parameter {
    name: "after",
    says: "begin with the block after this height; the header Last-Event-ID says the same. If left out, the next block",
};

pub(in crate::rpc) fn row() -> Row {
    let says = "One event a block, as it is applied";
    Row::stream("/v1/events/stream", says, &[AFTER], "text/event-stream", follow)
}

struct Follower {
    door: Arc<Door>,
    next: u64,
    applied: broadcast::Receiver<crate::network::Applied>,
    closing: watch::Receiver<bool>,
    _room: OwnedSemaphorePermit,
}

async fn follow(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    asked.expect(&[AFTER])?;
    let room = enter(&door.gates.streams, "followers of the events", STREAMS_MAX)?;
    // Listen first, look then: a block between the two is looked for once more, not missed.
    let applied = door.board.applied();
    let head = door.look(|door| Ok(door.board.head().height.0)).await?;
    let seen = match last_event_id(&headers)? {
        Some(height) => Some(height),
        None => asked.number_of("after")?,
    };
    let next = seen.unwrap_or(head).saturating_add(1);
    let closing = door.closing.clone();
    let follower = Follower { door, next, applied, closing, _room: room };
    let stream = futures::stream::unfold(follower, next_event);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Refused> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or("?");
    text.parse().map(Some).map_err(|_| Refused::parameter("Last-Event-ID", text, "a height"))
}

/// The next block's event, once there is one; none when the node stops or its store fails.
async fn next_event(mut follower: Follower) -> Option<(Result<Event, Infallible>, Follower)> {
    loop {
        if *follower.closing.borrow() {
            return None;
        }
        let height = follower.next;
        let found = follower.door.look(move |door| streamed(door, height)).await.ok()?;
        if let Some(data) = found {
            follower.next = height.saturating_add(1);
            let event = Event::default().id(height.to_string()).event("block").data(data);
            return Some((Ok(event), follower));
        }
        tokio::select! {
            heard = follower.applied.recv() => if matches!(heard, Err(RecvError::Closed)) { return None },
            // The sender's end is the door's end.
            _ = follower.closing.changed() => {}
        }
    }
}

/// A block as JSON; none before it is applied.
fn streamed(door: &Door, height: u64) -> Result<Option<String>, Refused> {
    if height > door.board.head().height.0 {
        return Ok(None);
    }
    let found = door.board.block(Height(height)).map_err(Refused::fault)?;
    let Some((block, _)) = found else { return Ok(None) };
    let events = door.board.events(Height(height)).map_err(Refused::fault)?;
    let words = Some(block_words(height, &events));
    let header = &block.header.body;
    let mut streamed = StreamedBlock {
        height,
        block: block.id().to_string(),
        time_ms: header.time_ms,
        state_root: header.state_root.to_string(),
        transactions: block.transactions.iter().map(|wire| wire.body.id().to_string()).collect(),
        events: words,
    };
    let text = serde_json::to_string(&streamed).map_err(Refused::fault)?;
    if text.len() <= STREAMED_BYTES_MAX {
        return Ok(Some(text));
    }
    streamed.events = None;
    serde_json::to_string(&streamed).map(Some).map_err(Refused::fault)
}
