//! Moves that break a rule of the game: each is refused by its name, and changes nothing (V-4.2, V-4.9).

use super::super::LabError;
use super::super::bench::{Bench, Case};
use super::super::table::{Hand, Table};
use super::schemers::lie;
use super::{Answer, Stand, Strategy, acquit, refused};
use crate::digest::Digest;
use crate::game::{Game, Move, OperandProof, Phase, Side, SignedMove};
use crate::player::Player;
use crate::segment::Honest;
use crate::signature::Signature;
use crate::unit::Unit;
use retrace_model::op::Kind;

const OPENING: &str = "the accused's openings";
const PROOF: &str = "the challenger's operands";
const SIGNED: &str = "who moves, and when";

/// The table of these strategies.
pub(super) const STRATEGIES: [Strategy; 15] = [
    ("second-trace", OPENING, "posts a second trace root", |s| {
        instead(&s.plain, Kind::Gelu, |p| matches!(p, Phase::Target), |_| Move::Trace(Digest([9; 32])))
    }),
    ("short-tile", OPENING, "opens a tile that lacks its last word", |s| {
        instead(
            &s.plain,
            Kind::Gelu,
            |p| matches!(p, Phase::Tile { .. }),
            |body| match body {
                Move::Tile(bytes) => Move::Tile(bytes[..bytes.len() - 4].to_vec()),
                other => other,
            },
        )
    }),
    ("true-tile", OPENING, "opens the true tile under a false digest", true_tile),
    ("long-opening", OPENING, "opens one child too many", |s| {
        instead(
            &s.plain,
            Kind::Gelu,
            |p| matches!(p, Phase::OpenList { .. }),
            |body| match body {
                Move::Open(mut children) => {
                    children.push([0; 32]);
                    Move::Open(children)
                }
                other => other,
            },
        )
    }),
    ("noisy-nan", OPENING, "posts accumulators that are no canonical NaN", |s| {
        instead(
            &s.plain,
            Kind::MatMul,
            |p| matches!(p, Phase::Partials(_)),
            |body| match body {
                Move::Partials(words) => Move::Partials(vec![0xFFC0_0001; words.len()]),
                other => other,
            },
        )
    }),
    ("free-leaf", PROOF, "proves a true operand that the row does not read", |s| {
        accuse(&s.plain, Kind::GeluBackward, |proofs| {
            proofs.swap(0, 1);
        })
    }),
    ("longer-path", PROOF, "proves an operand in a deeper tree", |s| {
        accuse(&s.plain, Kind::GeluBackward, |proofs| {
            proofs[0].path.siblings.push([7; 32]);
        })
    }),
    ("shorter-chunk", PROOF, "proves an operand from a shorter chunk", |s| {
        accuse(&s.plain, Kind::GeluBackward, |proofs| {
            proofs[0].chunk.pop();
        })
    }),
    ("fewer-operands", PROOF, "leaves an operand out", |s| {
        accuse(&s.plain, Kind::GeluBackward, |proofs| {
            proofs.pop();
        })
    }),
    ("foreign-row", "the program", "names a row that the program does not have", foreign_row),
    ("replayed-move", SIGNED, "posts a move again", |s| again(&s.plain)),
    ("move-of-another-dispute", SIGNED, "posts a move of another dispute", other_dispute),
    ("unsigned-move", SIGNED, "posts a move that nobody signed", |s| {
        next(&s.plain, |mut signed, _| {
            signed.signature = Signature([0; 64]);
            signed
        })
    }),
    ("other-key", SIGNED, "posts the accused's move under the challenger's key", |s| {
        next(&s.plain, |m, bench| SignedMove::new(bench.keys()[1], m.dispute, m.number, m.side, m.body))
    }),
    ("false-accusation", "the honest", "disputes an honest claim down to one term", false_accusation),
];

fn automatic(bench: &Bench, case: &Case) -> [Player; 2] {
    [bench.player(Side::Accused, &case.accused), bench.player(Side::Challenger, &case.honest)]
}

/// A liar plays by the rules until `due`, then posts something else in place of its move.
fn instead(
    bench: &Bench,
    kind: Kind,
    due: fn(&Phase) -> bool,
    change: fn(Move) -> Move,
) -> Result<Answer, LabError> {
    let case = lie(bench, kind)?;
    let [mut accused, mut challenger] = automatic(bench, &case);
    let mut table = Table::open(case.docket.clone(), bench.keys())?;
    let hands: [Hand; 2] = [&mut |game| accused.reply(game), &mut |game| challenger.reply(game)];
    table.play_until(hands, |game| due(game.phase()))?;
    // A second trace comes when it is no longer the accused's turn.
    let body = accused.reply(&table.game).unwrap_or(Move::Trace(Digest([0; 32])));
    let signed = table.sign(Side::Accused, change(body));
    unchanged(&mut table, signed)
}

/// Posts a move that must be refused: the game stays as it was.
fn unchanged(table: &mut Table, signed: SignedMove) -> Result<Answer, LabError> {
    let before: Game = table.game.clone();
    let answer = refused(table.post(signed));
    Ok(if table.game == before { answer } else { Answer::Survived("the game was changed".into()) })
}

/// A liar whose digest is of its lie opens the true tile instead.
fn true_tile(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let case = lie(bench, Kind::Gelu)?;
    let [mut accused, mut challenger] = automatic(bench, &case);
    let mut table = Table::open(case.docket.clone(), bench.keys())?;
    let hands: [Hand; 2] = [&mut |game| accused.reply(game), &mut |game| challenger.reply(game)];
    table.play_until(hands, |game| matches!(game.phase(), Phase::Tile { .. }))?;
    let body = bench.player(Side::Accused, &case.honest).reply(&table.game);
    let signed = table.sign(Side::Accused, body.ok_or(LabError::Silent { side: Side::Accused })?);
    unchanged(&mut table, signed)
}

/// A challenger of an honest op spoils its operands.
fn accuse(bench: &Bench, kind: Kind, spoil: fn(&mut Vec<OperandProof>)) -> Result<Answer, LabError> {
    let (case, mut helper) = accusation(bench, kind)?;
    let mut accused = bench.player(Side::Accused, &case.accused);
    let hands: [Hand; 2] = [&mut |game| accused.reply(game), &mut |game| {
        Some(match helper.reply(game)? {
            Move::Judge(mut proofs) => {
                spoil(&mut proofs);
                Move::Judge(proofs)
            }
            body => body,
        })
    }];
    acquit(bench.judge_hands(case.docket.clone(), hands))
}

/// An honest case, and a challenger that goes down to an op by the choices of a mistaken run.
fn accusation(bench: &Bench, kind: Kind) -> Result<(Case, Player), LabError> {
    let wrong = lie(bench, kind)?.accused;
    let case = bench.case(Unit::Step(1), &Honest)?;
    Ok((case, bench.player(Side::Challenger, &wrong)))
}

fn false_accusation(stand: &Stand) -> Result<Answer, LabError> {
    accuse(&stand.plain, Kind::MatMul, |_| {})
}

/// A challenger names a row with one number changed, which would make the honest output wrong.
fn foreign_row(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let (case, mut helper) = accusation(bench, Kind::MatMul)?;
    let mut accused = bench.player(Side::Accused, &case.accused);
    let hands: [Hand; 2] = [&mut |game| accused.reply(game), &mut |game| {
        Some(match helper.reply(game)? {
            Move::Name { index, mut row, path } => {
                row.operands.swap(0, 1);
                Move::Name { index, row, path }
            }
            body => body,
        })
    }];
    acquit(bench.judge_hands(case.docket.clone(), hands))
}

fn opened(bench: &Bench) -> Result<(Table<'_>, SignedMove), LabError> {
    let case = lie(bench, Kind::Gelu)?;
    let [mut accused, _] = automatic(bench, &case);
    let table = Table::open(case.docket, bench.keys())?;
    let body = accused.reply(&table.game).ok_or(LabError::Silent { side: Side::Accused })?;
    let signed = table.sign(Side::Accused, body);
    Ok((table, signed))
}

/// The first move, changed before it was posted.
fn next(bench: &Bench, change: fn(SignedMove, &Bench) -> SignedMove) -> Result<Answer, LabError> {
    let (mut table, signed) = opened(bench)?;
    let signed = change(signed, bench);
    unchanged(&mut table, signed)
}

/// The first move once more, after it was taken.
fn again(bench: &Bench) -> Result<Answer, LabError> {
    let (mut table, signed) = opened(bench)?;
    table.post(signed.clone()).map_err(|refusal| LabError::Refused { side: Side::Accused, refusal })?;
    unchanged(&mut table, signed)
}

/// A move that is sound in the dispute that it was signed for.
fn other_dispute(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let (mut table, signed) = opened(bench)?;
    let mut docket = table.game.docket().clone();
    docket.nonce = Digest([4; 32]);
    let mut other = Table::open(docket, bench.keys())?;
    let foreign = other.sign(Side::Accused, signed.body);
    other.post(foreign.clone()).map_err(|refusal| LabError::Refused { side: Side::Accused, refusal })?;
    unchanged(&mut table, foreign)
}
