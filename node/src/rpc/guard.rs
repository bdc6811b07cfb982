//! What stands before every method: room for it, a count of what is refused, JSON for what no method says (W-3.3).

use super::door::{Door, enter};
use super::limits;
use super::listen::Connection;
use super::refused::{Refused, RefusedName};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::sync::Arc;

/// Lets a request to its method if there is room, and counts refusals by name.
pub async fn guard(
    State(door): State<Arc<Door>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let _at_work = connection.at_work();
    let response = match enter(&door.gates.at_work, "requests", limits::IN_FLIGHT_MAX) {
        Ok(_permit) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    if let Some(RefusedName(name)) = response.extensions().get() {
        door.board.metrics().refused("rpc", name);
    }
    response
}

/// No method is there.
pub async fn nowhere(uri: Uri) -> Refused {
    let message = format!("there is no method at {}", uri.path());
    Refused::new(StatusCode::NOT_FOUND, "no_method", message, "/openapi.json lists all methods")
}

/// Another HTTP method is.
pub async fn other_verb(verb: Method, uri: Uri) -> Refused {
    let message = format!("{} does not take {verb}", uri.path());
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "no_method", message, "/openapi.json lists all methods")
}

/// A method broke: the connection goes on.
pub fn broken(_: Box<dyn Any + Send>) -> Response {
    Refused::fault("a method broke; the log says where").into_response()
}
