//! Griefing on purpose: false challengers by the thousand against honest accused, and liars who use the rules of
//! disputes for themselves, all by transactions on a chain in memory (L-5.8 to L-5.16).
//!
//! ```text
//! network      keys, one validator, blocks           bench        a small run, trained, drawn, attested
//! challenger   what a false challenger plays         siege        disputes in parallel until all have ended
//! liars        disputes that are lost on purpose, and two trace roots for one unit
//! ```
//!
//! Nothing here runs in a network. What is drawn follows from the seed; the report holds integers only.

mod bench;
mod challenger;
mod liars;
mod network;
mod siege;

pub use challenger::{Group, STRATEGIES, Strategy};

use crate::amount::Amount;
use crate::block::BlockError;
use crate::chain::ChainError;
use crate::fault::Fault;
use crate::transaction::TransactionInvalid;
use siege::Tally;
use std::fmt;

/// Disputes of one network; then another one is made, so that memory stays bounded.
const DISPUTES_OF_A_NETWORK: u32 = 500;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Griefing {
    /// What is drawn.
    pub seed: u64,
    /// Disputes by false challengers.
    pub disputes: u32,
    /// What a byte in the lane of disputes costs the accused, in millionths of a unit of value: the network's
    /// `lane_byte_price_ppm` (L-2.2), or another to see what it does.
    pub byte_price_ppm: u32,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Disputes by false challengers that were played to their end.
    pub disputes: u32,
    /// Those that an honest accused lost.
    pub honest_lost: u32,
    /// Disputes by how their challengers played.
    pub random: u32,
    /// As above.
    pub adversarial: u32,
    /// As above.
    pub stalling: u32,
    /// Of all disputes, those that the challenger's clock decided.
    pub stalled: u32,
    /// Moves that a rule refused.
    pub moves_refused: u32,
    /// Most that a defense cost, in parts per million of the challenger's bond.
    pub defender_cost_ppm_of_bond: u64,
    /// Most bytes that an accused posted in one dispute.
    pub defender_bytes_max: u64,
    /// Bonds that false challengers lost.
    pub bonds_slashed: u32,
    /// Value that they lost with them.
    pub value_slashed: Amount,
    /// True if no block changed the sum of all value, escrows included.
    pub escrow_conserved: bool,
    /// Liars that were not convicted after disputes that their friends lost on purpose.
    pub staged_saved_liar: u32,
    /// Disputes lost on purpose.
    pub staged_lost: u32,
    /// True if two trace roots for one unit convict, both in blocks and one of them shown by a third party.
    pub two_traces_convicted: bool,
}

impl Report {
    /// True if no honest accused lost, every false challenger lost its bond, which was more than the defense cost, no
    /// liar got away, and no value came or went.
    pub fn holds(&self) -> bool {
        self.honest_lost == 0
            && self.bonds_slashed == self.disputes
            && self.defender_cost_ppm_of_bond < 1_000_000
            && self.staged_saved_liar == 0
            && self.two_traces_convicted
            && self.escrow_conserved
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |holds: bool| if holds { "yes" } else { "NO" };
        let share = self.defender_cost_ppm_of_bond / 1_000;
        writeln!(f, "disputes          {}", self.disputes)?;
        writeln!(
            f,
            "how they played   at random {}, adversarially {}, stalling {}",
            self.random, self.adversarial, self.stalling
        )?;
        writeln!(f, "honest who lost   {}", self.honest_lost)?;
        writeln!(f, "dearest defense   {}.{} % of the challenger's bond", share / 10, share % 10)?;
        writeln!(f, "bonds slashed     {}, worth {}", self.bonds_slashed, self.value_slashed.0)?;
        writeln!(f, "decided by clock  {}; moves refused {}", self.stalled, self.moves_refused)?;
        writeln!(f, "value conserved   {}", yes(self.escrow_conserved))?;
        writeln!(
            f,
            "staged disputes   {} lost on purpose, {} liars saved by it",
            self.staged_lost, self.staged_saved_liar
        )?;
        writeln!(f, "two traces        convicted: {}", yes(self.two_traces_convicted))
    }
}

/// Why the lab cannot go on: none of it is an answer to what it asks.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A transaction that has to be valid was refused.
    #[error("refused: {0}")]
    Refused(TransactionInvalid),
    /// A block was refused.
    #[error("block: {0}")]
    Block(#[from] BlockError),
    /// The chain does not open.
    #[error("chain: {0}")]
    Chain(#[from] ChainError),
    /// The ledger's own fault.
    #[error("fault: {0}")]
    Fault(#[from] Fault),
    /// Something that holds in every network of the lab does not.
    #[error("does not hold: {0}")]
    Setup(&'static str),
}

/// Steele, Lea and Flood's splitmix64.
pub(crate) struct Draw(u64);

impl Draw {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Plays all of it; `progress` hears how many disputes have ended.
///
/// # Errors
/// When the lab's own network does not work; a lost dispute is no error but a number in the report.
pub fn griefing(what: Griefing, progress: &mut dyn FnMut(u32)) -> Result<Report, LabError> {
    let mut draw = Draw(what.seed);
    let mut tally = Tally { is_conserved: true, ..Tally::default() };
    let mut left = what.disputes;
    while left > 0 {
        let now = left.min(DISPUTES_OF_A_NETWORK);
        siege::play(now, what.byte_price_ppm, &mut draw, &mut tally)?;
        left -= now;
        progress(what.disputes - left);
    }
    let staged = liars::staged(&mut draw)?;
    let traces = liars::two_traces()?;
    let mut report = tally.report();
    report.staged_saved_liar = u32::from(!staged.is_convicted);
    report.staged_lost = staged.lost;
    report.two_traces_convicted = traces.is_convicted;
    report.escrow_conserved &= staged.is_conserved && traces.is_conserved;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::{Griefing, griefing};

    /// L-5.8 to L-5.11, L-5.14 to L-5.16: every strategy loses its bond to an honest accused, and the report follows from
    /// the seed alone; a liar is convicted in spite of its friends, and by two traces.
    #[test]
    fn false_challengers_lose_their_bonds_and_liars_their_locks() {
        let what = Griefing { seed: 7, disputes: 27, byte_price_ppm: 1_000 };
        let report = griefing(what, &mut |_| {}).unwrap();
        assert!(report.holds(), "{report:?}");
        assert_eq!((report.disputes, report.bonds_slashed, report.value_slashed.0), (27, 27, 27_000));
        assert_eq!((report.random, report.adversarial, report.stalling), (6, 15, 6));
        assert!(report.stalled >= 6 && report.moves_refused > 0 && report.staged_lost > 0, "{report:?}");
        assert_eq!(griefing(what, &mut |_| {}).unwrap(), report);
    }

    /// A byte may be so dear that a defense costs more than the bond: the report says so.
    #[test]
    fn a_dear_lane_is_told() {
        let what = Griefing { seed: 7, disputes: 9, byte_price_ppm: 1_000_000 };
        let report = griefing(what, &mut |_| {}).unwrap();
        assert!(report.defender_cost_ppm_of_bond > 1_000_000 && !report.holds(), "{report:?}");
        let percent = report.defender_cost_ppm_of_bond / 10_000;
        let line = format!("dearest defense   {percent}.");
        assert!(report.to_string().contains(&line), "{line} in {report}");
    }
}
