//! The game itself, explored: every move of an alphabet by one side, at every turn, against the other's player.
//!
//! The model checker is `stateright`; the states are real games, and what is played are signed moves. A game by
//! faulty rules (`mutants`) must be found out by the property that it breaks. V-4.1 has the properties: I1 to I3.

mod alphabet;
mod arena;
mod bench;
mod games;
mod mutants;
mod rules;
