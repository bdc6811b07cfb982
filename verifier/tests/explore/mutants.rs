//! Rules with one fault each. Every one must be found out, by the property that it breaks.

use crate::rules::{Parts, Rules, change, go_on};
use retrace_verifier::digest::Digest;
use retrace_verifier::game::{Phase, Span};
use retrace_verifier::{Game, Move, Refusal, Side, SignedMove};

/// The faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Accumulators need not end at the claimed one (V-4.4).
    LooseEnds,
    /// Lane totals need not combine to the claimed element (V-4.4).
    LooseTotals,
    /// Children are not hashed against their node (V-2.2).
    UncheckedOpenings,
    /// A trace may be posted at any turn of the accused, in place of the first (V-4.2).
    TraceNotBinding,
    /// The interval behind the last one may be chosen (V-4.2).
    ChoiceBehindTheEnd,
    /// Operands are proved under this root, which the challenger brings (V-4.5).
    OwnRoot(Digest),
    /// The whole stretch may be chosen again (V-4.4).
    WholeStretch,
    /// A refusal counts as a move (V-4.2).
    CountedRefusal,
}

impl Rules for Fault {
    fn play(&self, game: &mut Game, signed: &SignedMove) -> Result<(), Refusal> {
        let before = game.phase().clone();
        let Err(refusal) = game.play(signed) else { return Ok(()) };
        if self.forgives(game, &before, signed, refusal) { Ok(()) } else { Err(refusal) }
    }
}

impl Fault {
    /// True where the faulty rules let a move pass that the real ones refuse.
    fn forgives(self, game: &mut Game, due: &Phase, signed: &SignedMove, refusal: Refusal) -> bool {
        match (self, due, &signed.body, refusal) {
            (Fault::LooseEnds, Phase::Partials(span), Move::Partials(words), Refusal::Ends) => {
                go_on(game, Phase::Interval { span: span.clone(), words: words.clone() });
            }
            (Fault::LooseTotals, Phase::Totals(spot), Move::Totals(totals), Refusal::Ends) => {
                go_on(game, Phase::Lane { spot: spot.clone(), totals: *totals });
            }
            (Fault::UncheckedOpenings, Phase::OpenList { node, list }, Move::Open(children), _) => {
                let (node, list, children) = (*node, *list, children.clone());
                go_on(game, Phase::ChooseList { node, list, children });
            }
            (Fault::TraceNotBinding, _, Move::Trace(ops), Refusal::NotDue { .. })
                if signed.side == Side::Accused && game.ops() != Some(*ops) =>
            {
                change(game, |parts| parts.ops = Some(*ops));
            }
            (Fault::ChoiceBehindTheEnd, Phase::Interval { span, words }, Move::Choose(at), _)
                if *at as usize == words.len() =>
            {
                let (first, before) = (span.end, span.after);
                let behind = Span { first, end: first + 1, before, ..span.clone() };
                go_on(game, Phase::Judge(behind));
            }
            (Fault::OwnRoot(root), Phase::Judge(_), Move::Judge(_), Refusal::Path(_)) => {
                let mut parts = Parts::of(game);
                parts.ops = Some(root);
                let mut theirs = parts.game();
                if theirs.play(signed).is_err() {
                    return false;
                }
                *game = theirs;
            }
            (Fault::WholeStretch, Phase::Interval { span, words }, Move::Choose(at), _)
                if *at as usize == words.len() =>
            {
                go_on(game, Phase::Partials(span.clone()));
            }
            (Fault::CountedRefusal, ..) => {
                change(game, |parts| parts.number += 1);
                return false;
            }
            _ => return false,
        }
        true
    }
}
