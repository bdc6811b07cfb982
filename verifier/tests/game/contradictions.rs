//! Contradictions: what an accused may not say twice, and all that is none.

use crate::table::{Table, settle};
use crate::world::{Case, Rng, World, key};
use retrace_model::op::{Form, LANES};
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::{Claim, DocketError};
use retrace_verifier::evidence::{
    Contradiction, Disproven, Kind, NotContradicted, Testimony, Unreadable, judge_contradiction,
    read_contradiction,
};
use retrace_verifier::game::{MoveKind, Phase, Question};
use retrace_verifier::lab::Lie;
use retrace_verifier::segment::Honest;
use retrace_verifier::signature::Signature;
use retrace_verifier::{Move, Side, SignedMove, Unit};

const UNIT: Unit = Unit::Step(0);

/// A dispute over a row reduction of more than 64 terms: it has all three kinds of questions.
fn case(world: &World) -> Case {
    let program = world.case(UNIT, &Honest).honest.program;
    let is_long = |terms: u32| terms > 64;
    let row =
        program.rows.iter().position(|row| row.kind.form() == Form::Lanes && is_long(row.terms)).unwrap();
    world.case(UNIT, &Lie { unit: UNIT, row, element: 5, mask: 1 << 20 })
}

/// All moves up to the last one of a kind.
fn testimony(table: &Table, kind: MoveKind) -> Testimony {
    let end = table.moves.iter().rposition(|m| m.body.kind() == kind).unwrap() + 1;
    let docket = table.game.docket().clone();
    Testimony { docket, delegations: vec![], moves: table.moves[..end].to_vec() }
}

/// The same dispute under another nonce, its moves signed anew, the last one changed.
fn retold(from: &Testimony, nonce: u8, change: impl Fn(&mut Move)) -> Testimony {
    let mut told = from.clone();
    told.docket.nonce = Digest([nonce; 32]);
    change(&mut told.moves.last_mut().unwrap().body);
    resign(&mut told);
    told
}

fn resign(told: &mut Testimony) {
    let id = told.docket.id();
    for m in &mut told.moves {
        *m = SignedMove::new(&key(m.side), id, m.number, m.side, m.body.clone());
    }
}

/// Another statement that the game takes as well.
fn change(body: &mut Move) {
    match body {
        Move::Trace(root) => root.0[0] ^= 1,
        Move::Totals(totals) => {
            let claimed = totals.iter().copied().find(|word| *word != 0xFF80_0000 && *word != 0x8000_0000);
            let neutral = if totals.contains(&0xFF80_0000) { 0xFF80_0000 } else { 0x8000_0000 };
            *totals = [neutral; LANES];
            totals[9] = claimed.unwrap();
        }
        Move::Partials(words) => words[0] ^= 1,
        _ => panic!("no statement"),
    }
}

fn found(first: &Testimony, second: &Testimony) -> Contradiction {
    Contradiction::new(first.clone(), second.clone())
}

const KINDS: [MoveKind; 3] = [MoveKind::Trace, MoveKind::Totals, MoveKind::Partials];

/// V-6.3: two trace roots, two sets of totals, two lists of accumulators are proof, in two disputes or in one.
#[test]
fn two_answers_to_one_question_are_proof() {
    let world = World::new();
    let table = settle(&world, &case(&world));
    for kind in KINDS {
        let first = testimony(&table, kind);
        for nonce in [3, 4] {
            let second = retold(&first, nonce, change);
            let bytes = borsh::to_vec(&found(&first, &second)).unwrap();
            let shown = judge_contradiction(&read_contradiction(&bytes).unwrap())
                .unwrap_or_else(|e| panic!("{kind:?}: {e}"));
            assert_eq!(shown.accused, first.docket.claim.signer());
            assert_eq!(shown.disputes, [first.docket.id(), second.docket.id()]);
            let is_right = match kind {
                MoveKind::Trace => shown.question == Question::Trace,
                MoveKind::Totals => matches!(shown.question, Question::Totals { element: 5, .. }),
                _ => matches!(shown.question, Question::Partials { element: 5, .. }),
            };
            assert!(is_right, "{}", shown.question);
            assert!(judge_contradiction(&found(&second, &first)).is_ok());
        }
    }
}

/// V-6.3: an honest accused that answers every challenger from its run never contradicts itself.
#[test]
fn an_honest_accused_says_everything_twice() {
    let world = World::new();
    let honest = world.case(UNIT, &Honest);
    let mut rng = Rng(0x7A1E);
    let mut testimonies: Vec<Testimony> = Vec::new();
    for nonce in 0..12 {
        let mut docket = honest.docket.clone();
        docket.nonce = Digest([nonce; 32]);
        let accuser =
            Case { docket, accused: honest.accused.clone(), honest: honest.honest.clone(), absorbed: true };
        let mut table = Table::new(&accuser);
        // Challengers that differ, and two that ask the same.
        let (row, element) = ((nonce as usize / 2) * 31 % honest.honest.program.rows.len(), 2);
        let lie = Lie { unit: UNIT, row, element, mask: 1 };
        let wrong = world.case(UNIT, &lie).accused;
        let mut player = retrace_verifier::Player::new(Side::Challenger, wrong, world.shards.clone());
        table.play(&mut accuser.player(&world, Side::Accused), &mut |game| player.reply(game));
        for (at, m) in table.moves.iter().enumerate() {
            if KINDS.contains(&m.body.kind()) {
                let docket = table.game.docket().clone();
                testimonies.push(Testimony {
                    docket,
                    delegations: vec![],
                    moves: table.moves[..=at].to_vec(),
                });
            }
        }
    }
    assert!(testimonies.len() > 12, "{}", testimonies.len());
    for _ in 0..200 {
        let (a, b) = (rng.below(testimonies.len()), rng.below(testimonies.len()));
        let answer = judge_contradiction(&found(&testimonies[a], &testimonies[b]));
        assert_eq!(answer.unwrap_err(), NotContradicted::Consistent);
    }
}

/// V-6.3: every reason why a readable contradiction shows nothing, by name, in the order of the checks.
#[test]
fn every_reason_against_a_contradiction_is_reached() {
    let world = World::new();
    let table = settle(&world, &case(&world));
    let first = testimony(&table, MoveKind::Partials);
    let second = retold(&first, 4, change);
    let answer = |a: &Testimony, b: &Testimony| judge_contradiction(&found(a, b)).unwrap_err();
    let edits: [fn(&mut Testimony); 3] = [
        |t| t.docket.facts.beacon[0] ^= 1,
        |t| t.docket.unit = Unit::Step(1),
        |t| {
            if let Claim::Segment(signed) = &mut t.docket.claim {
                signed.commitment.mean_loss ^= 1;
            }
        },
    ];
    for edit in edits {
        let mut other = second.clone();
        edit(&mut other);
        resign(&mut other);
        assert_eq!(answer(&first, &other), NotContradicted::Frames);
    }
    let mut unsigned = second.clone();
    if let Claim::Segment(signed) = &mut unsigned.docket.claim {
        signed.signature = Signature([0; 64]);
    }
    resign(&mut unsigned);
    let found_reason = answer(&first, &unsigned);
    let is_docket = |r: &NotContradicted, at| matches!(r, NotContradicted::Line { line, reason: Disproven::Docket(DocketError::Signature(_)) } if *line == at);
    assert!(is_docket(&found_reason, 1) && is_docket(&answer(&unsigned, &second), 0), "{found_reason}");
    let mut reordered = second.clone();
    reordered.moves.remove(1);
    let refused =
        |r, at| matches!(r, NotContradicted::Line { line, reason: Disproven::Move { .. } } if line == at);
    assert!(refused(answer(&first, &reordered), 1));
    // Signed by a key that the accused never named.
    let mut forged = second.clone();
    let last = forged.moves.last_mut().unwrap();
    *last = SignedMove::new(&key(Side::Challenger), last.dispute, last.number, last.side, last.body.clone());
    assert!(refused(answer(&first, &forged), 1));
    let mut none = second.clone();
    none.moves.clear();
    assert_eq!(answer(&first, &none), NotContradicted::LastMove { line: 1 });
    for at in 0..first.moves.len() {
        let mut cut = first.clone();
        cut.moves.truncate(at + 1);
        let is_statement = KINDS.contains(&cut.moves[at].body.kind());
        let expected =
            if is_statement { NotContradicted::Consistent } else { NotContradicted::LastMove { line: 1 } };
        assert_eq!(answer(&first, &cut), expected, "{:?}", cut.moves[at].body.kind());
    }
    assert_eq!(answer(&first, &retold(&first, 9, |_| ())), NotContradicted::Consistent);
}

/// V-6.1, V-6.3: no flipped bit of a contradiction is proof, no prefix is readable, no noise brings the judge down.
#[test]
fn damaged_contradictions_prove_nothing() {
    let world = World::new();
    let lie = Lie { unit: Unit::Loss, row: 1, element: 0, mask: 1 };
    let table = settle(&world, &world.case(lie.unit, &lie));
    let first = testimony(&table, MoveKind::Trace);
    let bytes = borsh::to_vec(&found(&first, &retold(&first, 4, change))).unwrap();
    let is_proven = |bytes: &[u8]| read_contradiction(bytes).is_ok_and(|c| judge_contradiction(&c).is_ok());
    assert!(is_proven(&bytes));
    assert_eq!(Kind::of(&bytes), Ok(Kind::Contradiction));
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(!is_proven(&flipped), "byte {at} of {}", bytes.len());
        assert!(read_contradiction(&bytes[..at]).is_err());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(read_contradiction(&longer).unwrap_err(), Unreadable::Malformed);
    let mut rng = Rng(0xC0);
    for _ in 0..5_000 {
        let noise: Vec<u8> = (0..rng.below(300)).map(|_| rng.next() as u8).collect();
        assert!(!is_proven(&[&Kind::Contradiction.magic()[..], &noise].concat()));
    }
}

/// V-6.3: what hashes bind is no question, nor what the challenger is to say; an answer is of its question's kind.
#[test]
fn only_statements_are_answers() {
    assert_eq!(Question::of(&Phase::Trace), Some(Question::Trace));
    assert_eq!(Question::of(&Phase::Target), None);
    let bodies = [Move::Trace(Digest([1; 32])), Move::Totals([0; LANES]), Move::Partials(vec![0])];
    let questions = [
        Question::Trace,
        Question::Totals { row: 0, element: 0 },
        Question::Partials { row: 0, element: 0, lane: 0, first: 0, end: 2 },
    ];
    for (at, question) in questions.iter().enumerate() {
        let taken: Vec<usize> = (0..3).filter(|body| question.takes(&bodies[*body])).collect();
        assert_eq!(taken, [at]);
        assert!(!question.takes(&Move::Reveal(Digest([1; 32]))));
        // Its number is its tag, also in the ledger's rows (V-6.3).
        assert_eq!(borsh::to_vec(question).unwrap()[0], at as u8);
    }
}
