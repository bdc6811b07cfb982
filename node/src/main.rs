//! `retrace`: one binary, one noun or verb each. Exit 0 yes, 1 no or failed, 2 usage or unreadable input.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod cli;
mod data;
mod demo;
mod events;
mod home;
mod names;
mod network;
mod parts;
mod roles;
mod strategy;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
