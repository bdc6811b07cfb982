//! From one element to one link of its chain (V-4.4).

use super::phase::{Phase, Span, Spot};
use super::{Finding, Outcome, Refusal, Side, Step};
use retrace_model::arithmetic::{CANONICAL_NAN, Real32};
use retrace_model::op::{Form, LANES};
use retrace_model::program::Row;
use retrace_model::soft::Soft32;
use retrace_model::{empty_accumulator, lane_total};

/// Most accumulators of one move.
pub(crate) const PARTIALS_MAX: u64 = 256;

/// The challenger points at one element of the tile.
pub(super) fn element(row: &Row, index: u32, first: u64, words: &[u32], at: u32) -> Result<Step, Refusal> {
    let limit = words.len() as u32;
    let claimed = *words.get(at as usize).ok_or(Refusal::Choice { found: at, limit })?;
    let element = first + u64::from(at);
    let spot = Spot { row: row.clone(), index, element, claimed };
    let place = row.index(element);
    if row.is_masked(place) {
        return Ok(Step::End(decide(&spot, None, 0, claimed)));
    }
    Ok(match row.kind.form() {
        Form::Element => {
            Step::Go(Phase::Judge(Span { spot, lane: 0, first: 0, end: 0, before: 0, after: claimed }))
        }
        Form::Chain => stretch(spot, 0, claimed),
        Form::Lanes => Step::Go(Phase::Totals(spot)),
    })
}

/// The whole chain of a lane: its beginning is fixed by the definition, its end is claimed.
fn stretch(spot: Spot, lane: u8, after: u32) -> Step {
    let end = spot.row.links(spot.row.index(spot.element), usize::from(lane));
    let before = empty_accumulator(spot.row.kind);
    if end == 0 {
        return Step::End(decide(&spot, None, before, after));
    }
    span_phase(Span { spot, lane, first: 0, end, before, after })
}

fn span_phase(span: Span) -> Step {
    let single = span.end - span.first == 1;
    Step::Go(if single { Phase::Judge(span) } else { Phase::Partials(span) })
}

/// The accused posts the totals of the lanes; they must combine to the claimed element.
pub(super) fn totals(spot: &Spot, totals: &[u32; LANES]) -> Result<Step, Refusal> {
    check_canonical(totals)?;
    if lane_total(spot.row.kind, totals.map(Soft32::from_bits)) != spot.claimed {
        return Err(Refusal::Ends);
    }
    Ok(Step::Go(Phase::Lane { spot: spot.clone(), totals: *totals }))
}

/// The challenger chooses a lane.
pub(super) fn lane(spot: &Spot, totals: &[u32; LANES], lane: u8) -> Result<Step, Refusal> {
    let after = totals.get(usize::from(lane)).copied();
    let after = after.ok_or(Refusal::Choice { found: u32::from(lane), limit: LANES as u32 })?;
    Ok(stretch(spot.clone(), lane, after))
}

/// Links in each sub-interval of a stretch: the same for both sides, at most 256 intervals.
pub(crate) fn interval_links(span: &Span) -> u64 {
    (span.end - span.first).div_ceil(PARTIALS_MAX).max(1)
}

/// The accused posts the accumulators after each sub-interval; the last one is the claimed end.
pub(super) fn partials(span: &Span, words: &[u32]) -> Result<Step, Refusal> {
    let expected = (span.end - span.first).div_ceil(interval_links(span));
    if words.len() as u64 != expected {
        return Err(Refusal::Count { expected: expected as u32, found: words.len() as u32 });
    }
    check_canonical(words)?;
    if words.last() != Some(&span.after) {
        return Err(Refusal::Ends);
    }
    Ok(Step::Go(Phase::Interval { span: span.clone(), words: words.to_vec() }))
}

/// The challenger chooses an interval.
pub(super) fn interval(span: &Span, words: &[u32], at: u32) -> Result<Step, Refusal> {
    let limit = words.len() as u32;
    let after = *words.get(at as usize).ok_or(Refusal::Choice { found: at, limit })?;
    let before = if at == 0 { span.before } else { words[at as usize - 1] };
    let first = span.first + u64::from(at) * interval_links(span);
    let end = span.end.min(first + interval_links(span));
    Ok(span_phase(Span { spot: span.spot.clone(), lane: span.lane, first, end, before, after }))
}

fn check_canonical(words: &[u32]) -> Result<(), Refusal> {
    let bad = |w: &u32| *w != CANONICAL_NAN && Soft32::from_bits(*w).is_nan();
    if words.iter().any(bad) { Err(Refusal::NotCanonical) } else { Ok(()) }
}

/// The end: the accused loses where the right bits are not the claimed ones.
pub(super) fn decide(spot: &Spot, link: Option<u64>, right: u32, claimed: u32) -> Outcome {
    if right == claimed {
        return Outcome { winner: Side::Accused, finding: None };
    }
    let finding = Finding {
        row: spot.index,
        kind: spot.row.kind,
        home: spot.row.home,
        element: spot.element,
        link,
        claimed_bits: claimed,
        right_bits: right,
    };
    Outcome { winner: Side::Challenger, finding: Some(finding) }
}
