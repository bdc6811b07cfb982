//! Random lies in every op at every place, each played to its judgment and measured (V-4.8).

use super::bench::Case;
use super::cells::{Cell, PLACES, Place, UNITS, cells};
use super::change::Change;
use super::draws::Draws;
use super::runs::{Run, runs};
use super::trace::departure;
use super::{ENVELOPE_BYTES, LabError, Lie, Trial};
use crate::evidence::{self, Bundle};
use crate::game::{Game, Side};
use crate::segment::Honest;
use retrace_model::op::{KINDS, Kind};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// Nanoseconds since any moment. The lab has no clock of its own: who runs it lends one.
pub type Clock<'a> = &'a (dyn Fn() -> u64 + Sync);

/// What to tell.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Seed of all choices.
    pub seed: u64,
    /// Lies to tell, numbered from 0.
    pub lies: u64,
    /// Tell this one alone.
    pub only: Option<u64>,
    /// Threads to tell them on: the report does not depend on it.
    pub threads: usize,
    /// A clock, for how long judging takes.
    pub clock: Clock<'a>,
}

/// Most bytes of a judging transaction (V-3.6).
pub const EVIDENCE_BYTES_MAX: u64 = 8_192;
/// Most bytes that a whole dispute posts.
pub const POSTED_BYTES_MAX: u64 = 131_072;
/// Most moves of one side (V-4.1).
pub const MOVES_MAX: u16 = 13;
/// Longest judging, nanoseconds, at the 99th percentile.
pub const JUDGE_NANOSECONDS_MAX: u64 = 1_000_000;

/// One lie and how it ended: seed and number are enough to tell it again.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its number.
    pub number: u64,
    /// Which of the lab's runs.
    pub run: &'static str,
    /// The changed word.
    pub lie: Lie,
    /// The op that should have written it.
    pub kind: Kind,
    /// Where in the run's work.
    pub place: Place,
    /// What was done to the word.
    pub change: Change,
    /// The word by the rules.
    pub right_bits: u32,
    /// How it ended.
    pub end: End,
}

/// How a lie ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It rounded away: all that is claimed is true.
    Absorbed,
    /// The referee found a wrong value, and the bundle proves it.
    Convicted {
        /// The finding is where the posted trace departs from the true one.
        located: bool,
        /// Moves of the side that made more.
        moves: u16,
        /// Bytes of the judging transaction.
        evidence_bytes: u64,
        /// Bytes of all transactions of the dispute, its opening included.
        posted_bytes: u64,
        /// Nanoseconds of judging the last move, proofs and signature included.
        judge_ns: u64,
    },
    /// The liar got away, or the lie could not be told.
    Escaped(String),
}

/// What the lab saw.
#[derive(Clone, Debug, Default)]
pub struct Disputes {
    /// Seed of all choices.
    pub seed: u64,
    /// Lies told.
    pub lies: u64,
    /// Lies that rounded away.
    pub absorbed: u64,
    /// Lies convicted.
    pub convicted: u64,
    /// Convictions at the place where the posted trace departs from the true one.
    pub located: u64,
    /// Most moves of one side.
    pub moves_max: u16,
    /// Largest judging transaction, bytes.
    pub evidence_bytes_max: u64,
    /// Most bytes of one dispute.
    pub posted_bytes_max: u64,
    /// Nanoseconds of judging, at the 99th percentile.
    pub judge_ns_p99: u64,
    /// Convictions by op.
    pub ops: BTreeMap<Kind, u64>,
    /// Convictions by place.
    pub places: BTreeMap<Place, u64>,
    /// Disputes against an honest party, by a challenger that is wrong itself.
    pub controls: u64,
    /// Honest parties that lost one, or whose claims were not the true ones.
    pub honest_lost: u64,
    /// Nanoseconds of the whole.
    pub nanoseconds: u64,
    /// Lies that escaped or were not located.
    pub failures: Vec<Told>,
}

/// Tells the lies and plays their disputes; `progress` hears how many are done.
pub fn disputes(options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Disputes, LabError> {
    let start = (options.clock)();
    let runs = runs();
    let cells = cells(&runs)?;
    let numbers = options.only.map_or(0..options.lies, |only| only..only.saturating_add(1));
    let (next, threads) = (AtomicU64::new(numbers.start), options.threads.max(1));
    let mut told = Vec::new();
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads {
            let (sender, next, cells, runs, end) = (sender.clone(), &next, &cells, &runs, numbers.end);
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
        for (done, one) in (1..).zip(receiver) {
            told.push(one);
            progress(done);
        }
    });
    // In the order of their numbers, whichever thread was first.
    told.sort_by_key(|one| one.number);
    let mut report = Disputes { seed: options.seed, ..Disputes::default() };
    report.count(told);
    if options.only.is_none() {
        controls(&runs, options.seed, &mut report)?;
    }
    report.nanoseconds = (options.clock)().saturating_sub(start);
    Ok(report)
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
        let (words, shape) = (&honest.outputs[row], &honest.program.rows[row]);
        let mut element = draws.below(words.len() as u64);
        // Nothing reads what lies above the causal mask: half of such lies are told elsewhere.
        if shape.is_masked(shape.index(element)) && draws.below(2) == 0 {
            element = draws.below(words.len() as u64);
        }
        told.lie.element = element as usize;
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
            posted_bytes: posted_bytes(&trial),
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
    Ok(departure(&case.accused, &case.honest) == Some((finding.row as usize, finding.element as usize)))
}

/// All that a dispute puts on the ledger: what opens it, and every move in its transaction.
fn posted_bytes(trial: &Trial) -> u64 {
    let opening = borsh::object_length(&trial.bundle.docket.opening).unwrap_or(usize::MAX) as u64;
    let envelopes = ENVELOPE_BYTES * (trial.bundle.moves.len() as u64 + 1);
    trial.posted_bytes.saturating_add(opening).saturating_add(envelopes)
}

/// How long the last move takes to judge: the shortest of three, since a machine has other work as well.
fn judging(bundle: &Bundle, clock: Clock) -> Result<u64, LabError> {
    let mut game = Game::open(bundle.docket.clone())?;
    let Some((last, before)) = bundle.moves.split_last() else { return Err(LabError::Unfinished) };
    for signed in before {
        game.play(signed).map_err(|refusal| LabError::Refused { side: signed.side, refusal })?;
    }
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

impl Disputes {
    fn count(&mut self, told: Vec<Told>) {
        let mut judged = Vec::new();
        self.lies = told.len() as u64;
        for one in told {
            match one.end {
                End::Absorbed => self.absorbed += 1,
                End::Escaped(_) => self.failures.push(one),
                End::Convicted { located, moves, evidence_bytes, posted_bytes, judge_ns } => {
                    self.convicted += 1;
                    self.located += u64::from(located);
                    self.moves_max = self.moves_max.max(moves);
                    self.evidence_bytes_max = self.evidence_bytes_max.max(evidence_bytes);
                    self.posted_bytes_max = self.posted_bytes_max.max(posted_bytes);
                    judged.push(judge_ns);
                    *self.ops.entry(one.kind).or_insert(0) += 1;
                    *self.places.entry(one.place).or_insert(0) += 1;
                    if !located {
                        self.failures.push(one);
                    }
                }
            }
        }
        judged.sort_unstable();
        // The smallest time that at least 99 in 100 do not exceed.
        let rank = (judged.len() * 99).div_ceil(100);
        self.judge_ns_p99 = rank.checked_sub(1).and_then(|at| judged.get(at)).copied().unwrap_or(0);
    }

    /// Ops that no conviction was about.
    pub fn missing_ops(&self) -> Vec<Kind> {
        KINDS.into_iter().filter(|kind| !self.ops.contains_key(kind)).collect()
    }

    /// What does not hold of all that must, in words; empty where the game stood. One lie alone covers no ops.
    pub fn broken(&self, only: Option<u64>) -> Vec<String> {
        let mut broken = Vec::new();
        let mut must = |holds: bool, what: String| {
            if !holds {
                broken.push(what);
            }
        };
        let changed = self.lies - self.absorbed;
        must(self.convicted == changed, format!("{} convicted of {changed}", self.convicted));
        must(self.located == self.convicted, format!("{} located of {}", self.located, self.convicted));
        let (found, most) = (self.evidence_bytes_max, EVIDENCE_BYTES_MAX);
        must(found <= most, format!("a judging transaction has {found} bytes, above {most}"));
        let (found, most) = (self.posted_bytes_max, POSTED_BYTES_MAX);
        must(found <= most, format!("a dispute posts {found} bytes, above {most}"));
        let (found, most) = (self.moves_max, MOVES_MAX);
        must(found <= most, format!("one side made {found} moves, above {most}"));
        let (found, most) = (self.judge_ns_p99, JUDGE_NANOSECONDS_MAX);
        must(found <= most, format!("judging took {found} ns, above {most}"));
        must(self.honest_lost == 0, format!("{} honest parties lost", self.honest_lost));
        if only.is_none() {
            must(self.absorbed > 0, "no lie was absorbed: the count is not being made".into());
            let missing = self.missing_ops();
            must(missing.is_empty(), format!("no conviction about {missing:?}"));
            let places = PLACES.into_iter().filter(|place| !self.places.contains_key(place));
            let missing: Vec<String> = places.map(|place| place.to_string()).collect();
            must(missing.is_empty(), format!("no conviction in {}", missing.join(", ")));
        }
        broken
    }
}
