//! `PUT /v1/blobs/{name}`: takes a token shard that an open run names, and nothing else (W-3.6).

use crate::rpc::asked::Asked;
use crate::rpc::body;
use crate::rpc::door::{Door, enter};
use crate::rpc::limits::{UPLOAD_BYTES_MAX, UPLOADS_MAX};
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use retrace_ledger::{Phase, State as Ledger};
use retrace_verifier::digest::Digest;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::sync::Arc;
use tempfile::NamedTempFile;
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod;

/// A blob that this node now has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

pub(in crate::rpc) fn row() -> Row {
    let says = "Takes a token shard that an open run's manifest names; kept only if its BLAKE3 is its name";
    Row::take::<Kept, _>(HttpMethod::Put, "/v1/blobs/{name}", says, upload)
}

async fn upload(State(door): State<Arc<Door>>, asked: Asked, body: Body) -> Result<Json<Kept>, Refused> {
    asked.expect(&[])?;
    let name = asked.digest("name")?;
    let _room = enter(&door.gates.uploads, "blobs being written", UPLOADS_MAX)?;
    let wanted =
        door.look(move |door| door.board.read(|state| wanted(state, &name)).ok_or_else(unwanted)).await?;
    if wanted > UPLOAD_BYTES_MAX {
        return Err(Refused::too_long(UPLOAD_BYTES_MAX));
    }
    let bytes = receive(&door, &name, wanted, body).await?;
    Ok(Json(Kept { name: name.to_string(), bytes }))
}

/// The length of the shard of this name, if a run that is not finished names it.
fn wanted(state: &Ledger, name: &Digest) -> Option<u64> {
    let is_open = |id: &Digest| state.progress(id).is_some_and(|progress| progress.phase != Phase::Finished);
    let open = state.runs().filter(|(id, _)| is_open(id));
    let mut shards = open.flat_map(|(_, run)| run.terms.manifest.iter());
    shards.find(|shard| shard.digest == *name).map(|shard| shard.bytes)
}

fn unwanted() -> Refused {
    let message = "no open run's manifest names this blob";
    let hint = "only token shards are taken over HTTP: everything else is published by the role that made it";
    Refused::new(StatusCode::FORBIDDEN, "unwanted", message, hint)
}

fn other_bytes() -> Refused {
    let hint = "the name is the BLAKE3 of the bytes: what b3sum prints";
    Refused::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "wrong_bytes",
        "the bytes are not the ones that the name says",
        hint,
    )
}

/// Writes chunks beside the blobs, and gives them their name only when they are what it says.
async fn receive(door: &Arc<Door>, name: &Digest, wanted: u64, body: Body) -> Result<u64, Refused> {
    let path = door.blob_path(name);
    let folder = path.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    let mut file = NamedTempFile::new_in(&folder).map_err(Refused::fault)?;
    let mut hasher = blake3::Hasher::new();
    let mut stream = body.into_data_stream();
    let mut length = 0u64;
    while let Some(chunk) = body::next(&mut stream).await? {
        length = length.saturating_add(chunk.len() as u64);
        if length > wanted {
            return Err(other_bytes());
        }
        let write = move || -> std::io::Result<_> {
            hasher.update(&chunk);
            file.write_all(&chunk)?;
            Ok((file, hasher))
        };
        (file, hasher) =
            tokio::task::spawn_blocking(write).await.map_err(Refused::fault)?.map_err(Refused::fault)?;
    }
    if length != wanted || Digest::from(hasher.finalize()) != *name {
        return Err(other_bytes());
    }
    let keep =
        move || file.as_file().sync_all().and_then(|()| file.persist(path).map(drop).map_err(|e| e.error));
    tokio::task::spawn_blocking(keep).await.map_err(Refused::fault)?.map_err(Refused::fault)?;
    Ok(length)
}
