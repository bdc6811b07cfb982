//! What the lab saw of random lies, and what does not hold of it (V-4.8).

use super::Lie;
use super::cells::{PLACES, Place};
use super::change::Change;
use retrace_model::op::{KINDS, Kind};
use std::collections::BTreeMap;
use std::fmt;

/// Most bytes of a judging transaction (V-3.6).
pub const EVIDENCE_BYTES_MAX: u64 = 8_192;
/// Most bytes that a whole dispute posts.
pub const POSTED_BYTES_MAX: u64 = 131_072;
/// Most moves of one side (V-4.1).
pub const MOVES_MAX: u16 = 13;
/// Longest judging, nanoseconds, at the 99th percentile.
pub const JUDGE_NANOSECONDS_MAX: u64 = 1_000_000;

/// The smallest time that at least 99 in 100 do not exceed; 0 of none.
pub(crate) fn percentile_99(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    let rank = (times.len() * 99).div_ceil(100);
    rank.checked_sub(1).and_then(|at| times.get(at)).copied().unwrap_or(0)
}

/// One lie and how it ended: seed and number are enough to tell it again.
#[derive(Clone, Debug)]
pub struct Told {
    /// The seed.
    pub seed: u64,
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
    /// All lies, by number.
    pub told: Vec<Told>,
}

impl Disputes {
    /// Counts what was told, in any order.
    pub(super) fn count(&mut self, told: Vec<Told>) {
        let mut judged = Vec::new();
        self.lies = told.len() as u64;
        for one in &told {
            match one.end {
                End::Absorbed => self.absorbed += 1,
                End::Escaped(_) => {}
                End::Convicted { located, moves, evidence_bytes, posted_bytes, judge_ns } => {
                    self.convicted += 1;
                    self.located += u64::from(located);
                    self.moves_max = self.moves_max.max(moves);
                    self.evidence_bytes_max = self.evidence_bytes_max.max(evidence_bytes);
                    self.posted_bytes_max = self.posted_bytes_max.max(posted_bytes);
                    judged.push(judge_ns);
                    *self.ops.entry(one.kind).or_insert(0) += 1;
                    *self.places.entry(one.place).or_insert(0) += 1;
                }
            }
        }
        self.told = told;
        self.told.sort_by_key(|one| one.number);
        self.judge_ns_p99 = percentile_99(judged);
    }

    /// Lies that escaped, or were convicted elsewhere than they were told.
    pub fn failures(&self) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(|one| one.end.failed())
    }

    /// Ops that no conviction was about.
    pub fn missing_ops(&self) -> Vec<Kind> {
        KINDS.into_iter().filter(|kind| !self.ops.contains_key(kind)).collect()
    }

    /// What does not hold of all that must, in words; empty where the game stood. `all` asks that
    /// every op and place was convicted, which few lies cannot.
    pub fn broken(&self, all: bool) -> Vec<String> {
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
        if all {
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

impl End {
    fn failed(&self) -> bool {
        matches!(self, End::Escaped(_) | End::Convicted { located: false, .. })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Absorbed => f.write_str("absorbed"),
            End::Convicted { located: true, .. } => f.write_str("convicted"),
            End::Convicted { .. } => f.write_str("convicted elsewhere"),
            End::Escaped(why) => write!(f, "escaped: {why}"),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { seed, number, run, lie, kind, place, change, right_bits, end } = self;
        let bits = right_bits ^ lie.mask;
        write!(f, "lie {number} of seed {seed}: run {run}, {}, {place}, row {} ", lie.unit, lie.row)?;
        write!(f, "{kind:?}, element {}, {change:?} {right_bits:08X} to {bits:08X}: {end}", lie.element)
    }
}

impl fmt::Display for Disputes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<String> = self.places.iter().map(|(place, n)| format!("{place} {n}")).collect();
        let (ops, places) = (self.ops.len(), places.join(", "));
        writeln!(f, "lies told           {} (seed {})", self.lies, self.seed)?;
        writeln!(
            f,
            "absorbed            {}: they rounded away, nothing that is claimed changed",
            self.absorbed
        )?;
        writeln!(f, "convicted           {}", self.convicted)?;
        writeln!(f, "located             {}: op and element where they were told", self.located)?;
        writeln!(f, "ops, places         {ops} ops; {places}")?;
        writeln!(f, "honest who lost     {} of {}", self.honest_lost, self.controls)?;
        writeln!(f, "moves a side        at most {}", self.moves_max)?;
        writeln!(f, "judging transaction at most {} bytes", self.evidence_bytes_max)?;
        writeln!(f, "a whole dispute     at most {} bytes", self.posted_bytes_max)?;
        writeln!(f, "judging             {:.0} us at the 99th percentile", self.judge_ns_p99 as f64 / 1e3)?;
        writeln!(f, "time                {:.1} s", self.nanoseconds as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Unit;

    fn told(number: u64, end: End) -> Told {
        let lie = Lie { unit: Unit::Loss, row: 0, element: 0, mask: 1 };
        let (kind, place, change) = (Kind::RowSum, Place::Loss, Change::Ulp);
        Told { seed: 7, number, run: "gpt", lie, kind, place, change, right_bits: 2, end }
    }

    fn convicted(located: bool, judge_ns: u64, evidence_bytes: u64) -> End {
        End::Convicted { located, moves: 14, evidence_bytes, posted_bytes: 131_073, judge_ns }
    }

    /// V-4.8: every bound that a report breaks is named, and every lie that got away by its number.
    #[test]
    fn what_is_broken_is_named() {
        let mut report = Disputes::default();
        let ends = [convicted(false, 1, 8_193), End::Escaped("it won".into()), convicted(true, 1_000_001, 9)];
        report.count((0..).zip(ends).map(|(number, end)| told(number, end)).collect());
        report.honest_lost = 1;
        let broken = report.broken(true).join("\n");
        for what in [
            "2 convicted of 3",
            "1 located of 2",
            "8193",
            "131073",
            "14 moves",
            "1000001 ns",
            "1 honest",
            "absorbed",
            "Tokens",
            "forward",
        ] {
            assert!(broken.contains(what), "{what} in {broken}");
        }
        let said = report.to_string();
        for line in [
            "lies told           3 (seed 0)",
            "convicted           2\n",
            "1 ops; loss 2\n",
            "at most 131073 bytes",
            "1000 us",
        ] {
            assert!(said.contains(line), "{line} in {said}");
        }
        assert_eq!(report.failures().map(|one| one.number).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(
            report.told[1].to_string(),
            "lie 1 of seed 7: run gpt, loss, loss, row 0 RowSum, element 0, Ulp 00000002 to 00000003: escaped: it won"
        );
    }

    /// V-4.8: the 99th percentile leaves out one in a hundred, and no more.
    #[test]
    fn the_slowest_in_a_hundred_is_left_out() {
        let mut report = Disputes::default();
        report.count((0..200).map(|n| told(n, convicted(true, n, 1))).collect());
        assert_eq!(report.judge_ns_p99, 197);
        assert!(!report.broken(false).iter().any(|what| what.contains(" ns")));
    }
}
