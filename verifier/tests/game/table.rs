//! A table to play at: moves are signed and posted, a refused one must change nothing, a stall is a lost clock.

use crate::world::{Case, World, key};
use retrace_verifier::evidence::Bundle;
use retrace_verifier::game::Phase;
use retrace_verifier::{Game, Move, Player, Refusal, Side, SignedMove};

pub struct Table {
    pub game: Game,
    pub moves: Vec<SignedMove>,
    pub refused: usize,
    /// True where a clock decided.
    pub stalled: bool,
}

/// Refused moves in a row after which a challenger's clock is up. An accused has one try: it opens what it has.
const TRIES: usize = 8;

impl Table {
    pub fn new(case: &Case) -> Table {
        let game = Game::open(case.docket.clone()).unwrap();
        Table { game, moves: Vec::new(), refused: 0, stalled: false }
    }

    pub fn sign(&self, side: Side, body: Move) -> SignedMove {
        SignedMove::new(&key(side), self.game.id(), self.game.number(), side, body)
    }

    /// Posts a move of the side whose turn it is.
    pub fn post(&mut self, body: Move) -> Result<(), Refusal> {
        let signed = self.sign(self.game.turn(), body);
        self.post_signed(signed)
    }

    pub fn post_signed(&mut self, signed: SignedMove) -> Result<(), Refusal> {
        let before = self.game.clone();
        let result = self.game.play(&signed);
        match result {
            Ok(()) => self.moves.push(signed),
            Err(_) => {
                assert_eq!(self.game, before, "a refused move changed the game");
                self.refused += 1;
            }
        }
        result
    }

    /// Plays to the end: the accused from its witness, the challenger by `challenger`.
    pub fn play(&mut self, accused: &mut Player, challenger: &mut dyn FnMut(&Game) -> Option<Move>) {
        let mut misses = 0;
        while self.game.outcome().is_none() {
            let side = self.game.turn();
            let (reply, tries) = match side {
                Side::Accused => (accused.reply(&self.game), 1),
                Side::Challenger => (challenger(&self.game), TRIES),
            };
            let stall = reply.is_none();
            match reply.map(|body| self.post(body)) {
                Some(Ok(())) => misses = 0,
                Some(Err(_)) | None => misses += 1,
            }
            if stall || misses >= tries {
                self.game.expire();
                self.stalled = true;
            }
        }
        assert!(self.game.number() <= 32, "{} moves", self.game.number());
    }

    /// Plays both automatic players until `stop` holds of what is due.
    pub fn play_until(&mut self, world: &World, case: &Case, stop: impl Fn(&Phase) -> bool) {
        let mut players = [Side::Accused, Side::Challenger].map(|side| case.player(world, side));
        while !stop(self.game.phase()) {
            assert!(self.game.outcome().is_none(), "over before the phase was due");
            let body = players[self.game.turn() as usize].reply(&self.game).unwrap();
            self.post(body).unwrap();
        }
    }

    pub fn bundle(&self) -> Bundle {
        Bundle::new(self.game.docket().clone(), self.moves.clone())
    }
}

/// Plays both automatic players to the end.
pub fn settle(world: &World, case: &Case) -> Table {
    let mut table = Table::new(case);
    let mut challenger = case.player(world, Side::Challenger);
    table.play(&mut case.player(world, Side::Accused), &mut |game| challenger.reply(game));
    table
}
