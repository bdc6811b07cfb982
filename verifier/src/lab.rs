//! Disputes on purpose: one lie in one output of a segment, played to its end (V-4.8).
//!
//! Nothing here runs in a network. The lab builds a segment whose trainer changes one output word, plays the
//! challenger's and the accused's automatic players against each other, and reports what the referee found.

use crate::commitment::{BaseClaim, SignedBase, SignedCommitment};
use crate::digest::{Digest, tensor_digest};
use crate::docket::{Claim, Docket, DocketError, Facts, Opening, Shard};
use crate::evidence::Bundle;
use crate::game::{Game, Outcome, Refusal, Side, SignedMove};
use crate::pins::program_pin;
use crate::player::Player;
use crate::replay::{Task, Witness};
use crate::segment::{Assignment, Claimed, Conduct, Honest, conducted};
use crate::signature::{PeerKey, peer_key};
use crate::state::{StateKind, root_of};
use crate::unit::Unit;
use ed25519_dalek::SigningKey;
use retrace_model::program::Row;
use retrace_model::{Backend, Engine, RunSpec, Words, initial_parameters};
use std::sync::Arc;

/// One changed word: the output of row `row` of `unit`, element `element`, xor `mask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// The unit.
    pub unit: Unit,
    /// Position of the row in the unit's program.
    pub row: usize,
    /// Row-major position of the element.
    pub element: usize,
    /// Bits to flip.
    pub mask: u32,
}

impl Conduct for Lie {
    fn output(&self, unit: Unit, at: usize, _row: &Row, _before: &[Words], words: &mut Words) {
        if unit == self.unit && at == self.row && self.element < words.len() {
            words[self.element] ^= self.mask;
        }
    }
}

/// How a lie ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The claimed post-state is the true one: the lie rounded away and changed nothing that counts.
    Absorbed,
    /// The dispute was played to its end.
    Judged(Box<Trial>),
}

/// A dispute played to its end.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How it ended.
    pub outcome: Outcome,
    /// Its evidence.
    pub bundle: Bundle,
    /// Bytes of the last move, which the referee judged.
    pub judging_bytes: u64,
    /// Bytes of all moves.
    pub posted_bytes: u64,
    /// Moves of the side that made more.
    pub moves_a_side: u16,
}

/// Why a trial could not be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabError {
    /// The docket does not hold together.
    #[error("{0}")]
    Docket(#[from] DocketError),
    /// A player's move was refused.
    #[error("move of {side:?} refused: {refusal}")]
    Refused {
        /// Whose move.
        side: Side,
        /// Why.
        refusal: Refusal,
    },
    /// A player had no answer.
    #[error("{side:?} had no answer")]
    Silent {
        /// Which player.
        side: Side,
    },
    /// The data has no room for a sequence, or the unit does not exist.
    #[error("the bench has no such unit")]
    Unit,
}

/// A small run to lie in.
pub struct Bench {
    spec: RunSpec,
    shards: Arc<Vec<Vec<u8>>>,
    base: Vec<Words>,
    engine: Engine,
    accused: SigningKey,
    challenger: SigningKey,
}

const BEACON: [u8; 32] = [0x5A; 32];
const ROUND: u32 = 1;
const SLOT: u16 = 1;
const DEFINITION: Engine = Engine { backend: Backend::Reference, threads: 1 };

impl Bench {
    /// A bench for `spec` over `shards`; outer momenta are set, so that a merge has something to keep.
    pub fn new(spec: RunSpec, shards: Vec<Vec<u8>>, engine: Engine) -> Bench {
        let mut base = initial_parameters(&spec);
        let momenta = base.clone();
        base.extend(momenta);
        let key = |seed: u8| SigningKey::from_bytes(&[seed; 32]);
        Bench { spec, shards: Arc::new(shards), base, engine, accused: key(1), challenger: key(2) }
    }

    fn assignment(&self) -> Assignment<'_> {
        let (spec, shards, base) = (&self.spec, &self.shards[..], &self.base[..]);
        Assignment { spec, beacon: &BEACON, round: ROUND, slot: SLOT, shards, base }
    }

    fn facts(&self, witness: &Witness, deltas: Vec<Digest>) -> Facts {
        let shard = |bytes: &Vec<u8>| Shard { digest: tensor_digest(bytes), bytes: bytes.len() as u64 };
        Facts {
            network: Digest([1; 32]),
            run: Digest([2; 32]),
            spec: self.spec,
            manifest: self.shards.iter().map(shard).collect(),
            program: program_pin(&witness.program),
            round: ROUND,
            beacon: BEACON,
            base: root_of(StateKind::Outer, &self.spec, &self.base),
            deltas,
        }
    }

    /// Tells one lie and plays its dispute.
    pub fn tell(&self, lie: Lie) -> Result<Ending, LabError> {
        if lie.unit == Unit::Merge { self.tell_in_merge(lie) } else { self.tell_in_segment(lie) }
    }

    fn tell_in_segment(&self, lie: Lie) -> Result<Ending, LabError> {
        let at = self.assignment();
        let segment = at.train(&self.engine, &lie, |_| {}).ok_or(LabError::Unit)?;
        let key = peer_key(&self.accused);
        let commitment = segment.commitment(Digest([1; 32]), Digest([2; 32]), &at, key);
        let task = at.task(lie.unit, segment.before(lie.unit), &segment.lists).ok_or(LabError::Unit)?;
        // The honest side computes by the definition, so that a wrong kernel cannot hide behind itself.
        let honest = at.witness(task.clone(), &DEFINITION, &Honest);
        if Claimed::of(&commitment, &segment.lists, lie.unit) == Some(Claimed::replayed(&honest)) {
            return Ok(Ending::Absorbed);
        }
        let claim = Claim::Segment(SignedCommitment::new(commitment, &self.accused));
        let opening = segment.lists.opening(lie.unit).ok_or(LabError::Unit)?;
        let accused = at.witness(task, &self.engine, &lie);
        self.play(lie.unit, self.facts(&honest, vec![]), claim, opening, [accused, honest])
    }

    fn tell_in_merge(&self, lie: Lie) -> Result<Ending, LabError> {
        let deltas: Vec<Vec<Words>> = (0..2u32).map(|n| self.small_delta(n)).collect();
        let roots = deltas.iter().map(|d| root_of(StateKind::Delta, &self.spec, d)).collect();
        let task = Task {
            spec: self.spec,
            unit: Unit::Merge,
            round: ROUND,
            slot: 0,
            pre: self.base.clone(),
            base: vec![],
            deltas,
            tokens: vec![],
            losses: vec![],
        };
        let run =
            |engine: &Engine, conduct: &dyn Conduct| conducted(task.clone(), task.scalars(), engine, conduct);
        let (accused, honest) = (run(&self.engine, &lie), run(&DEFINITION, &Honest));
        let root = accused.post_tree().map(|tree| tree.root()).ok_or(LabError::Unit)?;
        if Some(root) == honest.post_tree().map(|tree| tree.root()) {
            return Ok(Ending::Absorbed);
        }
        let (network, run, poster) = (Digest([1; 32]), Digest([2; 32]), peer_key(&self.accused));
        let claim = BaseClaim { network, run, round: ROUND, root, poster };
        let claim = Claim::Base(SignedBase::new(claim, &self.accused));
        let facts = self.facts(&honest, roots);
        self.play(Unit::Merge, facts, claim, Opening::Nothing, [accused, honest])
    }

    fn small_delta(&self, n: u32) -> Vec<Words> {
        let scale = |word: &u32| (f32::from_bits(*word) * (0.01 + n as f32 * 0.02)).to_bits();
        let count = self.base.len() / 2;
        self.base[..count].iter().map(|t| t.iter().map(scale).collect()).collect()
    }

    fn play(
        &self,
        unit: Unit,
        facts: Facts,
        claim: Claim,
        opening: Opening,
        witnesses: [Witness; 2],
    ) -> Result<Ending, LabError> {
        let challenger: PeerKey = peer_key(&self.challenger);
        let docket = Docket { facts, claim, unit, opening, challenger, nonce: Digest([3; 32]) };
        let [accused, honest] = witnesses;
        let players = [
            Player::new(Side::Accused, accused, Arc::clone(&self.shards)),
            Player::new(Side::Challenger, honest, Arc::clone(&self.shards)),
        ];
        play(docket, players, [&self.accused, &self.challenger]).map(|t| Ending::Judged(Box::new(t)))
    }
}

/// Plays two players, accused and challenger, to the end of a dispute.
pub fn play(docket: Docket, players: [Player; 2], keys: [&SigningKey; 2]) -> Result<Trial, LabError> {
    let mut game = Game::open(docket)?;
    let [mut accused, mut challenger] = players;
    let (mut moves, mut by_side): (Vec<SignedMove>, [u16; 2]) = (Vec::new(), [0; 2]);
    while game.outcome().is_none() {
        let side = game.turn();
        let (player, key) = match side {
            Side::Accused => (&mut accused, keys[0]),
            Side::Challenger => (&mut challenger, keys[1]),
        };
        let body = player.reply(&game).ok_or(LabError::Silent { side })?;
        let signed = SignedMove::new(key, game.id(), game.number(), side, body);
        game.play(&signed).map_err(|refusal| LabError::Refused { side, refusal })?;
        by_side[side as usize] += 1;
        moves.push(signed);
    }
    let outcome = game.outcome().cloned().ok_or(LabError::Unit)?;
    Ok(Trial {
        outcome,
        judging_bytes: moves.last().map_or(0, SignedMove::bytes),
        posted_bytes: game.posted_bytes(),
        moves_a_side: by_side[0].max(by_side[1]),
        bundle: Bundle::new(game.docket().clone(), moves),
    })
}
