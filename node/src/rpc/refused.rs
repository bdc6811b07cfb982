//! A refusal as the door says it: a status, a name for programs, a sentence and a hint for people (W-3.3).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The refusal.
    pub error: ErrorWords,
}

/// What was refused and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorWords {
    /// A name that never changes: programs compare it.
    pub name: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status.
    pub status: StatusCode,
    /// Its name.
    pub name: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Refused {
    /// A refusal in full.
    pub fn new(
        status: StatusCode,
        name: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Refused {
        Refused { status, name, message: message.into(), hint: hint.into() }
    }

    /// There is no such thing.
    pub fn unknown(what: &str, id: impl std::fmt::Display) -> Refused {
        let message = format!("there is no {what} {id}");
        let hint = "it may be on another network, or this node is still catching up: see /v1/status";
        Refused::new(StatusCode::NOT_FOUND, "unknown", message, hint)
    }

    /// A parameter does not read.
    pub fn parameter(name: &str, text: &str, expected: &str) -> Refused {
        let shown: String = text.chars().take(80).collect();
        let message = format!("{name} is {shown:?}, expected {expected}");
        Refused::new(
            StatusCode::BAD_REQUEST,
            "parameter",
            message,
            "/openapi.json lists what each method takes",
        )
    }

    /// Too much is going on.
    pub fn busy(what: &str, limit: usize) -> Refused {
        let message = format!("{what} are limited to {limit} at once, and all are taken");
        Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            message,
            "try again in a moment, or ask another node",
        )
    }

    /// A body or an upload is too long.
    pub fn too_long(limit: u64) -> Refused {
        let message = format!("the body is longer than {limit} bytes");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "too_long", message, "specs/rpc.md lists the limits")
    }

    /// The client was too slow, or the answer was.
    pub fn slow(message: impl Into<String>) -> Refused {
        Refused::new(StatusCode::REQUEST_TIMEOUT, "time_out", message, "try again, or ask for less at once")
    }

    /// This node failed, not the request.
    pub fn fault(error: impl std::fmt::Display) -> Refused {
        let message = format!("this node failed: {error}");
        let hint = "the request may be right: ask another node, and look into this one's log";
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", message, hint)
    }

    /// The body of the answer.
    pub fn body(&self) -> ErrorBody {
        let (name, message, hint) = (self.name.into(), self.message.clone(), self.hint.clone());
        ErrorBody { error: ErrorWords { name, message, hint } }
    }
}

/// The name of a refusal, left in its response for whoever counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedName(pub &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let name = RefusedName(self.name);
        let mut response = (self.status, Json(self.body())).into_response();
        response.extensions_mut().insert(name);
        response
    }
}
