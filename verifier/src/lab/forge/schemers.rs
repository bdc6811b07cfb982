//! Accused who scheme: another trace than the one they ran, and chains made up to fit the lie (V-4.9).

use super::super::LabError;
use super::super::bench::{Bench, Case};
use super::super::draws::Draws;
use super::super::lie::Lie;
use super::super::table::{Hand, Table};
use super::{Answer, Stand, Strategy, convict, told};
use crate::digest::Digest;
use crate::game::{Game, Move, Phase, Side};
use crate::player::Player;
use crate::segment::Honest;
use crate::unit::Unit;
use retrace_model::RunSpec;
use retrace_model::op::{Kind, LANES};
use retrace_model::program::Home;

const CLAIM: &str = "two stories about one unit";
const CHAIN: &str = "made-up accumulators";
const UNIT: Unit = Unit::Step(1);

/// The table of these strategies.
pub(super) const STRATEGIES: [Strategy; 6] = [
    ("true-trace", CLAIM, "posts the true trace of a claim that is false", |s| {
        let case = lie(&s.plain, Kind::Gelu)?;
        convict(&s.plain, &with_trace(case, |case| case.honest.outputs.clone()))
    }),
    ("foreign-trace", CLAIM, "posts another run's trace of a claim that is true", foreign_trace),
    ("two-traces", CLAIM, "posts one trace in one dispute and another in the next", two_traces),
    ("made-up-lanes", CHAIN, "makes up lane totals that join to the lie", |s| {
        made_up(&s.plain, Kind::RowDot)
    }),
    ("made-up-chain", CHAIN, "makes up accumulators that end at the lie", |s| {
        made_up(&s.plain, Kind::MatMul)
    }),
    ("withholding", "unattributable withholding", "answers nothing once it is disputed", withholding),
];

/// A lie of middling size in the last row of a kind.
pub(super) fn lie(bench: &Bench, kind: Kind) -> Result<Case, LabError> {
    let honest = bench.honest(UNIT)?;
    let row = honest.program.rows.iter().rposition(|row| row.kind == kind).ok_or(LabError::Unit)?;
    bench.case(UNIT, &Lie { unit: UNIT, row, element: 0, mask: 1 << 22 })
}

/// The case with other outputs at the leaves of the op list.
fn with_trace(mut case: Case, outputs: impl Fn(&Case) -> Vec<Vec<u32>>) -> Case {
    let mut others = outputs(&case);
    let rows = case.accused.program.rows.iter().map(|row| row.home);
    let homes: Vec<Home> = rows.collect();
    for (at, home) in homes.into_iter().enumerate() {
        if matches!(home, Home::Trace(_)) {
            case.accused.outputs[at] = std::mem::take(&mut others[at]);
        }
    }
    case
}

fn foreign_trace(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let foreign = super::bench(RunSpec { seed: [8; 32], ..*bench.spec() }).honest(UNIT)?;
    let case = with_trace(bench.case(UNIT, &Honest)?, |_| foreign.outputs.clone());
    // The claims are true, and still what was posted of them must hold.
    Ok(told(bench, &bench.judge(&case)?))
}

fn two_traces(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let first = convict(bench, &lie(bench, Kind::Gelu)?)?;
    let mut second = with_trace(lie(bench, Kind::Gelu)?, |case| case.honest.outputs.clone());
    second.docket.nonce = Digest([4; 32]);
    let second = convict(bench, &second)?;
    // Either trace convicts by itself; that there are two is the ledger's to see.
    Ok(if matches!(first, Answer::Convicted { .. }) { second } else { first })
}

fn withholding(stand: &Stand) -> Result<Answer, LabError> {
    let case = lie(&stand.plain, Kind::Gelu)?;
    let mut table = Table::open(case.docket, stand.plain.keys())?;
    table.game.expire();
    Ok(match table.game.outcome() {
        Some(outcome) if outcome.winner == Side::Challenger => Answer::Expired,
        _ => Answer::Survived("the clock did not decide against the silent side".into()),
    })
}

fn made_up(bench: &Bench, kind: Kind) -> Result<Answer, LabError> {
    let case = lie(bench, kind)?;
    if case.absorbed {
        return Ok(Answer::Survived("what is claimed is true".into()));
    }
    let mut schemer = Schemer::new(bench.player(Side::Accused, &case.accused), 0);
    let mut challenger = bench.player(Side::Challenger, &case.honest);
    let hands: [Hand; 2] = [&mut |game| schemer.reply(game), &mut |game| challenger.reply(game)];
    Ok(told(bench, &bench.judge_hands(case.docket.clone(), hands)?))
}

/// An accused that opens what it has, but makes up what only has to fit: lane totals and accumulators.
pub struct Schemer {
    player: Player,
    draws: Draws,
}

impl Schemer {
    /// A schemer that otherwise plays as `player` does; what it makes up follows from the seed.
    pub fn new(player: Player, seed: u64) -> Schemer {
        Schemer { player, draws: Draws::new(seed, 0) }
    }

    /// The move that is due from the accused; none where it has no answer.
    pub fn reply(&mut self, game: &Game) -> Option<Move> {
        let draws = &mut self.draws;
        match (self.player.reply(game)?, game.phase()) {
            (Move::Totals(_), Phase::Totals(spot)) => {
                // Lanes that do not count: -0 in a sum, the smallest value in a maximum.
                let neutral = if spot.row.kind == Kind::RowMax { 0xFF80_0000 } else { 0x8000_0000 };
                let mut totals = [neutral; LANES];
                totals[draws.below(LANES as u64) as usize] = spot.claimed;
                Some(Move::Totals(totals))
            }
            (Move::Partials(mut words), Phase::Partials(span)) => {
                let from = draws.below(words.len() as u64) as usize;
                for word in &mut words[from..] {
                    *word = draws.word() as u32 & 0xBFFF_FFFF;
                }
                *words.last_mut()? = span.after;
                Some(Move::Partials(words))
            }
            (body, _) => Some(body),
        }
    }
}
