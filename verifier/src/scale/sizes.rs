//! One dispute over each of ten ops at every size, measured: what a model's size does to its evidence (V-4.10).

use super::size::parameters;
use super::{Played, ROWS, RowName, SIZES, Scene, SceneError, Size, Sources, choose, play};
use crate::evidence::{judge, read};
use crate::game::Side;
use crate::lab::{
    Clock, EVIDENCE_BYTES_MAX, JUDGE_NANOSECONDS_MAX, LabError, MOVES_MAX, POSTED_BYTES_MAX, judge_ns,
    percentile_99,
};
use retrace_model::RunSpec;
use retrace_model::program::step_program;

/// What to play.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Seed of all words and lies.
    pub seed: u64,
    /// The largest size that is played.
    pub largest: Size,
    /// Threads to hash on: the report does not depend on it.
    pub threads: usize,
    /// A clock, for how long judging takes.
    pub clock: Clock<'a>,
}

impl Options<'_> {
    fn runs(&self) -> impl Iterator<Item = (Size, RunSpec)> {
        let sizes = SIZES.into_iter().filter(|size| *size <= self.largest);
        sizes.flat_map(|size| size.runs().into_iter().map(move |spec| (size, spec)))
    }

    /// Disputes that will be played.
    pub fn disputes(&self) -> u64 {
        (self.runs().count() * ROWS.len()) as u64
    }
}

/// One dispute and what it cost.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The model's size.
    pub size: Size,
    /// Numbers that the model learns.
    pub parameters: u64,
    /// Tokens of a step.
    pub tokens: u32,
    /// The op.
    pub name: RowName,
    /// Shape of its output.
    pub shape: [u32; 4],
    /// Terms of an element's chain; 0 without one.
    pub terms: u32,
    /// The element at which the lie is told.
    pub element: u64,
    /// Bytes of all operands and of the output.
    pub tensor_bytes: u64,
    /// Moves of the accused and of the challenger.
    pub moves: [u16; 2],
    /// Bytes of all transactions of the dispute, its opening included.
    pub posted_bytes: u64,
    /// Bytes of the judging transaction.
    pub judging_bytes: u64,
    /// Bytes of the file of evidence.
    pub bundle_bytes: u64,
    /// Nanoseconds of judging the last move, proofs and signature included.
    pub judge_ns: u64,
    /// The challenger won, and the file proves the lie at the element where it was told.
    pub is_proven: bool,
    /// Nanoseconds of the whole, hashing included.
    pub nanoseconds: u64,
}

/// The largest of each cost over all ops, for one size and step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtSize {
    /// The model's size.
    pub size: Size,
    /// Numbers that the model learns.
    pub parameters: u64,
    /// Tokens of a step.
    pub tokens: u32,
    /// Disputes played.
    pub disputes: u64,
    /// Bytes of all tensors of one op.
    pub tensor_bytes: u64,
    /// Moves of a side.
    pub moves: u16,
    /// Bytes of a whole dispute.
    pub posted_bytes: u64,
    /// Bytes of a judging transaction.
    pub judging_bytes: u64,
    /// Bytes of a file of evidence.
    pub bundle_bytes: u64,
    /// Nanoseconds of judging.
    pub judge_ns: u64,
    /// Nanoseconds of all its disputes together, hashing included.
    pub nanoseconds: u64,
}

/// What disputes cost, by size.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Seed of all words and lies.
    pub seed: u64,
    /// One for each op at each size, smallest size first.
    pub disputes: Vec<Measured>,
    /// Nanoseconds of the whole.
    pub nanoseconds: u64,
}

/// Why it cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// The program has no such op.
    #[error("a step of {0} has no {1}")]
    Missing(Size, RowName),
    /// The op's tensors cannot be made.
    #[error("{1} of {0}: {2}")]
    Scene(Size, RowName, SceneError),
    /// The dispute came to no end.
    #[error("{1} of {0}: {2}")]
    Play(Size, RowName, LabError),
}

/// Plays all of it; `progress` hears how many disputes have ended.
pub fn sizes(options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Sizes, ScaleError> {
    let start = (options.clock)();
    let mut disputes = Vec::new();
    for (size, spec) in options.runs() {
        let program = step_program(&spec);
        let mut sources = Sources::new(options.seed, options.threads);
        for name in ROWS {
            let start = (options.clock)();
            let number = disputes.len() as u64;
            let at = choose(&spec, &program, name).ok_or(ScaleError::Missing(size, name))?;
            let scene = Scene::new(&spec, &program, at, &mut sources, number);
            let scene = scene.map_err(|reason| ScaleError::Scene(size, name, reason))?;
            let failed = |reason| ScaleError::Play(size, name, reason);
            let played = play(&scene).map_err(failed)?;
            let (game, last) = &played.judging;
            disputes.push(Measured {
                size,
                parameters: parameters(&spec),
                tokens: spec.batch * spec.model.context,
                name,
                shape: scene.row().shape,
                terms: scene.row().terms,
                element: scene.element(),
                tensor_bytes: scene.tensor_bytes(),
                moves: played.moves,
                posted_bytes: played.posted_bytes,
                judging_bytes: played.judging_bytes(),
                bundle_bytes: borsh::object_length(&played.bundle).unwrap_or(usize::MAX) as u64,
                judge_ns: judge_ns(game, last, options.clock).map_err(failed)?,
                is_proven: is_proven(&played, at, scene.element()),
                nanoseconds: (options.clock)().saturating_sub(start),
            });
            progress(disputes.len() as u64);
        }
    }
    let nanoseconds = (options.clock)().saturating_sub(start);
    Ok(Sizes { seed: options.seed, disputes, nanoseconds })
}

/// True if the file alone convicts, at this element of this row.
fn is_proven(played: &Played, row: usize, element: u64) -> bool {
    let bundle = borsh::to_vec(&played.bundle).ok().and_then(|bytes| read(&bytes).ok());
    let finding = bundle.and_then(|bundle| judge(&bundle).ok()).map(|proven| proven.finding);
    let is_there = finding.is_some_and(|f| (f.row as usize, f.element) == (row, element));
    is_there && played.outcome.winner == Side::Challenger && played.outcome.finding == finding
}

impl Sizes {
    /// The largest of each cost, by size and tokens, smallest size first.
    pub fn by_size(&self) -> Vec<AtSize> {
        let same = |a: &Measured, b: &Measured| (a.size, a.tokens) == (b.size, b.tokens);
        self.disputes.chunk_by(same).filter_map(AtSize::of).collect()
    }

    /// The largest of a cost over all disputes.
    pub fn largest(&self, of: impl Fn(&Measured) -> u64) -> u64 {
        self.disputes.iter().map(of).max().unwrap_or(0)
    }

    /// Nanoseconds of judging, at the 99th percentile.
    pub fn judge_ns_p99(&self) -> u64 {
        percentile_99(self.disputes.iter().map(|d| d.judge_ns).collect())
    }

    /// What does not hold of all that must, in words; empty where the game stood.
    pub fn broken(&self) -> Vec<String> {
        let mut broken: Vec<String> = self.disputes.iter().flat_map(Measured::broken).collect();
        let judging = self.judge_ns_p99();
        if judging > JUDGE_NANOSECONDS_MAX {
            broken.push(format!("judging took {judging} ns, above {JUDGE_NANOSECONDS_MAX}"));
        }
        broken
    }
}

impl AtSize {
    fn of(disputes: &[Measured]) -> Option<AtSize> {
        let first = disputes.first()?;
        let largest = |of: fn(&Measured) -> u64| disputes.iter().map(of).max().unwrap_or(0);
        Some(AtSize {
            size: first.size,
            parameters: first.parameters,
            tokens: first.tokens,
            disputes: disputes.len() as u64,
            tensor_bytes: largest(|d| d.tensor_bytes),
            moves: disputes.iter().flat_map(|d| d.moves).max().unwrap_or(0),
            posted_bytes: largest(|d| d.posted_bytes),
            judging_bytes: largest(|d| d.judging_bytes),
            bundle_bytes: largest(|d| d.bundle_bytes),
            judge_ns: largest(|d| d.judge_ns),
            nanoseconds: disputes.iter().map(|d| d.nanoseconds).sum(),
        })
    }
}

impl Measured {
    /// Of which bounds this dispute is out, each in words.
    fn broken(&self) -> Vec<String> {
        let moves = u64::from(self.moves[0].max(self.moves[1]));
        let bounds = [
            (self.judging_bytes, EVIDENCE_BYTES_MAX, "bytes in the judging transaction"),
            (self.posted_bytes, POSTED_BYTES_MAX, "bytes posted"),
            (moves, u64::from(MOVES_MAX), "moves of one side"),
        ];
        let over = bounds.iter().filter(|(found, most, _)| found > most);
        let over = over.map(|(found, most, what)| format!("{found} {what}, above {most}"));
        let proof = (!self.is_proven).then(|| "the lie is not proven".to_string());
        let at = format!("{}, {} tokens, {}", self.size, self.tokens, self.name);
        over.chain(proof).map(|what| format!("{at}: {what}")).collect()
    }
}
