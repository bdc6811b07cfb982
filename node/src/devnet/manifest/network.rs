//! `[network]`: name, seed and the parameters of genesis.

use super::span;
use crate::config::{Section, TableError};
use retrace_ledger::limits::NAME_BYTES_MAX;
use retrace_ledger::{Params, Span};

/// The network of a devnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkPlan {
    /// Its name.
    pub name: String,
    /// Seeds every key; the operating system does if none.
    pub seed: Option<u64>,
    /// Parameters of genesis.
    pub params: Params,
}

/// Reads the section. How long stake unbonds is left to be read: what it must cover depends on the run.
pub(super) fn read(mut section: Section) -> Result<(NetworkPlan, Section), TableError> {
    let name = section.text("name", NAME_BYTES_MAX)?.unwrap_or_else(|| "retrace-devnet".into());
    let seed = section.whole("seed", 0, i64::MAX)?.map(|seed| seed as u64);
    let attest = Span { heights: 10, ms: 20_000 };
    let mut params = Params { attest_span: span(section.section("attest")?, attest)?, ..Params::default() };
    params.breaker_span = span(section.section("breaker")?, params.breaker_span)?;
    let unbond = section.section("unbond")?;
    if let Some(heights) = section.whole("key_delay", 1, 1 << 16)? {
        params.key_delay = heights as u32;
    }
    if let Some(share) = section.share_ppm("equivocation")? {
        params.equivocation_ppm = share;
    }
    if let Some(share) = section.share_ppm("void")? {
        params.void_ppm = share;
    }
    if let Some(share) = section.share_ppm("breaker_share")? {
        params.breaker_ppm = share;
    }
    section.end()?;
    Ok((NetworkPlan { name, seed, params }, unbond))
}
