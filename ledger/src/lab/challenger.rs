//! False challengers: what they play against a claim that is right.

use super::Draw;
use super::bench::Replays;
use crate::{Amount, Clock, Moment};
use ed25519_dalek::SigningKey;
use retrace_model::program::{Program, delta_program, loss_program, step_program};
use retrace_verifier::game::{Game, OperandProof, Phase, Target};
use retrace_verifier::{Move, Player, Side, SignedMove, Unit, program_tree};
use std::sync::Arc;

/// Heights that a challenger which waits for the last moment keeps for its moves.
const HEIGHTS_KEPT: u64 = 16;

/// How a false challenger plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Any legal choice, true operands at the end.
    Random,
    /// The best play of one that has computed an output wrong.
    Mistaken,
    /// Names a true element and shows other operands than it has.
    WrongOperands,
    /// Names other rows than the one that wrote the output.
    WrongRow,
    /// Posts its moves of other disputes again, as they were and relabeled.
    Replayed,
    /// Moves in the accused's name and out of turn.
    Forged,
    /// Never moves.
    Silent,
    /// Moves when its clock has almost run out.
    LastMoment,
}

/// All strategies, in the order in which the lab takes turns.
pub const STRATEGIES: [Strategy; 9] = [
    Strategy::Random,
    Strategy::Mistaken,
    Strategy::Silent,
    Strategy::WrongOperands,
    Strategy::Random,
    Strategy::WrongRow,
    Strategy::LastMoment,
    Strategy::Replayed,
    Strategy::Forged,
];

/// What the strategies come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Random legal choices.
    Random,
    /// Against the rules, or with a wrong run.
    Adversarial,
    /// Against the clock.
    Stalling,
}

impl Strategy {
    /// Which group it is counted in.
    pub fn group(self) -> Group {
        match self {
            Strategy::Random => Group::Random,
            Strategy::Silent | Strategy::LastMoment => Group::Stalling,
            _ => Group::Adversarial,
        }
    }
}

/// One false challenger in one dispute.
pub(super) struct Challenger {
    strategy: Strategy,
    key: SigningKey,
    player: Player,
    /// Moves tried that break a rule.
    tries: usize,
}

impl Challenger {
    pub fn new(
        strategy: Strategy,
        key: SigningKey,
        replays: &Replays,
        shards: &Arc<Vec<Vec<u8>>>,
        draw: &mut Draw,
    ) -> Challenger {
        let witness = match strategy {
            Strategy::Mistaken => &replays.mistaken[draw.below(replays.mistaken.len())],
            _ => &replays.right,
        };
        let player = Player::new(Side::Challenger, witness.clone(), Arc::clone(shards));
        Challenger { strategy, key, player, tries: 0 }
    }

    /// The move that it posts now, legal or not; none while it waits.
    pub fn reply(
        &mut self,
        game: &Game,
        old: &[SignedMove],
        clock: &Clock,
        next: Moment,
        draw: &mut Draw,
    ) -> Option<SignedMove> {
        let is_mine = game.turn() == Side::Challenger;
        match self.strategy {
            Strategy::Silent => None,
            Strategy::Forged => self.forged(game, draw).or_else(|| self.own(game, is_mine, draw)),
            Strategy::Replayed if is_mine => {
                self.again(game, old, draw).or_else(|| self.own(game, is_mine, draw))
            }
            Strategy::LastMoment => {
                let used = clock.used_at(next).heights;
                let waits = used + HEIGHTS_KEPT < clock.budget.heights;
                if waits { None } else { self.own(game, is_mine, draw) }
            }
            _ => self.own(game, is_mine, draw),
        }
    }

    fn own(&mut self, game: &Game, is_mine: bool, draw: &mut Draw) -> Option<SignedMove> {
        let body = if is_mine { self.body(game, draw)? } else { return None };
        Some(SignedMove::new(&self.key, game.id(), game.number(), Side::Challenger, body))
    }

    fn body(&mut self, game: &Game, draw: &mut Draw) -> Option<Move> {
        if self.strategy == Strategy::Mistaken {
            return self.player.reply(game);
        }
        let due = any_choice(game, draw).or_else(|| self.player.reply(game))?;
        match (self.strategy, due) {
            (Strategy::WrongOperands, Move::Judge(proofs)) => self.wrong_operands(proofs),
            (Strategy::WrongRow, Move::Name { index, row, path }) => {
                self.tries += 1;
                let other = (index + 1) % game.docket().facts.program.rows;
                match self.tries {
                    1 => self.name(game, other),
                    2 => Some(Move::Name { index: other, row, path }),
                    3 => {
                        let mut row = row;
                        row.terms ^= 1;
                        Some(Move::Name { index, row, path })
                    }
                    _ => None,
                }
            }
            (_, due) => Some(due),
        }
    }

    /// Another row of the program with its own, right path.
    fn name(&self, game: &Game, index: u32) -> Option<Move> {
        let program = game_program(game)?;
        let path = program_tree(&program).path(u64::from(index))?;
        Some(Move::Name { index, row: program.rows.get(index as usize)?.clone(), path })
    }

    fn wrong_operands(&mut self, mut proofs: Vec<OperandProof>) -> Option<Move> {
        self.tries += 1;
        match self.tries {
            1 => *proofs.first_mut()?.chunk.first_mut()? ^= 1,
            2 => proofs.first_mut()?.digest.0[0] ^= 1,
            3 => drop(proofs.pop()),
            4 => proofs.push(proofs.first()?.clone()),
            5 => proofs.first_mut()?.path.siblings.push([0; 32]),
            _ => return None,
        }
        Some(Move::Judge(proofs))
    }

    /// A move of another dispute, first as it was, then with this dispute's name on it.
    fn again(&mut self, game: &Game, old: &[SignedMove], draw: &mut Draw) -> Option<SignedMove> {
        self.tries += 1;
        let mut again = old.get(draw.below(old.len().max(1)))?.clone();
        match self.tries {
            1 => {}
            2 => (again.dispute, again.number) = (game.id(), game.number()),
            _ => return None,
        }
        Some(again)
    }

    /// The accused's next move, signed with the challenger's key; later a move out of turn.
    fn forged(&mut self, game: &Game, draw: &mut Draw) -> Option<SignedMove> {
        self.tries += 1;
        let mut root = [0; 32];
        root[..8].copy_from_slice(&draw.next().to_le_bytes());
        let body = Move::Trace(root.into());
        match self.tries {
            1 => Some(SignedMove::new(&self.key, game.id(), game.number(), Side::Accused, body)),
            2 => Some(SignedMove::new(&self.key, game.id(), game.number() + 1, Side::Challenger, body)),
            _ => None,
        }
    }
}

fn game_program(game: &Game) -> Option<Program> {
    let spec = &game.docket().facts.spec;
    match game.docket().unit {
        Unit::Step(_) => Some(step_program(spec)),
        Unit::Delta => Some(delta_program(spec)),
        Unit::Loss => Some(loss_program(spec)),
        Unit::Merge => None,
    }
}

/// A legal choice where the challenger has one.
fn any_choice(game: &Game, draw: &mut Draw) -> Option<Move> {
    Some(match game.phase() {
        Phase::Target => {
            let frame = game.frame();
            let there = [
                (Target::Ops, game.ops().is_some()),
                (Target::Post, frame.post.is_some()),
                (Target::Batch, frame.batch.is_some()),
                (Target::Loss, frame.loss.is_some()),
            ];
            let legal: Vec<Target> =
                there.into_iter().filter(|(_, is)| *is).map(|(target, _)| target).collect();
            Move::Target(*legal.get(draw.below(legal.len().max(1)))?)
        }
        Phase::ChooseList { children, .. } | Phase::ChooseTensor { children, .. } => {
            Move::Choose(draw.below(children.len()) as u32)
        }
        Phase::Interval { words, .. } => Move::Choose(draw.below(words.len()) as u32),
        Phase::Element { words, .. } => Move::Element(draw.below(words.len()) as u32),
        Phase::Lane { .. } => Move::Lane(draw.below(16) as u8),
        _ => return None,
    })
}

/// What a defense costs: the unit replayed once at what a step is paid, and the bytes that the accused posts.
pub(super) fn defense_cost(step_price: Amount, bytes: u64, byte_price_ppm: u32) -> u64 {
    step_price.0 + (bytes * u64::from(byte_price_ppm)).div_ceil(1_000_000)
}
