//! The roles of a node, each on a thread of its own.

use super::StartError;
use crate::config::{Config, DEFENDER};
use crate::keys::Keystore;
use crate::network::Board;
use crate::roles::{
    Archivist, Attester, Defender, Identity, Role, SignedSlots, Trainer, Verifier, run_until_stopped,
};
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
    let mut roles: Vec<(&str, Box<dyn Role>)> = Vec::new();
    // Whoever has nothing else to do keeps the archive; the others keep what their work needs.
    let is_idle = config.node.roles.is_empty() && config.node.defends.is_empty();
    let kinds: &[AccountRole] = if is_idle { &[AccountRole::Auditor] } else { &config.node.roles };
    for kind in kinds {
        let role: Box<dyn Role> = match kind {
            AccountRole::Auditor => Box::new(Archivist::new(identity())),
            AccountRole::Validator => Box::new(Attester::new(identity())),
            AccountRole::Verifier => Box::new(Verifier::new(identity()).lying(strategy(board, config))),
            AccountRole::Trainer => Box::new(trainer(board, config, identity())?),
            AccountRole::Sponsor => continue,
        };
        roles.push((crate::config::role_name(*kind), role));
    }
    if !config.node.defends.is_empty() {
        roles.push((DEFENDER, Box::new(Defender::new(identity(), config.node.defends.clone()))));
    }
    let spawn = |(name, mut role): (&str, Box<dyn Role>)| {
        let (board, thread) = (Arc::clone(board), std::thread::Builder::new().name(name.into()));
        thread.spawn(move || run_until_stopped(&board, role.as_mut()))
    };
    let spawned = roles.into_iter().map(spawn).collect::<Result<_, _>>();
    spawned.map_err(|source| StartError::Runtime { source })
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
