//! `GET /health` and `GET /ready`: for whoever restarts nodes and for whoever sends them work (W-3.10).

use super::status::{age_ms, is_behind};
use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A node that answers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Height of the last block.
    pub height: u64,
    /// How long ago its time was, in milliseconds.
    pub tip_age_ms: u64,
}

pub(in crate::rpc) fn health() -> Row {
    Row::look("/health", "This process answers", &[], look)
}

pub(in crate::rpc) fn ready() -> Row {
    Row::look("/ready", "This node has the network's last blocks; 503 while it is behind", &[], look_ready)
}

fn look(door: &Door, _: &Asked) -> Result<Health, Refused> {
    let now = door.board.read(|state| state.now().copied()).map_err(Refused::fault)?;
    Ok(Health { height: now.height.0, tip_age_ms: age_ms(now.time_ms) })
}

fn look_ready(door: &Door, asked: &Asked) -> Result<Health, Refused> {
    let health = look(door, asked)?;
    if !is_behind(door) {
        return Ok(health);
    }
    let Health { height, tip_age_ms } = health;
    let message = format!("the last block, {height}, is {} s old", tip_age_ms / 1000);
    let hint = "the node is catching up or the network has halted: /v1/status says which height it is at";
    Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "catching_up", message, hint))
}
