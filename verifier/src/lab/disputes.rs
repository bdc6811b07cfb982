//! Random lies in every op at every place, each played to its judgment and measured (V-4.8).

use super::bench::Case;
use super::cells::{Cell, UNITS, cells};
use super::change::Change;
use super::departure::departure;
use super::draws::Draws;
use super::report::{Disputes, End, Told};
use super::runs::{Run, runs};
use super::{ENVELOPE_BYTES, LabError, Lie, Trial, posted_bytes};
use crate::evidence::{self, Bundle};
use crate::game::{Game, Side, SignedMove};
use crate::replay::Witness;
use crate::segment::Honest;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// Nanoseconds since any moment. The lab has no clock of its own: who runs it lends one.
pub type Clock<'a> = &'a (dyn Fn() -> u64 + Sync);

/// Lies told at most, for each that is asked for.
const TRIES: u64 = 8;

/// What to tell.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Seed of all choices.
    pub seed: u64,
    /// Lies to tell that change a claim, numbered from 0; those that round away come on top.
    pub lies: u64,
    /// Tell the lie of this number alone.
    pub only: Option<u64>,
    /// Threads to tell them on: the report does not depend on it.
    pub threads: usize,
    /// A clock, for how long judging takes.
    pub clock: Clock<'a>,
}

/// Tells lies until as many as asked for have changed a claim; `progress` hears how many were told.
pub fn disputes(options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Disputes, LabError> {
    let start = (options.clock)();
    let runs = runs();
    let cells = cells(&runs);
    let mut told = Vec::new();
    if let Some(only) = options.only {
        told.push(tell(&runs, &cells, options, only));
    }
    while options.only.is_none() && (told.len() as u64) < options.lies.saturating_mul(TRIES) {
        let changed = told.iter().filter(|one| one.end != End::Absorbed).count() as u64;
        let (from, missing) = (told.len() as u64, options.lies.saturating_sub(changed));
        if missing == 0 {
            break;
        }
        // Waves, so that which lies are told does not depend on which thread was first.
        wave(&runs, &cells, options, from..from.saturating_add(missing), &mut |one| {
            told.push(one);
            progress(told.len() as u64);
        });
    }
    let mut report = Disputes { seed: options.seed, ..Disputes::default() };
    report.count(told);
    if options.only.is_none() {
        controls(&runs, options.seed, &mut report)?;
    }
    report.nanoseconds = (options.clock)().saturating_sub(start);
    Ok(report)
}

/// Tells these lies on all threads.
fn wave(runs: &[Run], cells: &[Cell], options: &Options, numbers: Range<u64>, keep: &mut dyn FnMut(Told)) {
    let next = AtomicU64::new(numbers.start);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..options.threads.max(1) {
            let (sender, next, end) = (sender.clone(), &next, numbers.end);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end || sender.send(tell(runs, cells, options, number)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        receiver.into_iter().for_each(keep);
    });
}

/// Tells one lie: op and place by turns, the rest by draws.
fn tell(runs: &[Run], cells: &[Cell], options: &Options, number: u64) -> Told {
    let cell = &cells[(number % cells.len() as u64) as usize];
    let mut draws = Draws::new(options.seed, number);
    // A cell has at least the row that it was made for.
    let site = draws.pick(&cell.sites).copied().unwrap_or(cell.sites[0]);
    let (run, unit, row) = (&runs[site.run], site.unit, site.row);
    let change = Change::any(&mut draws);
    let mut told = Told {
        seed: options.seed,
        number,
        run: run.name,
        lie: Lie { unit, row, element: 0, mask: 0 },
        kind: cell.kind,
        place: cell.place,
        change,
        right_bits: 0,
        end: End::Absorbed,
    };
    told.end = run.bench.honest(unit).map_or_else(escaped, |honest| {
        let words = &honest.outputs[row];
        told.lie.element = draws.below(words.len() as u64) as usize;
        told.right_bits = words[told.lie.element];
        told.lie.mask = told.right_bits ^ change.of(told.right_bits, &mut draws);
        outcome(run, &told.lie, options.clock).unwrap_or_else(escaped)
    });
    told
}

fn escaped(error: LabError) -> End {
    End::Escaped(error.to_string())
}

fn outcome(run: &Run, lie: &Lie, clock: Clock) -> Result<End, LabError> {
    let case = run.bench.case(lie.unit, lie)?;
    if case.absorbed {
        return Ok(End::Absorbed);
    }
    let trial = run.bench.judge(&case)?;
    Ok(match verdict(&case, &trial) {
        Ok(located) => End::Convicted {
            located,
            moves: trial.moves_a_side,
            evidence_bytes: trial.judging_bytes + ENVELOPE_BYTES,
            posted_bytes: posted_bytes(&trial.bundle, trial.posted_bytes),
            judge_ns: judging(&trial.bundle, clock)?,
        },
        Err(why) => End::Escaped(why),
    })
}

/// Whether the finding is where the traces part; an error where there is no proven finding at all.
fn verdict(case: &Case, trial: &Trial) -> Result<bool, String> {
    let finding = trial.outcome.finding.filter(|_| trial.outcome.winner == Side::Challenger);
    let finding = finding.ok_or("the accused won")?;
    let bytes = borsh::to_vec(&trial.bundle).map_err(|error| error.to_string())?;
    let bundle = evidence::read(&bytes).map_err(|error| error.to_string())?;
    let proven = evidence::judge(&bundle).map_err(|error| error.to_string())?;
    if proven.finding != finding {
        return Err("the bundle proves something else".into());
    }
    let (row, element) = (finding.row as usize, finding.element as usize);
    let word = |witness: &Witness| witness.outputs.get(row)?.get(element).copied();
    let words = (word(&case.accused), word(&case.honest));
    // Of a chain, the finding has the accumulators of one link.
    let same = finding.link.is_some() || words == (Some(finding.claimed_bits), Some(finding.right_bits));
    Ok(same && departure(&case.accused, &case.honest) == Some((row, element)))
}

/// How long the last move takes to judge.
fn judging(bundle: &Bundle, clock: Clock) -> Result<u64, LabError> {
    let mut game = Game::open(bundle.docket.clone())?;
    let Some((last, before)) = bundle.moves.split_last() else { return Err(LabError::Unfinished) };
    for signed in before {
        game.play(signed).map_err(|refusal| LabError::Refused { side: signed.side, refusal })?;
    }
    judge_ns(&game, last, clock)
}

/// Nanoseconds of this move in this game: the shortest of three, since a machine has other work as well.
pub(crate) fn judge_ns(game: &Game, last: &SignedMove, clock: Clock) -> Result<u64, LabError> {
    let once = || {
        let mut game = game.clone();
        let start = clock();
        let played = game.play(last);
        let end = clock();
        played.map_err(|refusal| LabError::Refused { side: last.side, refusal })?;
        Ok::<u64, LabError>(end.saturating_sub(start))
    };
    Ok(once()?.min(once()?).min(once()?))
}

/// Honest parties, disputed by challengers whose own run is wrong by one word: none may lose (V-4.1).
fn controls(runs: &[Run], seed: u64, report: &mut Disputes) -> Result<(), LabError> {
    for (at, run) in runs.iter().enumerate() {
        for unit in UNITS {
            let mut draws = Draws::new(seed, u64::MAX - (at * UNITS.len()) as u64);
            let case = run.bench.case(unit, &Honest)?;
            let row = draws.below(case.honest.outputs.len() as u64) as usize;
            let element = draws.below(case.honest.outputs[row].len() as u64) as usize;
            let mistaken = run.bench.case(unit, &Lie { unit, row, element, mask: 1 << 22 })?.accused;
            let challenger = run.bench.player(Side::Challenger, &mistaken);
            let players = [run.bench.player(Side::Accused, &case.accused), challenger];
            let lost = match super::play(case.docket.clone(), players, run.bench.keys()) {
                Ok(trial) => trial.outcome.winner == Side::Challenger,
                // Whoever has no legal move loses by the clock.
                Err(LabError::Silent { side } | LabError::Refused { side, .. }) => side == Side::Accused,
                Err(error) => return Err(error),
            };
            report.controls += 1;
            report.honest_lost += u64::from(lost || !case.absorbed);
        }
    }
    Ok(())
}
