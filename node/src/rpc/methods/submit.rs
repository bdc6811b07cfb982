//! `POST /v1/transactions`: takes a signed transaction; its id is the receipt that it is on this node's disk (W-3.5).

use crate::network::{Origin, Refusal};
use crate::rpc::body;
use crate::rpc::door::Door;
use crate::rpc::limits::BODY_BYTES_MAX;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod;

/// A transaction as text, for those who cannot send bytes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HexTransaction {
    /// Its canonical bytes with the signature, as lowercase hexadecimal digits.
    pub hex: String,
}

/// The receipt: the transaction is journaled on this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The transaction's id: what `/v1/transactions/{id}` is asked for.
    pub id: String,
}

pub(in crate::rpc) fn row() -> Row {
    let says = "Takes a signed transaction: canonical bytes, or JSON {\"hex\": \"...\"}; its id says that it is journaled";
    Row::take::<Receipt, _>(HttpMethod::Post, "/v1/transactions", says, submit)
}

async fn submit(State(door): State<Arc<Door>>, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let bytes = body::read(body, BODY_BYTES_MAX).await?;
    let is_json =
        headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let bytes = if is_json { from_json(&bytes)? } else { bytes.to_vec() };
    let receipt = door.look(move |door| {
        let id = door.board.admit_bytes(&bytes, Origin::Local).map_err(|refusal| refused(&refusal))?;
        door.json(&Receipt { id: id.to_string() })
    });
    Ok(([(CONTENT_TYPE, "application/json")], receipt.await?).into_response())
}

fn from_json(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let malformed = |what: String| {
        Refused::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            what,
            "send {\"hex\": \"...\"} or the bytes themselves",
        )
    };
    let text: HexTransaction = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    body::from_hex(&text.hex)
        .ok_or_else(|| malformed("hex has other letters than 0-9 and a-f, in pairs".into()))
}

/// A refusal of the mempool in the door's words.
fn refused(refusal: &Refusal) -> Refused {
    let conflict = StatusCode::CONFLICT;
    let (status, hint) = match refusal {
        Refusal::TooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "specs/ledger.md has the limits (L-1.2)"),
        Refusal::Malformed { .. } => {
            (StatusCode::BAD_REQUEST, "specs/ledger.md says what the bytes of a transaction are (L-1.6)")
        }
        Refusal::Network => {
            (conflict, "it was signed for another network: /v1/status says which one this is")
        }
        Refusal::UnknownSigner => (conflict, "the account must exist first: somebody transfers to it"),
        Refusal::Signature => (StatusCode::BAD_REQUEST, "sign it with the key that its signer field names"),
        Refusal::Known => (conflict, "it is here already: /v1/transactions/{id} says what becomes of it"),
        Refusal::NonceUsed { .. } | Refusal::NonceTooFar { .. } | Refusal::NonceTaken { .. } => {
            (conflict, "/v1/accounts/{key} says the last nonce; sign again with the next free one")
        }
        Refusal::Full => (StatusCode::SERVICE_UNAVAILABLE, "wait for the next blocks, then send it again"),
        Refusal::Disk { .. } => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "it was not taken in: ask another node, and look at this one's disk",
        ),
    };
    Refused::new(status, refusal.name(), refusal.to_string(), hint)
}

#[cfg(test)]
mod tests {
    use super::from_json;

    /// W-3.5: text has one form, and anything else is refused by name.
    #[test]
    fn transactions_in_text() {
        assert_eq!(from_json(br#"{"hex":"00ff7a"}"#), Ok(vec![0, 255, 0x7A]));
        for wrong in
            ["", "{}", "[]", r#"{"hex":"0"}"#, r#"{"hex":"0G"}"#, r#"{"hex":"FF"}"#, r#"{"hex":"","x":1}"#]
        {
            let refused = from_json(wrong.as_bytes());
            assert_eq!(refused.map_err(|r| r.name), Err("malformed"), "{wrong}");
        }
    }
}
