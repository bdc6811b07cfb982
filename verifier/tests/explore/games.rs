//! The explorations: all games of small units by the real rules, and the faults that must be found.

use crate::arena::{Arena, FEW_MOVES, HONEST_ANSWERS, HONEST_WINS, JUDGED, Match, REFUSALS};
use crate::bench::{Case, World, honest_case, lie_in, lying_cases, ops_root, perceptron, wrong_everywhere};
use crate::mutants::Fault;
use crate::rules::{Law, Rules};
use retrace_model::op::Kind;
use retrace_verifier::{Side, Unit};
use stateright::{Checker, HasDiscoveries, Model};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const STEP: Unit = Unit::Step(1);

/// A free challenger against an accused that did its work; it may play from runs that are wrong everywhere.
fn accuser(case: Case) -> Match {
    let pretended = vec![case.honest.clone(), wrong_everywhere(&case.honest)];
    Match { case, free: Side::Challenger, pretended }
}

/// A free accused that lied, and may open what it ran, what is true, or neither.
fn liar(case: Case) -> Match {
    let pretended = vec![case.accused.clone(), case.honest.clone(), wrong_everywhere(&case.honest)];
    Match { case, free: Side::Accused, pretended }
}

struct Found {
    states: usize,
    depth: usize,
    refused: usize,
    failed: BTreeSet<&'static str>,
    is_judged: bool,
}

/// Explores until everything was seen, or the first of the properties `until` is found broken.
fn explore(world: World, matches: Vec<Match>, rules: impl Rules + 'static, until: &[&'static str]) -> Found {
    let refused = Arc::new(AtomicUsize::new(0));
    let arena = Arena { world, matches, rules: Box::new(rules), refused: Arc::clone(&refused) };
    // Nothing is found twice: what stops the search early is a property that was asked for, and no other.
    let stop = HasDiscoveries::AnyOf(until.iter().copied().collect());
    let checker = arena.checker().finish_when(stop).threads(2).spawn_bfs().join();
    let mut failed: BTreeSet<&'static str> = checker.discoveries().into_keys().collect();
    let is_judged = failed.remove(JUDGED);
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    Found { states, depth, refused: refused.load(Ordering::Relaxed), failed, is_judged }
}

/// V-4.1: explores all of it, finds nothing, and says how much it was.
fn holds(name: &str, world: World, matches: Vec<Match>, floor: usize) {
    let count = matches.len();
    let found = explore(world, matches, Law, &["nothing stops it"]);
    println!(
        "{name}: {count} disputes, {} states, depth {}, {} moves refused",
        found.states, found.depth, found.refused
    );
    assert_eq!(found.failed, BTreeSet::new(), "{name}");
    assert!(found.is_judged, "{name}: no game was judged");
    assert!(found.refused > count, "{name}: {} refusals", found.refused);
    assert!(found.states >= floor, "{name}: {} states", found.states);
}

/// I1 of V-4.1: no play of any challenger wins against an honest accused.
#[test]
fn an_honest_accused_wins_every_play() {
    for (unit, floor) in
        [(STEP, 5_000), (Unit::Step(0), 5_000), (Unit::Delta, 200), (Unit::Loss, 20), (Unit::Merge, 400)]
    {
        let world = perceptron(1);
        let case = honest_case(&world, unit);
        holds(&format!("honest accused, {unit}"), world, vec![accuser(case)], floor);
    }
}

/// I2 of V-4.1: no play of any accused loses an honest challenger its win, wherever the lie was told.
#[test]
fn an_honest_challenger_wins_against_every_play() {
    for (unit, stride, floor) in [
        (STEP, 1, 2_000),
        (Unit::Step(0), 3, 500),
        (Unit::Delta, 1, 50),
        (Unit::Loss, 1, 10),
        (Unit::Merge, 1, 50),
    ] {
        let world = perceptron(1);
        let cases = lying_cases(&world, unit, stride);
        let matches: Vec<Match> = cases.into_iter().map(liar).collect();
        holds(&format!("lying accused, {unit}"), world, matches, floor);
    }
}

/// I1 and I2 of V-4.1 where the op list itself is opened twice: 40 layers write more than 256 outputs.
#[test]
fn a_list_of_two_levels_changes_nothing() {
    let world = perceptron(40);
    let case = honest_case(&world, STEP);
    assert!(case.docket.facts.program.trace_leaves > 256, "{}", case.docket.facts.program.trace_leaves);
    let mut matches = vec![accuser(case)];
    matches.extend(lying_cases(&world, STEP, 97).into_iter().map(liar));
    assert!(matches.len() >= 4, "{}", matches.len());
    holds("two levels", world, matches, 2_000);
}

/// A faulty rule must break the property; others may break beside it.
fn is_found(fault: Fault, matches: impl Fn(&World) -> Vec<Match>, property: &'static str) {
    let world = perceptron(1);
    let matches = matches(&world);
    let found = explore(world, matches, fault, &[property]);
    println!("{fault:?}: {} states, breaks {:?}", found.states, found.failed);
    assert!(found.failed.contains(property), "{fault:?} was not found out: {:?}", found.failed);
}

/// V-4.4: I2 breaks where chains and totals may end anywhere.
#[test]
fn loose_ends_are_found() {
    let lie = |kind| move |world: &World| vec![liar(lie_in(world, STEP, kind))];
    is_found(Fault::LooseEnds, lie(Kind::MatMul), HONEST_WINS);
    is_found(Fault::LooseTotals, lie(Kind::RowSum), HONEST_WINS);
}

/// V-2.2, V-4.2: I2 breaks where openings are not hashed, and where a posted trace binds nobody.
#[test]
fn unbound_accused_are_found() {
    let lie = |world: &World| vec![liar(lie_in(world, STEP, Kind::MatMul))];
    is_found(Fault::UncheckedOpenings, lie, HONEST_ANSWERS);
    is_found(Fault::TraceNotBinding, lie, HONEST_ANSWERS);
}

/// V-4.2, V-4.5: I1 breaks where a choice is not bounded, and where the prover brings the root.
#[test]
fn unbound_challengers_are_found() {
    let honest = |world: &World| vec![accuser(honest_case(world, STEP))];
    let world = perceptron(1);
    let theirs = ops_root(&wrong_everywhere(&honest_case(&world, STEP).honest));
    is_found(Fault::OwnRoot(theirs), honest, HONEST_WINS);
    is_found(Fault::ChoiceBehindTheEnd, honest, HONEST_WINS);
}

/// I3 of V-4.1 and V-4.2: games that do not end, and refusals that count.
#[test]
fn endless_games_are_found() {
    let honest = |world: &World| vec![accuser(honest_case(world, STEP))];
    is_found(Fault::WholeStretch, honest, FEW_MOVES);
    is_found(Fault::CountedRefusal, honest, REFUSALS);
}
