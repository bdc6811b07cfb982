//! `GET /v1/blobs/{name}`: a blob's bytes as they lie on this node; the reader checks them against the name (W-3.6).

use crate::rpc::asked::Asked;
use crate::rpc::door::{Door, enter};
use crate::rpc::limits::{CHUNK_BYTES, DOWNLOADS_MAX};
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::stream;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedSemaphorePermit;

pub(in crate::rpc) fn row() -> Row {
    let says = "A blob by its name: a shard, lists, a delta or a state";
    Row::stream("/v1/blobs/{name}", says, &[], "application/octet-stream", download)
}

/// A blob on its way out.
struct Outgoing {
    file: File,
    left: u64,
    _room: OwnedSemaphorePermit,
}

async fn download(State(door): State<Arc<Door>>, asked: Asked) -> Result<Response, Refused> {
    asked.expect(&[])?;
    let name = asked.digest("name")?;
    let room = enter(&door.gates.downloads, "blobs being read", DOWNLOADS_MAX)?;
    let file = match File::open(door.blob_path(&name)).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(Refused::unknown("blob", name)),
        Err(error) => return Err(Refused::fault(error)),
    };
    let length = file.metadata().await.map_err(Refused::fault)?.len();
    let body = Body::from_stream(stream::try_unfold(Outgoing { file, left: length, _room: room }, chunk));
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_string()),
        (CONTENT_LENGTH, length.to_string()),
        // A name stands for its bytes: they never change.
        (CACHE_CONTROL, "public, max-age=31536000, immutable".to_string()),
    ];
    Ok((headers, body).into_response())
}

async fn chunk(mut out: Outgoing) -> io::Result<Option<(Bytes, Outgoing)>> {
    if out.left == 0 {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(CHUNK_BYTES);
    let read = (&mut out.file).take(out.left.min(CHUNK_BYTES as u64)).read_to_end(&mut bytes).await?;
    if read == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    out.left -= read as u64;
    Ok(Some((bytes.into(), out)))
}
