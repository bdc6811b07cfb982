//! `GET /metrics`: counters of this node in the OpenMetrics text format (W-3.10).

use crate::rpc::asked::Asked;
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(in crate::rpc) fn row() -> Row {
    Row::bytes("/metrics", "Counters of this node, as OpenMetrics text", OPEN_METRICS, look)
}

fn look(door: &Door, _: &Asked) -> Result<Vec<u8>, Refused> {
    Ok(door.board.metrics().text().into_bytes())
}
