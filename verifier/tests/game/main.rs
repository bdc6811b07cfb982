//! The dispute game under attack: every refusal by name, liars, false accusers, forged frames, damaged evidence.

mod accusers;
mod contradictions;
mod defense;
mod dockets;
mod evidence;
mod forgers;
mod liars;
mod refusals;
mod replay;
mod reruns;
mod rows;
mod schemers;
mod table;
mod world;
