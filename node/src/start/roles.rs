//! The roles of a node, each on a thread of its own.

use super::StartError;
use crate::config::Config;
use crate::keys::Keystore;
use crate::network::Board;
use crate::roles::{Archivist, Attester, Identity, Role, SignedSlots, Trainer, Verifier, run_until_stopped};
use crate::strategy::{Strategy, TestNetwork};
use retrace_ledger::Role as AccountRole;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Starts every role that the configuration names.
pub(super) fn spawn(
    board: &Arc<Board>,
    config: &Config,
    keys: &Keystore,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    let identity =
        || Identity { name: config.node.name.clone(), key: keys.stake.clone(), engine: config.engine() };
    let mut threads = Vec::new();
    // Whoever has nothing else to do keeps the archive; the others keep what their work needs.
    let kinds: &[AccountRole] =
        if config.node.roles.is_empty() { &[AccountRole::Auditor] } else { &config.node.roles };
    for kind in kinds {
        let mut role: Box<dyn Role> = match kind {
            AccountRole::Auditor => Box::new(Archivist::new(identity())),
            AccountRole::Validator => Box::new(Attester::new(identity())),
            AccountRole::Verifier => Box::new(Verifier::new(identity()).lying(strategy(board, config))),
            AccountRole::Trainer => Box::new(trainer(board, config, identity())?),
            AccountRole::Sponsor => continue,
        };
        let board = Arc::clone(board);
        let thread = std::thread::Builder::new().name(crate::config::role_name(*kind).into());
        let spawned = thread.spawn(move || run_until_stopped(&board, role.as_mut()));
        threads.push(spawned.map_err(|source| StartError::Runtime { source })?);
    }
    Ok(threads)
}

fn trainer(board: &Board, config: &Config, identity: Identity) -> Result<Trainer, StartError> {
    let signed = SignedSlots::open(board.home().path().join("signed"))?;
    Ok(Trainer::new(identity, strategy(board, config), signed))
}

/// How this node lies. Without the proof of a test network there is no way to a strategy; the configuration was
/// refused before.
fn strategy(board: &Board, config: &Config) -> Option<(Strategy, TestNetwork)> {
    config.strategy.zip(TestNetwork::of(board.genesis()))
}
