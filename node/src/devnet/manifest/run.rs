//! `[run]`: what the sponsor opens once the network stands.

use super::super::terms::{Preset, RunPlan};
use super::{NodePlan, span};
use crate::config::{Expected, Section, TableError};
use retrace_ledger::limits::{AHEAD, DRAW_DELAY, VERDICTS_MIN};
use retrace_ledger::{Merging, Role};
use std::path::PathBuf;

/// Rounds ahead of an unverified one, where the manifest names no number.
const AHEAD_DEFAULT: u8 = 2;
/// Share of its reward that honest work in a tainted round gets, where it names none.
const INSURED_DEFAULT: u32 = 500_000;
/// Most files or folders to train on.
const DATA_MAX: usize = 64;

pub(super) fn read(mut section: Section, nodes: &[NodePlan]) -> Result<RunPlan, TableError> {
    let trainers = nodes.iter().filter(|node| node.roles.contains(&Role::Trainer)).count();
    let mut plan = RunPlan { slots: trainers.max(1) as u16, ..RunPlan::default() };
    fn put<T>(place: &mut T, said: Option<T>) {
        if let Some(said) = said {
            *place = said;
        }
    }
    put(&mut plan.open, section.flag("open")?);
    put(&mut plan.preset, section.choice("preset", Expected::OneOf(&["small", "tiny"]), Preset::named)?);
    put(&mut plan.rounds, section.whole("rounds", 1, 1000)?.map(|n| n as u32));
    put(&mut plan.steps, section.whole("steps", 4, 1024)?.map(|n| n as u32));
    put(&mut plan.slots, section.whole("slots", 1, 64)?.map(|n| n as u16));
    put(&mut plan.audit_rate_ppm, section.share_ppm("audit_rate")?);
    let (low, high) = VERDICTS_MIN;
    put(&mut plan.verdicts_min, section.whole("verdicts", low.into(), high.into())?.map(|n| n as u8));
    let (low, high) = DRAW_DELAY;
    put(&mut plan.draw_delay, section.whole("draw_delay", low.into(), high.into())?.map(|n| n as u32));
    plan.merging = merging(&mut section)?;
    put(
        &mut plan.data,
        section.texts("data", DATA_MAX)?.map(|all| all.into_iter().map(PathBuf::from).collect()),
    );
    plan.commit_span = span(section.section("commit")?, plan.commit_span)?;
    plan.verdict_span = span(section.section("verdict")?, plan.verdict_span)?;
    plan.move_span = span(section.section("move")?, plan.move_span)?;
    section.end()?;
    Ok(plan)
}

/// `merging = "optimistic"`, with `ahead` and `insured`; these two belong to nothing else (L-5.18).
fn merging(section: &mut Section) -> Result<Merging, TableError> {
    let named = |name: &str| match name {
        "delayed" => Some(false),
        "optimistic" => Some(true),
        _ => None,
    };
    let expected = Expected::OneOf(&["delayed", "optimistic"]);
    if !section.choice("merging", expected, named)?.unwrap_or(false) {
        return Ok(Merging::Delayed);
    }
    let (low, high) = AHEAD;
    let ahead = section.whole("ahead", low.into(), high.into())?.map_or(AHEAD_DEFAULT, |n| n as u8);
    let insured_ppm = section.share_ppm("insured")?.unwrap_or(INSURED_DEFAULT);
    Ok(Merging::Optimistic { ahead, insured_ppm })
}
