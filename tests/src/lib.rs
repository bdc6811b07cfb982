//! What the proofs of the whole share: the house rules as checks, and the built binary as a subject.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod binary;
pub mod demo;
pub mod files;
pub mod tidy;
