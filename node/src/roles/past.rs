//! What the chain's blocks say of a dispute: its moves, and the keys that were in force when they were made (W-5.4).

use super::RoleError;
use super::disputes::Due;
use crate::network::Board;
use retrace_ledger::{Block, Body, Height};
use retrace_verifier::signature::PeerKey;
use retrace_verifier::{Side, SignedMove};

/// A dispute's past.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The moves that brought the game where it is, in order.
    pub moves: Vec<SignedMove>,
    /// Defense keys that signed them, perhaps with others that the parties have had.
    pub keys: Vec<PeerKey>,
}

impl Past {
    /// Reads the blocks since the dispute was opened, and those before it only where a move is signed by a key that was
    /// registered before and is in force no longer.
    pub(super) fn of(board: &Board, due: &Due) -> Result<Past, RoleError> {
        let parties = [Side::Accused, Side::Challenger].map(|side| due.game.key(side));
        let now = board.read(|state| parties.map(|party| state.defense_key(&party)));
        let mut past = Past { moves: Vec::new(), keys: now.into_iter().flatten().collect() };
        let count = usize::from(due.game.number());
        let mut height = due.opened;
        while past.moves.len() < count {
            let Some((block, _)) = board.block(height)? else { break };
            past.keys.extend(delegated(&block, &parties));
            past.moves.extend(block.transactions.into_iter().filter_map(|wire| match wire.body.body {
                Body::Play(play) if play.signed.dispute == due.id => Some(play.signed),
                _ => None,
            }));
            height = height.after(1);
        }
        past.moves.truncate(count);
        let is_strange =
            |signed: &SignedMove, keys: &[PeerKey]| signed.signer(&due.game.key(signed.side), keys).is_err();
        let mut strange: Vec<&SignedMove> = past.moves.iter().filter(|m| is_strange(m, &past.keys)).collect();
        let mut height = due.opened.0;
        while height > 1 && !strange.is_empty() {
            height -= 1;
            let Some((block, _)) = board.block(Height(height))? else { break };
            let found: Vec<PeerKey> = delegated(&block, &parties).collect();
            strange.retain(|signed| is_strange(signed, &found));
            past.keys.extend(found);
        }
        Ok(past)
    }
}

/// The defense keys that a block registers for some accounts.
fn delegated<'a>(block: &'a Block, parties: &'a [PeerKey]) -> impl Iterator<Item = PeerKey> + 'a {
    block.transactions.iter().filter_map(|wire| match &wire.body.body {
        Body::Delegate(body) if parties.contains(&body.signed.delegation.account) => {
            body.signed.delegation.defense_key()
        }
        _ => None,
    })
}
