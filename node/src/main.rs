//! `retrace`: one binary, one noun or verb each. Exit 0 yes, 1 no or failed, 2 usage or unreadable input.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod cli;
mod config;
mod consensus;
mod data;
mod demo;
mod devnet;
mod doctor;
mod events;
mod home;
mod init;
mod keys;
mod names;
mod network;
mod roles;
mod rpc;
mod start;
mod strategy;
mod submit;
mod swarm;
mod train;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
