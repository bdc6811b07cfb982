//! Games as states of a model checker: one side is free, the other one's moves are its automatic player's.

use crate::alphabet::candidates;
use crate::bench::{Case, World, key};
use crate::rules::Rules;
use retrace_verifier::game::Phase;
use retrace_verifier::{Game, Move, Player, Side, SignedMove, Witness};
use stateright::{Model, Property};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub const HONEST_WINS: &str = "an honest side wins (I1, I2)";
pub const HONEST_ANSWERS: &str = "an honest side has a move that counts (I1, I2)";
pub const FEW_MOVES: &str = "no side makes more than 13 moves (I3)";
pub const REFUSALS: &str = "a refused move changes nothing";
pub const JUDGED: &str = "the referee decides a game";

/// V-4.1, I3.
const MOVES_MAX: u16 = 13;

/// A dispute, and who is free in it.
pub struct Match {
    pub case: Case,
    pub free: Side,
    /// Runs that the free side may play from: its own first.
    pub pretended: Vec<Witness>,
}

/// All games over some matches.
pub struct Arena {
    pub world: World,
    pub matches: Vec<Match>,
    pub rules: Box<dyn Rules>,
    /// Refusals that were tried.
    pub refused: Arc<AtomicUsize>,
}

/// What was wrong on the way to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    None,
    Silent,
    ChangedByRefusal,
}

/// A game in its course.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub at: usize,
    pub game: Game,
    /// The game whenever children of a list lay open: what a challenger has seen.
    pub seen: Vec<Game>,
    pub moves: [u16; 2],
    pub stalled: bool,
    pub flaw: Flaw,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.at, self.moves, self.stalled, self.flaw).hash(hasher);
        for game in self.seen.iter().chain([&self.game]) {
            borsh::to_vec(game).unwrap().hash(hasher);
        }
    }
}

/// A move of the side whose turn it is, or none until its clock has run out.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Post(Move),
    Wait,
}

/// What the automatic player of a side answers from this run.
pub fn answer(
    side: Side,
    run: &Witness,
    shards: &Arc<Vec<Vec<u8>>>,
    game: &Game,
    seen: &[Game],
) -> Option<Move> {
    let mut player = Player::new(side, run.clone(), Arc::clone(shards));
    for earlier in seen {
        player.reply(earlier);
    }
    player.reply(game)
}

impl Arena {
    fn honest_reply(&self, state: &State) -> Option<Move> {
        let case = &self.matches[state.at].case;
        let side = state.game.turn();
        let run = if side == Side::Accused { &case.accused } else { &case.honest };
        answer(side, run, &self.world.shards, &state.game, &state.seen)
    }

    fn post(&self, last: &State, body: Move) -> Option<State> {
        let mut next = last.clone();
        let side = last.game.turn();
        let signed = SignedMove::new(&key(side), last.game.id(), last.game.number(), side, body);
        let result = self.rules.play(&mut next.game, &signed);
        let is_free = side == self.matches[last.at].free;
        if result.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            if next.game != last.game {
                next.flaw = Flaw::ChangedByRefusal;
                return Some(next);
            }
            next.flaw = Flaw::Silent;
            return if is_free { None } else { Some(next) };
        }
        next.moves[side as usize] += 1;
        if matches!(next.game.phase(), Phase::ChooseList { .. }) {
            next.seen.push(next.game.clone());
        }
        Some(next)
    }
}

impl Model for Arena {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let open = |(at, one): (usize, &Match)| State {
            at,
            game: Game::open(one.case.docket.clone()).unwrap(),
            seen: Vec::new(),
            moves: [0; 2],
            stalled: false,
            flaw: Flaw::None,
        };
        self.matches.iter().enumerate().map(open).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.game.outcome().is_some() || state.flaw != Flaw::None {
            return;
        }
        let one = &self.matches[state.at];
        if state.game.turn() == one.free {
            let (game, seen) = (&state.game, &state.seen[..]);
            let moves = candidates(game, seen, &one.pretended, &self.world.shards);
            actions.extend(moves.into_iter().map(Action::Post));
            actions.push(Action::Wait);
        } else {
            actions.push(self.honest_reply(state).map_or(Action::Wait, Action::Post));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        match action {
            Action::Post(body) => self.post(last, body),
            Action::Wait => {
                let mut next = last.clone();
                if last.game.turn() != self.matches[last.at].free {
                    next.flaw = Flaw::Silent;
                }
                next.game.expire();
                next.stalled = true;
                Some(next)
            }
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(HONEST_WINS, |arena: &Arena, state: &State| {
                let honest = arena.matches[state.at].free.other();
                // A side that had no answer is told by its own property.
                state.flaw != Flaw::None
                    || state.game.outcome().is_none_or(|outcome| outcome.winner == honest)
            }),
            Property::always(HONEST_ANSWERS, |_, state: &State| state.flaw != Flaw::Silent),
            Property::always(FEW_MOVES, |_, state: &State| state.moves.iter().all(|n| *n <= MOVES_MAX)),
            Property::always(REFUSALS, |_, state: &State| state.flaw != Flaw::ChangedByRefusal),
            Property::sometimes(JUDGED, |_, state: &State| !state.stalled && state.game.outcome().is_some()),
        ]
    }
}
