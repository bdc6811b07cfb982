//! Bodies of requests: bounded, then read; and hexadecimal digits, in one spelling (W-3.2).

use super::limits::UPLOAD_PATIENCE;
use super::refused::Refused;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::StatusCode;
use futures::StreamExt;

/// All of a body, if it is at most this long.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Refused> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = next(&mut stream).await? {
        if bytes.len() + chunk.len() > limit {
            return Err(Refused::too_long(limit as u64));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// The next chunk of a body; none at its end.
pub async fn next(stream: &mut BodyDataStream) -> Result<Option<Bytes>, Refused> {
    match tokio::time::timeout(UPLOAD_PATIENCE, stream.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(Some(Err(error))) => {
            let message = format!("the body cannot be read: {error}");
            Err(Refused::new(StatusCode::BAD_REQUEST, "body", message, "send it again, whole"))
        }
        Err(_) => Err(Refused::slow("the body stopped coming")),
    }
}

/// Bytes from lowercase hexadecimal digits.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(nibble(high)? << 4 | nibble(low)?)).collect()
}
