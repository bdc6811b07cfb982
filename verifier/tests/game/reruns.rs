//! Players whose run is kept as digests, and players that die between two moves: the play is the same, byte for byte.

use crate::table::Table;
use crate::world::{Case, Rng, UNITS, World, key, small_spec};
use retrace_model::op::KINDS;
use retrace_model::{Architecture, F32Bits, LlamaSpec, MlpSpec};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::{Claimed, Conduct, Honest};
use retrace_verifier::{Game, Move, Player, Rerun, ResumeError, Side, SignedMove, Trace, Unit};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most runs of a unit, or of a part of it, in one dispute: its digests, the output in dispute, what its row reads.
const RUNS_MAX: u32 = 3;

fn worlds() -> Vec<(&'static str, World)> {
    let bits = |x: f32| F32Bits(x.to_bits());
    let mut llama = small_spec();
    let (rope_base, norm_epsilon) = (bits(10_000.0), bits(1e-5));
    llama.model.architecture =
        Architecture::Llama(LlamaSpec { heads: 3, key_value_heads: 1, rope_base, norm_epsilon });
    let mut mlp = small_spec();
    let activation = retrace_model::Activation::Silu;
    mlp.model.architecture = Architecture::Mlp(MlpSpec { activation });
    mlp.model.tied = false;
    let all = [World::new(), World::varied(), World::of(llama), World::of(mlp)];
    ["GPT", "varied GPT", "Llama", "MLP"].into_iter().zip(all).collect()
}

/// This side's run, kept as digests.
fn rerun(world: &World, case: &Case, side: Side, conduct: &Arc<dyn Conduct>) -> Rerun {
    let (whole, conduct) = match side {
        Side::Accused => (&case.accused, Arc::clone(conduct)),
        Side::Challenger => (&case.honest, Arc::new(Honest) as Arc<dyn Conduct>),
    };
    Rerun::new(whole.task.clone(), whole.scalars, &world.engine, conduct)
}

/// Both sides' moves to the end of a dispute, the players made anew before each where `dies`; and most runs of a side.
fn moves(case: &Case, dies: bool, seat: impl Fn(Side, &Game, &[SignedMove]) -> Player) -> (Vec<u8>, u32) {
    let mut table = Table::new(case);
    let mut players = [Side::Accused, Side::Challenger].map(|side| seat(side, &table.game, &[]));
    while table.game.outcome().is_none() {
        let side = table.game.turn();
        if dies {
            players[side as usize] = seat(side, &table.game, &table.moves);
        }
        let body = players[side as usize].reply(&table.game).expect("an answer");
        table.post(body).unwrap();
    }
    let runs = players.iter().map(Player::runs).max().unwrap_or(0);
    (borsh::to_vec(&(&table.moves, table.game.outcome())).unwrap(), runs)
}

fn seated(
    world: &World,
    side: Side,
    trace: impl Trace + 'static,
    game: &Game,
    moves: &[SignedMove],
) -> Player {
    Player::resume(side, trace, Arc::clone(&world.shards), game, moves).unwrap()
}

/// Plays one dispute with whole and with regenerated traces; gives most runs of a side.
fn same_play(world: &World, case: &Case, conduct: &Arc<dyn Conduct>, dies: bool, what: &str) -> u32 {
    let (whole, once) = moves(case, false, |side, _, _| case.player(world, side));
    assert_eq!(once, 1, "{what}: a whole run is never run again");
    let fresh = |side| rerun(world, case, side, conduct);
    let shards = || Arc::clone(&world.shards);
    let (again, runs) = moves(case, false, |side, _, _| Player::new(side, fresh(side), shards()));
    assert!(whole == again, "{what}: a regenerated run gives other moves");
    assert!(runs <= RUNS_MAX, "{what}: {runs} runs");
    if dies {
        let (resumed, each) =
            moves(case, true, |side, game, moves| seated(world, side, fresh(side), game, moves));
        assert!(whole == resumed, "{what}: a resumed player gives other moves");
        // A life has its digests to compute, and for its one move at most one run more.
        assert!(each <= 2, "{what}: {each} runs for one move");
    }
    runs
}

fn lie_in(rng: &mut Rng, unit: Unit, case: &Case) -> Lie {
    let row = rng.below(case.honest.program.rows.len());
    Lie { unit, row, element: rng.below(case.honest.outputs[row].len()), mask: 1 << rng.below(32) }
}

/// V-4.7, V-5.2: liars and mistaken challengers, in every unit and family, play the same from digests and reruns as
/// from memory, and when they die before every single move.
#[test]
fn a_rerun_plays_as_a_whole_run() {
    let (mut played, mut most) = (0, 0);
    for (name, world) in worlds() {
        for unit in UNITS {
            let honest = world.case(unit, &Honest);
            for seed in 0..10 {
                let mut rng = Rng(0x4E4A ^ seed << 8);
                let lie = lie_in(&mut rng, unit, &honest);
                let case = world.case(unit, &lie);
                let what = format!("{name} {lie:?}");
                let conduct: Arc<dyn Conduct> = Arc::new(lie);
                if !case.absorbed {
                    most = most.max(same_play(&world, &case, &conduct, seed < 3, &what));
                    played += 1;
                }
            }
        }
    }
    assert!(played >= 150 && most == RUNS_MAX, "{played} disputes, at most {most} runs");
    println!("{played} disputes, at most {most} runs of a side");
}

/// V-4.1, V-4.7: an honest accused that keeps digests alone plays what it would play from memory, against challengers
/// that go down to any output, and wins.
#[test]
fn an_honest_rerun_wins_as_a_whole_run() {
    let mut played = 0;
    for (name, world) in worlds() {
        for unit in UNITS {
            let case = world.case(unit, &Honest);
            let honest: Arc<dyn Conduct> = Arc::new(Honest);
            for seed in 0..6 {
                let lie = lie_in(&mut Rng(0xFA15E + seed), unit, &case);
                let mistaken = world.case(unit, &lie);
                let play = |accused: Player| {
                    let shards = Arc::clone(&world.shards);
                    let mut challenger = Player::new(Side::Challenger, mistaken.accused.clone(), shards);
                    let (mut table, mut accused) = (Table::new(&case), accused);
                    table.play(&mut accused, &mut |game| challenger.reply(game));
                    assert_eq!(table.game.outcome().unwrap().winner, Side::Accused, "{name} {lie:?}");
                    assert!(accused.runs() <= RUNS_MAX);
                    table.moves
                };
                let regenerated = rerun(&world, &case, Side::Accused, &honest);
                let again = play(Player::new(Side::Accused, regenerated, Arc::clone(&world.shards)));
                assert!(play(case.player(&world, Side::Accused)) == again, "{name} {lie:?}");
                played += again.len();
            }
        }
    }
    assert!(played > 500, "{played} moves");
}

/// V-5.2, V-5.3: a rerun has the claim and the trace root of the whole run, and shows every output as it was.
#[test]
fn a_rerun_shows_what_was_run() {
    let mut kinds = BTreeSet::new();
    for (name, world) in worlds() {
        for unit in UNITS {
            let case = world.case(unit, &Honest);
            let lie = lie_in(&mut Rng(7), unit, &case);
            let case = world.case(unit, &lie);
            let rerun = rerun(&world, &case, Side::Accused, &(Arc::new(lie) as Arc<dyn Conduct>));
            assert_eq!(rerun.outline().trace_root(), case.accused.trace_root(), "{name} {unit}");
            assert_eq!(Claimed::replayed(&rerun), Claimed::replayed(&case.accused), "{name} {unit}");
            let outputs = &case.accused.outputs;
            for (at, row) in case.accused.program.rows.iter().enumerate() {
                let mut seen = Vec::new();
                rerun.show(&BTreeSet::from([at]), &mut |row, words| seen.push((row, words.to_vec())));
                assert!(seen == [(at, outputs[at].clone())], "{name} {unit}, row {at}");
                kinds.insert(row.kind);
            }
            rerun.show(&BTreeSet::from([outputs.len()]), &mut |row, _| panic!("there is no row {row}"));
        }
    }
    assert!(kinds.len() * 4 > KINDS.len() * 3, "{} of {} op kinds", kinds.len(), KINDS.len());
}

/// V-4.7: a player is not seated with moves of another game, with too few, or with altered ones.
#[test]
fn a_player_resumes_in_its_own_game_only() {
    let world = World::new();
    let lie = Lie { unit: Unit::Step(1), row: 3, element: 0, mask: 1 << 20 };
    let case = world.case(lie.unit, &lie);
    let mut table = Table::new(&case);
    let mut players = [Side::Accused, Side::Challenger].map(|side| case.player(&world, side));
    for _ in 0..5 {
        let body = players[table.game.turn() as usize].reply(&table.game).unwrap();
        table.post(body).unwrap();
    }
    let resume = |moves: &[SignedMove]| {
        let shards = Arc::clone(&world.shards);
        Player::resume(Side::Challenger, case.honest.clone(), shards, &table.game, moves).map(|p| p.side())
    };
    assert_eq!(resume(&table.moves), Ok(Side::Challenger));
    assert_eq!(resume(&table.moves[..4]), Err(ResumeError::Elsewhere));
    let mut altered = table.moves.clone();
    let signer = key(Side::Accused);
    altered[2] = SignedMove::new(&signer, table.game.id(), 2, Side::Accused, Move::Open(vec![[0; 32]]));
    assert!(matches!(resume(&altered), Err(ResumeError::Refused { number: 2, .. })));
}
