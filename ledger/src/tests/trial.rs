//! A liar on the ledger: trained for real, drawn, disputed, played move by move as transactions, convicted.

use super::fixture::{AUDITOR, SPONSOR, TRAINERS, VERIFIERS, World, commit, count, key, secret, terms};
use crate::limits::JUDGING_BYTES_MAX;
use crate::{
    Amount, AttestedPart, Body, ClaimStatus, Contradiction, Ending, Event, Phase, Play, SlashReason, Unbond,
    Verdict, VerdictResult,
};
use retrace_model::op::Form;
use retrace_model::{Backend, Engine, Words, initial_parameters};
use retrace_verifier::commitment::SignedCommitment;
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::docket::Shard;
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::{Assignment, Conduct, Honest, Segment};
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{Move, Player, Side, SignedMove, Unit, Witness};
use std::sync::Arc;

/// The run's bytes and a machine.
struct Lab {
    shards: Arc<Vec<Vec<u8>>>,
    base: Vec<Words>,
    engine: Engine,
}

impl Lab {
    fn new() -> Lab {
        let shard = |count: u32, factor: u32| (0..count).map(|i| (i * i * factor / 7) as u8).collect();
        let mut base = initial_parameters(&super::fixture::spec());
        let zeros: Vec<Words> = base.iter().map(|tensor| vec![0; tensor.len()]).collect();
        base.extend(zeros);
        let engine = Engine { backend: Backend::best(), threads: 1 };
        Lab { shards: Arc::new(vec![shard(900, 1), shard(700, 5)]), base, engine }
    }

    fn terms(&self) -> crate::RunTerms {
        let shard = |bytes: &Vec<u8>| Shard { digest: tensor_digest(bytes), bytes: bytes.len() as u64 };
        let mut terms = terms();
        terms.audit_rate_ppm = 1_000_000;
        terms.manifest = self.shards.iter().map(shard).collect();
        terms.initial_base = root_of(StateKind::Outer, &terms.spec, &self.base);
        // A verdict for every unit is posted before the lie is disputed, one a block.
        terms.verdict_span.heights = 1_000;
        terms
    }

    /// A network on which stake answers for as long as these terms need.
    fn world() -> World {
        let mut genesis = super::fixture::genesis();
        genesis.params.unbond_span.heights = 1_070;
        World::of(genesis)
    }

    /// The assignment of a slot, as the ledger's state gives it.
    fn assignment<'a>(&'a self, world: &'a World, run: &Digest, slot: u16) -> Assignment<'a> {
        let state = world.chain.state();
        let spec = &state.run(run).unwrap().terms.spec;
        let beacon = &state.round(run, 0).unwrap().beacon;
        Assignment { spec, beacon, round: 0, slot, shards: &self.shards, base: &self.base }
    }

    fn segment(
        &self,
        world: &World,
        run: &Digest,
        slot: u16,
        conduct: &dyn Conduct,
    ) -> (u8, SignedCommitment, Segment) {
        let at = self.assignment(world, run, slot);
        let segment = at.train(&self.engine, conduct, |_| {}).unwrap();
        let trainer = world.chain.state().round(run, 0).unwrap().slots[usize::from(slot)].trainer.unwrap();
        let name = TRAINERS.into_iter().find(|name| key(*name) == trainer).unwrap();
        let commitment = segment.commitment(world.chain.network(), *run, &at, trainer);
        (name, SignedCommitment::new(commitment, &secret(name)), segment)
    }

    fn witness(
        &self,
        world: &World,
        run: &Digest,
        slot: u16,
        unit: Unit,
        segment: &Segment,
        conduct: &dyn Conduct,
    ) -> Witness {
        let at = self.assignment(world, run, slot);
        let task = at.task(unit, segment.before(unit), &segment.lists).unwrap();
        at.witness(task, &self.engine, conduct)
    }
}

/// Commits honestly in slot 0 and with `lie` in slot 1, waits for the draw; gives the liar's claim and segment.
fn lied(world: &mut World, lab: &Lab, lie: &Lie) -> (Digest, u8, Digest, Segment) {
    let run = world.open(lab.terms());
    world.wait(1);
    let (name, honest, _) = lab.segment(world, &run, 0, &Honest);
    world.play(name, commit(honest));
    let (liar, signed, segment) = lab.segment(world, &run, 1, lie);
    world.play(liar, commit(signed));
    let ids = [honest, signed].map(|signed| signed.commitment.id());
    world.attest_all(&ids, AttestedPart::Segment);
    world.wait(2);
    assert_eq!(world.phase(&run), Phase::Auditing);
    world.attest_all(&ids, AttestedPart::Drawn);
    (run, liar, signed.commitment.id(), segment)
}

/// L-2.8, L-5.4, L-5.5, L-5.8, L-5.9, L-5.11, L-1.2: one flipped bit in a step is drawn, disputed and judged by transactions; the
/// liar's lock and the stake of who matched it are slashed, and the judging transaction is small.
#[test]
fn a_liar_is_convicted_by_transactions() {
    let (mut world, lab) = (Lab::world(), Lab::new());
    let unit = Unit::Step(2);
    let lie = Lie { unit, row: 3, element: 5, mask: 0x0040_0000 };
    let (run, liar, claim, segment) = lied(&mut world, &lab, &lie);
    assert!(world.units(&claim).contains(&unit));
    let honest = lab.witness(&world, &run, 1, unit, &segment, &Honest);
    for (name, result) in [(VERIFIERS[0], VerdictResult::Match), (VERIFIERS[1], VerdictResult::Mismatch)] {
        let verdict = Verdict { claim, unit, result, trace_root: honest.trace_root() };
        world.play(name, Body::Verdict(verdict));
    }
    // Stake that is on its way back answers too.
    world.play(VERIFIERS[0], Body::Unbond(Unbond { amount: Amount(9_500) }));
    let opening = segment.lists.opening(unit).unwrap();
    let dispute = world.challenge(VERIFIERS[1], claim, unit, opening);

    let lying = lab.witness(&world, &run, 1, unit, &segment, &lie);
    let mut accused = Player::new(Side::Accused, lying, Arc::clone(&lab.shards));
    let mut challenger = Player::new(Side::Challenger, honest, Arc::clone(&lab.shards));
    let mut last = Vec::new();
    let mut moves = 0;
    while world.chain.state().game(&dispute).unwrap().outcome().is_none() {
        let game = world.chain.state().game(&dispute).unwrap();
        let side = game.turn();
        let (name, body) = match side {
            Side::Accused => (liar, accused.reply(game).unwrap()),
            Side::Challenger => (VERIFIERS[1], challenger.reply(game).unwrap()),
        };
        let signed = SignedMove::new(&secret(name), dispute, game.number(), side, body);
        last = world.play(SPONSOR, Body::Play(Box::new(Play { signed })));
        moves += 1;
    }

    let judged = last.iter().find_map(|event| match event {
        Event::DisputeEnded { ending: Ending::Judged { winner, finding }, moves, judging_bytes, .. } => {
            Some((*winner, *finding, *moves, *judging_bytes))
        }
        _ => None,
    });
    let (winner, finding, counted, judging_bytes) = judged.unwrap();
    let finding = finding.unwrap();
    assert_eq!((winner, finding.row, finding.element), (Side::Challenger, 3, 5));
    assert_eq!(counted, moves);
    assert!(judging_bytes > 0 && judging_bytes as usize <= JUDGING_BYTES_MAX, "{judging_bytes}");
    assert_eq!(world.chain.state().claim(&claim).unwrap().status, ClaimStatus::Convicted { dispute });
    let slashed = |reason| count(&last, |e| matches!(e, Event::Slashed { reason: r, .. } if *r == reason));
    assert_eq!((slashed(SlashReason::Lie), slashed(SlashReason::FalseVerdict)), (1, 1));
    assert_eq!(world.account(liar).bonded, Amount(40_000));
    let matched = world.account(VERIFIERS[0]);
    assert_eq!((matched.bonded, matched.unbonding), (Amount(0), Amount(9_000)));
    // Bounty and one verdict.
    assert_eq!(world.account(VERIFIERS[1]).balance, Amount(1_000 + 700 + 18));
    assert_eq!(world.account(VERIFIERS[2]).bonded, Amount(10_000));

    // A fresh process that only has the blocks comes to the same conviction.
    let genesis = world.chain.genesis().clone();
    let mut again = World::of(genesis);
    for (block, certificate) in world.log() {
        again.chain.apply_bytes(&block, &certificate).unwrap();
    }
    assert_eq!(again.chain.head(), world.chain.head());
    assert_eq!(again.chain.state().claim(&claim).unwrap().status, ClaimStatus::Convicted { dispute });
}

/// L-5.8, L-5.10: the same dispute against an honest trainer, played well by both, ends when its challenger has no move.
#[test]
fn an_honest_trainer_keeps_its_lock() {
    let (mut world, lab) = (Lab::world(), Lab::new());
    let lie = Lie { unit: Unit::Step(2), row: 0, element: usize::MAX, mask: 0 };
    let (run, honest, claim, segment) = lied(&mut world, &lab, &lie);
    let unit = Unit::Delta;
    let opening = segment.lists.opening(unit).unwrap();
    let dispute = world.challenge(AUDITOR, claim, unit, opening);
    let witness = lab.witness(&world, &run, 1, unit, &segment, &Honest);
    let wrong = Lie { unit, row: 0, element: 0, mask: 1 };
    let mistaken = lab.witness(&world, &run, 1, unit, &segment, &wrong);
    let mut accused = Player::new(Side::Accused, witness, Arc::clone(&lab.shards));
    let mut challenger = Player::new(Side::Challenger, mistaken, Arc::clone(&lab.shards));
    while let Some(game) = world.chain.state().game(&dispute) {
        let side = game.turn();
        let (name, player) = match side {
            Side::Accused => (honest, &mut accused),
            Side::Challenger => (AUDITOR, &mut challenger),
        };
        let Some(body) = player.reply(game) else { break };
        let signed = SignedMove::new(&secret(name), dispute, game.number(), side, body);
        let body = Body::Play(Box::new(Play { signed }));
        if world.refusal(name, body.clone()).is_some() {
            break;
        }
        world.play(name, body);
    }
    if world.chain.state().game(&dispute).unwrap().outcome().is_none() {
        world.wait(60);
        world.play(SPONSOR, Body::Timeout(crate::Timeout { dispute }));
    }
    let record = world.chain.state().claim(&claim).unwrap();
    assert_eq!((record.status, record.disputes.len()), (ClaimStatus::Open, 0));
    assert_eq!(world.account(honest).bonded, Amount(50_000));
    assert_eq!(world.account(AUDITOR).bonded, Amount(19_000));
}

/// The bodies of all moves up to the first one that answers something that another dispute may ask, but for the trace.
fn narrowed(lab: &Lab, world: &World, dispute: &Digest, witnesses: [Witness; 2]) -> Vec<Move> {
    let mut game = world.chain.state().game(dispute).unwrap().clone();
    let names = [Side::Accused, Side::Challenger]
        .map(|side| TRAINERS.into_iter().chain([AUDITOR]).find(|n| key(*n) == game.key(side)).unwrap());
    let [accused, challenger] = witnesses;
    let mut accused = Player::new(Side::Accused, accused, Arc::clone(&lab.shards));
    let mut challenger = Player::new(Side::Challenger, challenger, Arc::clone(&lab.shards));
    let mut moves = Vec::new();
    loop {
        let side = game.turn();
        let (name, player) =
            if side == Side::Accused { (names[0], &mut accused) } else { (names[1], &mut challenger) };
        let body = player.reply(&game).unwrap();
        let signed = SignedMove::new(&secret(name), *dispute, game.number(), side, body.clone());
        game.play(&signed).unwrap();
        moves.push(body.clone());
        if matches!(body, Move::Totals(_) | Move::Partials(_)) {
            return moves;
        }
    }
}

/// Answers that differ from this one and that the game may accept: other accumulators inside, or the lanes in another order.
fn others(answer: &Move) -> Vec<Move> {
    match answer {
        Move::Partials(words) => {
            let mut words = words.clone();
            words[0] ^= 1;
            vec![Move::Partials(words)]
        }
        Move::Totals(totals) => {
            let swap = |at: usize| {
                let mut totals = *totals;
                totals.swap(0, at);
                Move::Totals(totals)
            };
            (1..totals.len()).map(swap).filter(|other| other != answer).collect()
        }
        _ => panic!("{answer:?}"),
    }
}

/// L-5.14: other lane totals for an element, or other accumulators for a stretch, than in another dispute convict; the same
/// ones do not.
#[test]
fn two_openings_of_one_place_convict() {
    let (mut world, lab) = (Lab::world(), Lab::new());
    let unit = Unit::Step(2);
    let nothing = Lie { unit, row: 0, element: usize::MAX, mask: 0 };
    let (run, liar, claim, segment) = lied(&mut world, &lab, &nothing);
    let honest = || lab.witness(&world, &run, 1, unit, &segment, &Honest);
    let program = honest().program;
    let rows = [Form::Lanes, Form::Chain].map(|form| {
        let is_of = |row: &retrace_model::program::Row| row.kind.form() == form;
        program.rows.iter().position(is_of).unwrap()
    });
    let mistaken = rows.map(|row| {
        let lie = Lie { unit, row, element: 0, mask: 1 };
        lab.witness(&world, &run, 1, unit, &segment, &lie)
    });
    let witnesses = [honest(), honest()];
    let opening = segment.lists.opening(unit).unwrap();
    for (mine, wrong) in witnesses.into_iter().zip(mistaken) {
        let first = world.challenge(AUDITOR, claim, unit, opening.clone());
        let moves = narrowed(&lab, &world, &first, [mine, wrong]);
        let signed = |name, dispute, number: usize, side, body: &Move| {
            let signed = SignedMove::new(&secret(name), dispute, number as u16, side, body.clone());
            Body::Play(Box::new(Play { signed }))
        };
        // A dispute that is played like the first one; in the last move the accused may say something else.
        let replay = |world: &mut World, dispute, until: usize| {
            for (number, body) in moves[..until].iter().enumerate() {
                let side = world.chain.state().game(&dispute).unwrap().turn();
                let name = if side == Side::Accused { liar } else { AUDITOR };
                world.play(SPONSOR, signed(name, dispute, number, side, body));
            }
        };
        let last = moves.len() - 1;
        replay(&mut world, first, moves.len());
        let second = world.challenge(AUDITOR, claim, unit, opening.clone());
        replay(&mut world, second, moves.len());
        assert_eq!(world.chain.state().claim(&claim).unwrap().status, ClaimStatus::Open, "the same again");
        let third = world.challenge(AUDITOR, claim, unit, opening.clone());
        replay(&mut world, third, last);
        let candidates = others(&moves[last]);
        let mut bodies = candidates.iter().map(|body| signed(liar, third, last, Side::Accused, body));
        let body = bodies.find(|body| world.refusal(SPONSOR, body.clone()).is_none()).unwrap();
        // A move of the past contradicts one that no block holds.
        let number = last as u16;
        let old = SignedMove::new(&secret(liar), first, number, Side::Accused, moves[last].clone());
        let Body::Play(new) = body.clone() else { panic!("{body:?}") };
        let shown = Contradiction { first: old, second: new.signed };
        assert_eq!(world.refusal(SPONSOR, Body::Contradiction(Box::new(shown))), None);

        // On a copy of the chain, so that the other form finds the claim open.
        let mut copy = World::of(world.chain.genesis().clone());
        for (block, certificate) in world.log() {
            copy.chain.apply_bytes(&block, &certificate).unwrap();
        }
        copy.time_ms = world.time_ms;
        let events = copy.play(SPONSOR, body);
        let status = copy.chain.state().claim(&claim).unwrap().status;
        assert_eq!(status, ClaimStatus::Convicted { dispute: third });
        let slashed = |e: &Event| matches!(e, Event::Slashed { reason: SlashReason::Contradiction, .. });
        assert_eq!(count(&events, slashed), 1);
        // The challenger falls silent in all three: places for the next ones.
        world.play(SPONSOR, signed(liar, third, last, Side::Accused, &moves[last]));
        world.wait(40);
        for dispute in [first, second, third] {
            world.play(SPONSOR, Body::Timeout(crate::Timeout { dispute }));
        }
    }
}
