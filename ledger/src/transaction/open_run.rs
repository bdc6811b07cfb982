//! `open_run`: a sponsor declares the terms of a run and puts its pay aside (L-4.1 to L-4.3).

use crate::amount::{Amount, Span};
use crate::econ::{PPM, bounty_most};
use crate::event::Event;
use crate::fault::Fault;
use crate::genesis::Params;
use crate::limits::{AHEAD, BOUNTY_PPM_MAX, DRAW_DELAY, SPAN_MAX, SPAN_MIN, VERDICTS_MIN};
use crate::run::{Merging, Phase, Progress, Run, RunTerms};
use crate::stage::{Origin, Stage};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_model::SpecError;
use retrace_verifier::docket::{SHARD_BYTES_MAX, SHARDS_MAX};
use retrace_verifier::program_pins;

/// The signer opens a run, whose id is the transaction's.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenRun {
    /// The terms.
    pub terms: RunTerms,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenRunInvalid {
    /// The specification is outside its limits.
    #[error("specification: {0}")]
    Spec(#[from] SpecError),
    /// No shards, or too many.
    #[error("{found} shards, there must be 1 to {SHARDS_MAX}")]
    ShardCount {
        /// How many.
        found: usize,
    },
    /// A shard is longer than a dispute can count.
    #[error("shard {position} has {found} bytes, at most {SHARD_BYTES_MAX} are allowed")]
    ShardTooLong {
        /// Position in the manifest.
        position: usize,
        /// Its bytes.
        found: u64,
    },
    /// No shard holds a sequence.
    #[error("no shard holds the {needed} tokens of a sequence")]
    ShardLength {
        /// Tokens of a sequence.
        needed: u64,
    },
    /// The audit rate is above one.
    #[error("audit rate {found} ppm is above {PPM}")]
    AuditRate {
        /// The rate.
        found: u32,
    },
    /// Too few or too many verdicts.
    #[error("{found} verdicts per unit are not within {low} and {high}", low = VERDICTS_MIN.0, high = VERDICTS_MIN.1)]
    Verdicts {
        /// How many.
        found: u8,
    },
    /// The draw comes too early or too late.
    #[error("draw delay {found} is not within {low} and {high}", low = DRAW_DELAY.0, high = DRAW_DELAY.1)]
    DrawDelay {
        /// The delay.
        found: u32,
    },
    /// Nothing is locked for a commitment.
    #[error("the lock is zero")]
    Lock,
    /// Nothing is locked for a dispute.
    #[error("the challenge bond is zero")]
    Bond,
    /// The time to commit is too short or too long.
    #[error("the time to commit is outside its limits")]
    CommitSpan,
    /// The window is too short or too long.
    #[error("the window is outside its limits")]
    VerdictSpan,
    /// The clocks are too short or too long.
    #[error("the clocks of a dispute are outside their limits")]
    MoveSpan,
    /// The bounty is too large a share of the lock.
    #[error("bounty {found} ppm is above {BOUNTY_PPM_MAX}")]
    Bounty {
        /// The share.
        found: u32,
    },
    /// The declared collusion is above one.
    #[error("collusion {found} ppm is above {PPM}")]
    Collusion {
        /// The share.
        found: u32,
    },
    /// Too few or too many rounds ahead of an unverified one.
    #[error("{found} rounds ahead are not within {low} and {high}", low = AHEAD.0, high = AHEAD.1)]
    Ahead {
        /// How many.
        found: u8,
    },
    /// The insured share is above one.
    #[error("insured share {found} ppm is above {PPM}")]
    Insured {
        /// The share.
        found: u32,
    },
    /// A window with its disputes may outlast the stake that answers for a verdict.
    #[error(
        "stake unbonds in {} heights and {} ms, a window with its disputes may take {} and {}",
        .unbond.heights, .unbond.ms, .needed.heights, .needed.ms
    )]
    Unbonding {
        /// The network's time of unbonding.
        unbond: Span,
        /// What a claim may take from its draw to the end of its last dispute.
        needed: Span,
    },
    /// A lie of the declared gain would pay.
    #[error("a lie of the declared gain would pay: lock {lock}, needed {needed:?}")]
    Deterrence {
        /// The lock.
        lock: Amount,
        /// The smallest that would do, if any.
        needed: Option<Amount>,
    },
    /// The lock is less than the insured work that one lie can make void.
    #[error("a lie costs less than the insured work behind it: lock {lock}, needed {needed:?}")]
    Insurance {
        /// The lock.
        lock: Amount,
        /// The smallest that will do, if any does.
        needed: Option<Amount>,
    },
    /// A lost challenge would not pay for the defense against it.
    #[error("a defense costs more than its challenge: bond {bond}, needed {needed:?}")]
    Defense {
        /// The bond.
        bond: Amount,
        /// The smallest that would do, if any.
        needed: Option<Amount>,
    },
    /// A lie would be worth more to its challenger than it should.
    #[error("the bounty {found} is more than 20 audits cost, at most {most}")]
    BountyAudits {
        /// What a challenger would get.
        found: Amount,
        /// The most that it may.
        most: Amount,
    },
    /// A verdict without a replay would pay.
    #[error("a verdict without a replay would pay: verifier stake {stake}, needed {needed:?}")]
    Laziness {
        /// The stake without which nobody judges.
        stake: Amount,
        /// The smallest that would do, if any.
        needed: Option<Amount>,
    },
    /// The pay does not fit 64 bits.
    #[error("the pay of all rounds does not fit 64 bits")]
    Escrow,
    /// The sponsor cannot pay.
    #[error("the sponsor's balance is {balance}, {needed} are needed")]
    Funds {
        /// The balance.
        balance: Amount,
        /// What all rounds may cost.
        needed: Amount,
    },
}

impl OpenRun {
    /// Gives what the sponsor puts aside.
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<Amount, OpenRunInvalid> {
        let terms = &self.terms;
        terms.spec.check()?;
        check_manifest(terms)?;
        check_rates(terms)?;
        check_economics(terms, stage.state.params())?;
        let needed = terms.escrow().ok_or(OpenRunInvalid::Escrow)?;
        let balance = stage.state.accounts.get(&from.signer).map_or(Amount::ZERO, |a| a.balance);
        if balance < needed {
            return Err(OpenRunInvalid::Funds { balance, needed });
        }
        Ok(needed)
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin, escrow: Amount) -> Result<(), Fault> {
        let terms = self.terms.clone();
        let base = terms.initial_base;
        stage.state.spend(&from.signer, escrow)?;
        let pins = program_pins(&terms.spec);
        let opened_at = stage.now.height;
        stage.state.runs.put(from.id, Run { sponsor: from.signer, terms, pins, opened_at });
        let phase = Phase::Opening(opened_at.after(1));
        let progress = Progress { phase, round: 0, oldest: 0, base, parent: None, escrow };
        stage.state.progress.put(from.id, progress);
        stage.say(Event::RunOpened { run: from.id, sponsor: from.signer, base, escrow });
        Ok(())
    }
}

/// The inequalities that make lies, false challenges and lazy verdicts a loss, each refused by its own name.
fn check_economics(terms: &RunTerms, params: &Params) -> Result<(), OpenRunInvalid> {
    let (unbond, needed) = (params.unbond_span, terms.answer_span(params));
    if !unbond.covers(needed) {
        return Err(OpenRunInvalid::Unbonding { unbond, needed });
    }
    let deterrence = terms.deterrence();
    if !deterrence.holds() {
        let needed = deterrence.lock_needed();
        return Err(OpenRunInvalid::Deterrence { lock: terms.lock, needed });
    }
    let needed = terms.insurance().lock_needed();
    if needed.is_none_or(|needed| terms.lock < needed) {
        return Err(OpenRunInvalid::Insurance { lock: terms.lock, needed });
    }
    let (bond, needed) = (terms.challenge_bond, terms.defense(params).bond_needed());
    if needed.is_none_or(|needed| bond < needed) {
        return Err(OpenRunInvalid::Defense { bond, needed });
    }
    let (found, most) = (terms.bounty(), bounty_most(terms.verdicts_min, terms.verdict_reward));
    if found > most {
        return Err(OpenRunInvalid::BountyAudits { found, most });
    }
    let laziness = terms.laziness(params);
    if !laziness.is_deterred() {
        let needed = laziness.stake_needed();
        return Err(OpenRunInvalid::Laziness { stake: terms.verifier_stake, needed });
    }
    Ok(())
}

fn check_manifest(terms: &RunTerms) -> Result<(), OpenRunInvalid> {
    let found = terms.manifest.len();
    if !(1..=SHARDS_MAX).contains(&found) {
        return Err(OpenRunInvalid::ShardCount { found });
    }
    let mut shards = terms.manifest.iter().enumerate();
    if let Some((position, shard)) = shards.find(|(_, shard)| shard.bytes > SHARD_BYTES_MAX) {
        return Err(OpenRunInvalid::ShardTooLong { position, found: shard.bytes });
    }
    let needed = terms.sequence_tokens();
    if !terms.manifest.iter().any(|shard| shard.bytes >= needed) {
        return Err(OpenRunInvalid::ShardLength { needed });
    }
    Ok(())
}

fn check_rates(terms: &RunTerms) -> Result<(), OpenRunInvalid> {
    if terms.audit_rate_ppm > PPM {
        return Err(OpenRunInvalid::AuditRate { found: terms.audit_rate_ppm });
    }
    if !(VERDICTS_MIN.0..=VERDICTS_MIN.1).contains(&terms.verdicts_min) {
        return Err(OpenRunInvalid::Verdicts { found: terms.verdicts_min });
    }
    if !(DRAW_DELAY.0..=DRAW_DELAY.1).contains(&terms.draw_delay) {
        return Err(OpenRunInvalid::DrawDelay { found: terms.draw_delay });
    }
    if terms.lock == Amount::ZERO {
        return Err(OpenRunInvalid::Lock);
    }
    if terms.challenge_bond == Amount::ZERO {
        return Err(OpenRunInvalid::Bond);
    }
    let spans = [
        (terms.commit_span, OpenRunInvalid::CommitSpan),
        (terms.verdict_span, OpenRunInvalid::VerdictSpan),
        (terms.move_span, OpenRunInvalid::MoveSpan),
    ];
    if let Some((_, reason)) = spans.into_iter().find(|(span, _)| !span.is_within(SPAN_MIN, SPAN_MAX)) {
        return Err(reason);
    }
    if terms.bounty_ppm > BOUNTY_PPM_MAX {
        return Err(OpenRunInvalid::Bounty { found: terms.bounty_ppm });
    }
    if terms.collusion_ppm > PPM {
        return Err(OpenRunInvalid::Collusion { found: terms.collusion_ppm });
    }
    if let Merging::Optimistic { ahead, insured_ppm } = terms.merging {
        if !(AHEAD.0..=AHEAD.1).contains(&ahead) {
            return Err(OpenRunInvalid::Ahead { found: ahead });
        }
        if insured_ppm > PPM {
            return Err(OpenRunInvalid::Insured { found: insured_ppm });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{OpenRun, OpenRunInvalid};
    use crate::amount::{Amount, Span};
    use crate::econ::PPM;
    use crate::run::{Merging, RunTerms};
    use crate::tests::fixture::{SPONSOR, World, terms};
    use crate::transaction::{Body, TransactionInvalid};
    use retrace_model::SpecError;
    use retrace_verifier::docket::SHARD_BYTES_MAX;

    type Change = fn(&mut RunTerms);

    /// Each change breaks one rule; rows are in the order of the checks.
    const ROWS: [(Change, OpenRunInvalid); 28] = [
        (|t| t.spec.arithmetic_version = 9, OpenRunInvalid::Spec(SpecError::Version { found: 9 })),
        (|t| t.manifest.clear(), OpenRunInvalid::ShardCount { found: 0 }),
        (
            |t| t.manifest[0].bytes = SHARD_BYTES_MAX + 1,
            OpenRunInvalid::ShardTooLong { position: 0, found: SHARD_BYTES_MAX + 1 },
        ),
        (|t| t.manifest[0].bytes = 9, OpenRunInvalid::ShardLength { needed: 10 }),
        (|t| t.audit_rate_ppm = 1_000_001, OpenRunInvalid::AuditRate { found: 1_000_001 }),
        (|t| t.verdicts_min = 0, OpenRunInvalid::Verdicts { found: 0 }),
        (|t| t.verdicts_min = 17, OpenRunInvalid::Verdicts { found: 17 }),
        (|t| t.draw_delay = 0, OpenRunInvalid::DrawDelay { found: 0 }),
        (|t| t.lock = Amount(0), OpenRunInvalid::Lock),
        (|t| t.challenge_bond = Amount(0), OpenRunInvalid::Bond),
        (|t| t.commit_span.heights = 0, OpenRunInvalid::CommitSpan),
        (|t| t.verdict_span.ms = 0, OpenRunInvalid::VerdictSpan),
        (|t| t.move_span = Span { heights: 1, ms: u64::MAX }, OpenRunInvalid::MoveSpan),
        (|t| t.bounty_ppm = 100_001, OpenRunInvalid::Bounty { found: 100_001 }),
        (|t| t.collusion_ppm = 1_000_001, OpenRunInvalid::Collusion { found: 1_000_001 }),
        (|t| t.merging = optimistic(0, 0), OpenRunInvalid::Ahead { found: 0 }),
        (|t| t.merging = optimistic(9, 0), OpenRunInvalid::Ahead { found: 9 }),
        (|t| t.merging = optimistic(8, 1_000_001), OpenRunInvalid::Insured { found: 1_000_001 }),
        (
            |t| t.verdict_span.heights = 51,
            OpenRunInvalid::Unbonding {
                unbond: Span { heights: 120, ms: 120_000 },
                needed: Span { heights: 121, ms: 75_000 },
            },
        ),
        (
            |t| t.declared_gain = Amount(1_000_000),
            OpenRunInvalid::Deterrence { lock: Amount(10_000), needed: Some(Amount(1_388_778)) },
        ),
        (|t| t.collusion_ppm = 1_000_000, OpenRunInvalid::Deterrence { lock: Amount(10_000), needed: None }),
        (
            |t| (t.merging, t.lock, t.declared_gain) = (optimistic(2, PPM), Amount(444), Amount(1)),
            OpenRunInvalid::Insurance { lock: Amount(444), needed: Some(Amount(445)) },
        ),
        (
            |t| t.challenge_bond = Amount(381),
            OpenRunInvalid::Defense { bond: Amount(381), needed: Some(Amount(382)) },
        ),
        (
            |t| t.bounty_cap = Amount(721),
            OpenRunInvalid::BountyAudits { found: Amount(721), most: Amount(720) },
        ),
        (
            |t| t.verifier_stake = Amount(250),
            OpenRunInvalid::Laziness { stake: Amount(250), needed: Some(Amount(251)) },
        ),
        (|t| pay(t, 1 << 62), OpenRunInvalid::Escrow),
        (|t| t.verdict_reward = Amount(u64::MAX / 4), OpenRunInvalid::Escrow),
        (
            |t| pay(t, 300_000),
            OpenRunInvalid::Funds { balance: Amount(1_000_000), needed: Amount(1_200_936) },
        ),
    ];

    /// A reward, and bonds and stakes that are enough for it.
    fn optimistic(ahead: u8, insured_ppm: u32) -> Merging {
        Merging::Optimistic { ahead, insured_ppm }
    }

    fn pay(terms: &mut RunTerms, reward: u64) {
        terms.segment_reward = Amount(reward);
        (terms.challenge_bond, terms.verifier_stake) = (Amount(u64::MAX), Amount(u64::MAX));
    }

    /// L-4.1 to L-4.3, L-6.2: each reason, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let mut open = |change: Change| {
            let mut terms = terms();
            change(&mut terms);
            world.refusal(SPONSOR, Body::OpenRun(Box::new(OpenRun { terms })))
        };
        assert_eq!(open(|_| {}), None);
        for (row, (change, expected)) in ROWS.into_iter().enumerate() {
            let found = open(change).unwrap_or_else(|| panic!("row {row}: accepted"));
            assert_eq!(found, TransactionInvalid::OpenRun(expected), "row {row}");
        }
    }

    /// L-6.2: a run in which a lie gains nothing needs no audit to open.
    #[test]
    fn nothing_to_gain_needs_no_audit() {
        let mut terms = terms();
        (terms.audit_rate_ppm, terms.declared_gain) = (0, Amount(0));
        let body = Body::OpenRun(Box::new(OpenRun { terms }));
        assert_eq!(World::new().refusal(SPONSOR, body), None);
    }

    /// L-4.3: terms that break a rule and every later one are refused for the first of them.
    #[test]
    fn the_first_reason_wins() {
        let mut world = World::new();
        for first in 0..25 {
            let mut terms = terms();
            ROWS[first..25].iter().rev().for_each(|(change, _)| change(&mut terms));
            let found = world.refusal(SPONSOR, Body::OpenRun(Box::new(OpenRun { terms })));
            let Some(TransactionInvalid::OpenRun(found)) = found else { panic!("row {first}: {found:?}") };
            let kind = std::mem::discriminant(&found);
            assert_eq!(kind, std::mem::discriminant(&ROWS[first].1), "row {first}: {found}");
        }
    }
}
