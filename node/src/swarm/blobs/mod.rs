//! Blobs: content addressed, verified while they stream, from several peers at once (W-2.9, W-2.10).
//!
//! ```text
//! Describe --> a length, or digests of tensors          proved by the name before anything else is asked for
//! Slices   --> hashes and at most 128 KiB of bytes      verified on arrival, then written to partial/NAME
//! whole    --> hashed once more, renamed to blobs/NAME
//! ```
//!
//! What is here belongs to two sides: the shelf answers others, and a fetch asks them.

mod fetch;
mod jobs;
mod layout;
mod offers;
mod partial;
mod shelf;
mod slice;

pub(super) use jobs::Jobs;
pub(super) use partial::sweep;
pub(super) use shelf::Shelf;
