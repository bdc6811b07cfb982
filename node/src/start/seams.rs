//! The board as agreement sees it.

use crate::consensus::Ledger;
use crate::network::Board;
use ed25519_dalek::SigningKey;
use retrace_ledger::{
    Block, BlockError, Body, Certificate, CheckedBlock, Fault, Head, Height, ProposerSecrets, Signed,
    Transaction, ValidatorSet,
};
use retrace_verifier::digest::Digest;
use std::sync::Arc;
use tokio::sync::broadcast;

/// The name under which agreement fails.
pub(super) const CONSENSUS: &str = "consensus";

/// The board, and the stake key with which its validator accuses others.
pub(super) struct ValidatorBoard {
    pub board: Arc<Board>,
    pub stake: SigningKey,
}

impl Ledger for ValidatorBoard {
    fn network(&self) -> Digest {
        self.board.network()
    }

    fn head(&self) -> Head {
        self.board.head()
    }

    fn standing(&self) -> (Head, ValidatorSet) {
        self.board.standing()
    }

    fn has_pending(&self) -> bool {
        self.board.has_pending()
    }

    fn admitted(&self) -> broadcast::Receiver<Arc<Signed<Transaction>>> {
        self.board.admitted()
    }

    fn build(&self, secrets: &ProposerSecrets, time_ms: u64) -> Result<CheckedBlock, BlockError> {
        self.board.build(secrets, time_ms)
    }

    fn check(&self, block: &CheckedBlock) -> Result<(), BlockError> {
        self.board.check(block)
    }

    fn omission(&self, block: &CheckedBlock) -> Result<Option<Digest>, Fault> {
        self.board.omission(block)
    }

    fn apply(&self, block: &CheckedBlock, certificate: &Certificate) -> Result<(), BlockError> {
        self.board.apply(block, certificate)
    }

    fn block(&self, height: Height) -> Result<Option<(Block, Certificate)>, Fault> {
        self.board.block(height)
    }

    fn accuse(&self, accusation: Body) {
        self.board.submit(&self.stake, accusation);
    }

    fn cannot_go_on(&self, reason: &str) {
        self.board.fail(CONSENSUS, reason);
    }

    fn refused(&self, kind: &'static str, reason: &'static str) {
        self.board.metrics().refused(kind, reason);
    }
}
