//! The accepted history of a run, followed by each role for itself: bases from accepted deltas.

use crate::home::{BlobError, Blobs};
use retrace_ledger::State;
use retrace_model::{Engine, RunSpec, Words, initial_parameters};
use retrace_verifier::digest::Digest;
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{Task, Unit};

/// Why history cannot be followed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LineageError {
    /// A delta is missing or wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Blob(#[from] BlobError),
    /// The ledger accepted another base than the deltas give.
    #[error("the ledger's base of round {round} is {accepted}, the accepted deltas give {merged}")]
    #[diagnostic(help("nobody disputed that base in its window: history is final, even where it is wrong"))]
    OtherBase {
        /// The round that starts from it.
        round: u32,
        /// What the ledger accepted.
        accepted: Digest,
        /// What the deltas give.
        merged: Digest,
    },
}

/// A base, and how it came about.
#[derive(Clone, Debug)]
pub struct Lineage {
    /// The run, where several are told apart.
    pub run: Option<Digest>,
    /// The rounds whose merges led to it, ascending.
    pub merged: Vec<u32>,
    /// Its tensors: parameters, then outer momenta.
    pub base: Vec<Words>,
    /// Its root.
    pub root: Digest,
}

/// The merge of one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The round.
    pub round: u32,
    /// Roots of the deltas that it accepted, in slot order.
    pub deltas: Vec<Digest>,
    /// The base that the ledger accepted for it.
    pub accepted: Option<Digest>,
}

/// The initial base of a run: parameters from the seed, zero momenta.
pub fn initial_base(spec: &RunSpec) -> Vec<Words> {
    let parameters = initial_parameters(spec);
    let zeros: Vec<Words> = parameters.iter().map(|t| vec![0; t.len()]).collect();
    parameters.into_iter().chain(zeros).collect()
}

/// Published deltas by their roots, each checked.
fn fetch(spec: &RunSpec, blobs: &Blobs, deltas: &[Digest]) -> Result<Vec<Vec<Words>>, BlobError> {
    deltas.iter().map(|root| blobs.tensors(StateKind::Delta, spec, root)).collect()
}

impl Lineage {
    /// The beginning of a run.
    pub fn start(spec: &RunSpec) -> Lineage {
        let base = initial_base(spec);
        let root = root_of(StateKind::Outer, spec, &base);
        Lineage { run: None, merged: Vec::new(), base, root }
    }

    /// The task of merging the published deltas of `round`, which starts from this base.
    pub fn merge_task(
        &self,
        spec: &RunSpec,
        blobs: &Blobs,
        round: u32,
        deltas: &[Digest],
    ) -> Result<Task, LineageError> {
        Ok(self.task(spec, round, fetch(spec, blobs, deltas)?))
    }

    fn task(&self, spec: &RunSpec, round: u32, deltas: Vec<Vec<Words>>) -> Task {
        Task {
            spec: *spec,
            unit: Unit::Merge,
            round: round + 1,
            slot: 0,
            pre: self.base.clone(),
            base: Vec::new(),
            deltas,
            tokens: Vec::new(),
            losses: Vec::new(),
        }
    }

    /// The base that the merge of `round`, which starts from this one, gives.
    pub fn advance(&mut self, spec: &RunSpec, round: u32, deltas: Vec<Vec<Words>>, engine: &Engine) {
        let witness = self.task(spec, round, deltas).replay(engine);
        self.base = witness.post().into_iter().cloned().collect();
        self.root = root_of(StateKind::Outer, spec, &self.base);
        self.merged.push(round);
    }

    /// True if this base is on the way that these merges go.
    pub fn is_on(&self, path: &[Merged]) -> bool {
        self.merged.len() <= path.len() && self.merged.iter().zip(path).all(|(own, at)| *own == at.round)
    }

    /// Follows the ledger along these merges, from where this base is on their way; what it accepted must be what the
    /// deltas give.
    pub fn follow(
        &mut self,
        spec: &RunSpec,
        blobs: &Blobs,
        engine: &Engine,
        path: &[Merged],
    ) -> Result<(), LineageError> {
        for Merged { round, deltas, accepted } in path.iter().skip(self.merged.len()) {
            self.advance(spec, *round, fetch(spec, blobs, deltas)?, engine);
            if let Some(accepted) = accepted.filter(|accepted| *accepted != self.root) {
                return Err(LineageError::OtherBase { round: round + 1, accepted, merged: self.root });
            }
        }
        Ok(())
    }

    /// The merges that lead to the base of `round`; for a round that has not opened, to the run's head.
    pub fn path(state: &State, run: &Digest, round: u32) -> Vec<Merged> {
        let head = || state.progress(run).and_then(|progress| progress.parent);
        let parent = state.round(run, round).map_or_else(head, |round| round.parent);
        state.ancestry(run, parent).into_iter().map(|round| Lineage::merge(state, run, round)).collect()
    }

    /// The merge of a round, as the ledger has it.
    pub fn merge(state: &State, run: &Digest, round: u32) -> Merged {
        let standing = state.round(run, round).and_then(|round| round.standing);
        let accepted = standing.and_then(|claim| state.base_root(&claim));
        Merged { round, deltas: state.accepted_deltas(run, round), accepted }
    }
}

/// Bases of other runs that are kept: a role works on one run, and answers for what it did in others.
const OTHERS_MAX: usize = 2;

/// Bases that a role has followed: those that a round which is not over starts from. Where deltas are merged before
/// their verdicts (L-5.18) there are several.
#[derive(Debug, Default)]
pub struct Lineages(Vec<Lineage>);

impl Lineages {
    /// The base at the end of `path`, from the nearest one that is kept. It is kept itself while `is_needed` says so of
    /// the merges that led to it.
    pub fn reach(
        &mut self,
        run: Digest,
        spec: &RunSpec,
        (blobs, engine): (&Blobs, &Engine),
        path: &[Merged],
        is_needed: impl Fn(&[u32]) -> bool,
    ) -> Result<Lineage, LineageError> {
        let on_way = self.0.iter().filter(|kept| kept.run == Some(run) && kept.is_on(path));
        let nearest = on_way.max_by_key(|kept| kept.merged.len()).cloned();
        let mut lineage = nearest.unwrap_or_else(|| Lineage { run: Some(run), ..Lineage::start(spec) });
        lineage.follow(spec, blobs, engine, path)?;
        let is_it = |kept: &Lineage| kept.run == Some(run) && kept.merged == lineage.merged;
        if is_needed(&lineage.merged) {
            // A dispute of an older round takes no place; one of another run that goes on takes its own.
            self.0.retain(|kept| kept.run != Some(run) || is_needed(&kept.merged));
            if !self.0.iter().any(is_it) {
                self.0.push(lineage.clone());
            }
            let others = self.0.iter().filter(|kept| kept.run != Some(run)).count();
            if others > OTHERS_MAX {
                let oldest = self.0.iter().position(|kept| kept.run != Some(run));
                oldest.map(|at| self.0.remove(at));
            }
        }
        Ok(lineage)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lineage, Lineages, Merged};
    use crate::home::Blobs;
    use retrace_model::selftest::golden_spec;
    use retrace_model::{Backend, Engine, Words};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::state::StateKind;

    /// L-5.18, L-5.19, W-5.3: bases of several branches are kept while a round starts from them, and each is what its own deltas give.
    #[test]
    fn branches_are_kept_while_they_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        let (spec, blobs) = (golden_spec(), Blobs::new(folder.path().to_path_buf()));
        let engine = Engine { backend: Backend::best(), threads: 1 };
        let start = Lineage::start(&spec);
        let delta = |bits: u32| {
            let parameters = &start.base[..start.base.len() / 2];
            let words: Vec<Words> = parameters.iter().map(|tensor| vec![bits; tensor.len()]).collect();
            blobs.put_tensors(StateKind::Delta, &spec, &words).unwrap()
        };
        let (one, half) = (delta(1f32.to_bits()), delta(0.5f32.to_bits()));
        let merge = |round, delta| Merged { round, deltas: vec![delta], accepted: None };
        let run = Digest([1; 32]);
        let mut lineages = Lineages::default();
        let mut reach = |path: &[Merged], needed: &[&[u32]]| {
            let lineage =
                lineages.reach(run, &spec, (&blobs, &engine), path, |m| needed.contains(&m)).unwrap();
            let mut kept: Vec<Vec<u32>> = lineages.0.iter().map(|kept| kept.merged.clone()).collect();
            kept.sort();
            (lineage.root, kept)
        };
        let dead = [merge(0, one), merge(1, half)];
        let (first, kept) = reach(&dead[..1], &[&[0], &[0, 1]]);
        assert_eq!(kept, [vec![0]]);
        let (second, kept) = reach(&dead, &[&[0], &[0, 1]]);
        assert_eq!(kept, [vec![0], vec![0, 1]]);
        // The head returned: the next round starts from the beginning, and merges what round 1 merged.
        let (third, kept) = reach(&[merge(2, half)], &[&[0, 1], &[2]]);
        assert_eq!(kept, [vec![0, 1], vec![2]]);
        assert!(first != second && second != third && first != third && first != start.root);
        // What nobody needs is come to, and takes no place.
        let (again, kept) = reach(&dead[..1], &[&[2]]);
        assert_eq!((again, kept), (first, vec![vec![0, 1], vec![2]]));
        let wrong = [Merged { accepted: Some(start.root), ..merge(0, one) }];
        let refused = Lineage::start(&spec).follow(&spec, &blobs, &engine, &wrong);
        assert!(refused.unwrap_err().to_string().contains("base of round 1"));
    }
}
