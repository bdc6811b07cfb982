//! A small run, trained for real: two segments, drawn and attested, with everybody's replays of every unit.

use super::LabError;
use super::network::{Network, key};
use crate::{Amount, AttestedPart, Body, Commit, Merging, OpenRun, RunTerms, Span};
use ed25519_dalek::SigningKey;
use retrace_model::selftest::golden_spec;
use retrace_model::{Backend, Engine, RunSpec, Words, initial_parameters};
use retrace_verifier::commitment::SignedCommitment;
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::docket::{Opening, Shard};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::{Assignment, Conduct, Honest, Segment};
use retrace_verifier::signature::peer_key;
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{Unit, Witness};
use std::sync::Arc;

/// Wrong replays of each unit.
const MISTAKES: usize = 3;

/// Everything about one unit of a claim.
pub(super) struct Replays {
    pub unit: Unit,
    pub opening: Opening,
    /// What the trainer ran.
    pub own: Witness,
    /// What the rules give.
    pub right: Witness,
    /// What a challenger gets that computes one output wrong.
    pub mistaken: Vec<Witness>,
}

/// A claim on the ledger.
pub(super) struct Claimed {
    pub id: Digest,
    pub accused: SigningKey,
    pub units: Vec<Replays>,
}

/// A run in which both slots are committed to.
pub(super) struct Bench {
    pub terms: RunTerms,
    pub shards: Arc<Vec<Vec<u8>>>,
    pub claims: Vec<Claimed>,
}

fn spec() -> RunSpec {
    let mut spec = golden_spec();
    (spec.model.context, spec.model.width, spec.model.hidden, spec.model.layers) = (9, 12, 20, 1);
    (spec.batch, spec.slots, spec.rounds) = (2, 2, 2);
    spec
}

fn terms(shards: &[Vec<u8>], base: &[Words]) -> RunTerms {
    let shard = |bytes: &Vec<u8>| Shard { digest: tensor_digest(bytes), bytes: bytes.len() as u64 };
    RunTerms {
        spec: spec(),
        manifest: shards.iter().map(shard).collect(),
        initial_base: root_of(StateKind::Outer, &spec(), base),
        audit_rate_ppm: 1_000_000,
        verdicts_min: 2,
        draw_delay: 2,
        segment_reward: Amount(100),
        verdict_reward: Amount(3),
        lock: Amount(10_000),
        challenge_bond: Amount(1_000),
        commit_span: Span { heights: 8, ms: 8_000 },
        // No verdict is given, so claims stay open for as many disputes as the lab plays.
        verdict_span: Span { heights: 1 << 20, ms: 1 << 30 },
        move_span: Span { heights: 40, ms: 40_000 },
        bounty_ppm: 100_000,
        bounty_cap: Amount(120),
        declared_gain: Amount(5_000),
        collusion_ppm: 333_333,
        verifier_stake: Amount(1_000),
        merging: Merging::Delayed,
    }
}

impl Bench {
    /// Opens the run and commits to both slots, to the second one as `conduct` does; waits for the draw.
    pub fn new(network: &mut Network, conduct: &dyn Conduct) -> Result<Bench, LabError> {
        let shard = |count: u32, factor: u32| (0..count).map(|i| (i * i * factor / 7) as u8).collect();
        let shards: Vec<Vec<u8>> = vec![shard(900, 1), shard(700, 5)];
        let mut base = initial_parameters(&spec());
        let zeros: Vec<Words> = base.iter().map(|tensor| vec![0; tensor.len()]).collect();
        base.extend(zeros);
        let terms = terms(&shards, &base);
        let open =
            network.sign(&key("sponsor", 0), Body::OpenRun(Box::new(OpenRun { terms: terms.clone() })))?;
        let run = open.id();
        let applied = network.block(vec![open])?;
        if let Some((_, reason)) = applied.dropped.first() {
            return Err(LabError::Refused(*reason));
        }
        network.wait(1)?;
        let mut claims = Vec::new();
        for slot in 0..2 {
            let conduct: &dyn Conduct = if slot == 1 { conduct } else { &Honest };
            claims.push(commit(network, run, slot, &shards, &base, conduct)?);
        }
        let ids: Vec<Digest> = claims.iter().map(|claim| claim.id).collect();
        network.attest(&ids, AttestedPart::Segment)?;
        network.wait(terms.draw_delay)?;
        network.attest(&ids, AttestedPart::Drawn)?;
        Ok(Bench { terms, shards: Arc::new(shards), claims })
    }
}

fn commit(
    network: &mut Network,
    run: Digest,
    slot: u16,
    shards: &[Vec<u8>],
    base: &[Words],
    conduct: &dyn Conduct,
) -> Result<Claimed, LabError> {
    let engine = Engine { backend: Backend::best(), threads: 1 };
    let spec = spec();
    let round = network.chain.state().round(&run, 0).ok_or(LabError::Setup("round 0 is open"))?;
    let (beacon, trainer) = (round.beacon, round.slots.get(usize::from(slot)).and_then(|s| s.trainer));
    let accused = (0..2).map(|n| key("trainer", n)).find(|key| Some(peer_key(key)) == trainer);
    let accused = accused.ok_or(LabError::Setup("a slot has a trainer"))?;
    let at = Assignment { spec: &spec, beacon: &beacon, round: 0, slot, shards, base };
    let segment = at.train(&engine, conduct, |_| {}).ok_or(LabError::Setup("the data has places"))?;
    let commitment = segment.commitment(network.chain.network(), run, &at, peer_key(&accused));
    let signed = SignedCommitment::new(commitment, &accused);
    network.must(&accused, Body::Commit(Box::new(Commit { signed })))?;
    let units: Option<Vec<Replays>> = (0..spec.steps)
        .map(Unit::Step)
        .chain([Unit::Delta, Unit::Loss])
        .map(|unit| replays(&at, &segment, unit, &engine, conduct))
        .collect();
    let units = units.ok_or(LabError::Setup("every unit has a task"))?;
    Ok(Claimed { id: commitment.id(), accused, units })
}

fn replays(
    at: &Assignment<'_>,
    segment: &Segment,
    unit: Unit,
    engine: &Engine,
    conduct: &dyn Conduct,
) -> Option<Replays> {
    let task = at.task(unit, segment.before(unit), &segment.lists)?;
    let right = at.witness(task.clone(), engine, &Honest);
    let rows = right.program.rows.len();
    let mistaken = (0..MISTAKES).map(|n| {
        let row = rows * n / MISTAKES;
        at.witness(task.clone(), engine, &Lie { unit, row, element: 0, mask: 0x0040_0000 })
    });
    let mistaken = mistaken.collect();
    let own = at.witness(task, engine, conduct);
    Some(Replays { unit, opening: segment.lists.opening(unit)?, own, right, mistaken })
}
