//! Value: whatever is sent in whatever order, nothing appears and nothing is lost.

use super::fixture::{
    AUDITOR, NOBODY, SPONSOR, TRAINERS, VALIDATOR, VERIFIERS, World, attest, base, commit, genesis,
    registered, secret, terms, validator, verdict,
};
use crate::{
    Amnesty, Amount, AttestedPart, Body, ClaimStatus, Contradiction, Dispute, Merging, OpenRun, Phase, Play,
    Register, Role, Seal, Settle, Signed, Stake, Timeout, Transaction, Transfer, Unbond, VerdictResult,
    challenge_seal, prove_possession,
};
use proptest::prelude::*;
use retrace_verifier::digest::Digest;
use retrace_verifier::docket::Opening;
use retrace_verifier::{Move, Side, SignedMove, Unit};

/// A random deed: what, who, and two choices.
type Deed = (u8, u8, u8, u8);

const EVERYBODY: [u8; 9] =
    [SPONSOR, TRAINERS[0], TRAINERS[1], VERIFIERS[0], VERIFIERS[1], VERIFIERS[2], AUDITOR, VALIDATOR, NOBODY];

fn pick<T: Copy>(from: &[T], at: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[usize::from(at) % from.len()])
}

/// Terms of a run that does not end before the deeds do.
fn long_terms() -> crate::RunTerms {
    let mut terms = terms();
    terms.spec.rounds = 400;
    terms
}

/// The same; where any round may be ahead, merged before its verdicts.
fn hasty_terms(ahead: u8) -> crate::RunTerms {
    let mut terms = long_terms();
    if ahead > 0 {
        terms.declared_gain = Amount(1_000);
        terms.merging = Merging::Optimistic { ahead, insured_ppm: 300_000 };
    }
    terms
}

fn name_of(wanted: &retrace_verifier::signature::PeerKey) -> Option<u8> {
    EVERYBODY.into_iter().find(|name| super::fixture::key(*name) == *wanted)
}

/// Open claims, and open disputes.
fn open(world: &World) -> (Vec<Digest>, Vec<Digest>) {
    let state = world.chain.state();
    let runs = state.runs().map(|(id, _)| id).collect::<Vec<_>>();
    let claims = runs.iter().flat_map(|run| state.open_claims(run)).map(|(id, _)| id).collect();
    (claims, state.disputes().filter(|(_, record)| record.status.is_pending()).map(|(id, _)| id).collect())
}

/// A commitment for a slot that has none.
fn committing(world: &World, run: &Digest, seed: u8) -> Option<(u8, Body)> {
    if world.phase(run) != Phase::Training {
        return None;
    }
    let round = world.chain.state().progress(run)?.round;
    let slots = &world.chain.state().round(run, round)?.slots;
    let free = slots.iter().position(|slot| slot.commitment.is_none() && slot.trainer.is_some())?;
    let (name, signed) = world.commitment(run, free as u16, seed);
    Some((name, commit(signed)))
}

/// A verdict on a drawn unit, mostly a match.
fn judging(world: &World, claim: Digest, one: u8, two: u8) -> Option<(u8, Body)> {
    let audit = world.chain.state().claim(&claim)?.audit.as_ref()?;
    let result = if two.is_multiple_of(8) { VerdictResult::Mismatch } else { VerdictResult::Match };
    Some((pick(&VERIFIERS, one)?, verdict(claim, pick(&audit.units, two / 8)?, result)))
}

/// A validator holds a part of an open commitment that is not attested yet, if there is one.
fn attesting(world: &World, claims: &[Digest], who: u8, one: u8) -> Option<(u8, Body)> {
    let state = world.chain.state();
    let parts = [AttestedPart::Segment, AttestedPart::Drawn];
    let all = claims.iter().flat_map(|claim| parts.map(|part| (*claim, part)));
    let wanted: Vec<_> = all.filter(|(claim, part)| !state.is_attested(claim, *part)).collect();
    let (claim, part) = pick(&wanted, one)?;
    Some((pick(&world.validators(), who)?, attest(claim, part)))
}

/// Somebody without a part in the run takes a role, with keys or without.
fn registering(world: &World, who: u8, role: u8, keys: u8) -> Option<(u8, Body)> {
    let name = pick(&[NOBODY, AUDITOR, SPONSOR], who)?;
    let roles = [Role::Sponsor, Role::Verifier, Role::Auditor, Role::Validator];
    let consensus = validator(name).signing;
    let possession = prove_possession(&consensus, &world.chain.network(), &super::fixture::key(name));
    let (keys, possession) = match keys % 4 {
        0 => (None, None),
        _ => (Some(registered(name)), Some(possession)),
    };
    Some((name, Body::Register(Box::new(Register { role: pick(&roles, role)?, keys, possession }))))
}

/// The accused's first move, with one of two roots.
fn traced(world: &World, dispute: Digest, root: u8) -> Option<SignedMove> {
    let accused = name_of(&world.chain.state().dispute(&dispute)?.accused)?;
    let body = Move::Trace(Digest([root; 32]));
    Some(SignedMove::new(&secret(accused), dispute, 0, Side::Accused, body))
}

fn tracing(world: &World, dispute: Digest, root: u8) -> Option<Body> {
    Some(Body::Play(Box::new(Play { signed: traced(world, dispute, root)? })))
}

/// Two first moves of an accused, of one dispute or of two.
fn contradicting(world: &World, disputes: &[Digest], one: u8, two: u8) -> Option<Body> {
    let first = traced(world, pick(disputes, one)?, 0)?;
    let second = traced(world, pick(disputes, two)?, 1)?;
    Some(Body::Contradiction(Box::new(Contradiction { first, second })))
}

/// Opens one of the seals of `name`, if one is of an open claim; otherwise seals an accusation.
fn accusing(world: &World, name: u8, claims: &[Digest], one: u8, two: u8) -> Option<Body> {
    let salt = Digest([7; 32]);
    let seal = |claim: &Digest, unit| challenge_seal(claim, unit, &super::fixture::key(name), &salt);
    let units = [Unit::Delta, Unit::Loss, Unit::Merge, Unit::Step(0)];
    let held = world.chain.state().seals(&super::fixture::key(name));
    let all = claims.iter().flat_map(|claim| units.map(|unit| (*claim, unit)));
    let sealed = all.into_iter().find(|(claim, unit)| held.iter().any(|h| h.seal == seal(claim, *unit)));
    if let Some((claim, unit)) = sealed {
        let opening = Opening::Nothing;
        return Some(Body::Dispute(Box::new(Dispute { claim, unit, opening, salt: Some(salt) })));
    }
    // Most of those that can be opened without a list.
    let unit = pick(&[Unit::Loss, Unit::Merge, Unit::Loss, units[usize::from(two % 4)]], two)?;
    Some(Body::Seal(Seal { seal: seal(&pick(claims, one)?, unit) }))
}

/// A vote for one of two names, where slashes are deferred if that is anywhere.
fn forgiving(world: &World, runs: &[Digest], one: u8, two: u8) -> Option<Amnesty> {
    let on: Vec<Digest> = runs.iter().copied().filter(|run| world.chain.state().is_breaker_on(run)).collect();
    let run = pick(&on, one).or_else(|| pick(runs, one))?;
    Some(Amnesty { run, name: ["a", "b"][usize::from(two % 2)].into() })
}

/// The body of a deed, made from the state so that many are valid and many are nearly so.
fn body(world: &World, deed: Deed) -> Option<(u8, Body)> {
    let (what, who, one, two) = deed;
    let name = pick(&EVERYBODY, who)?;
    let runs: Vec<Digest> = world.chain.state().runs().map(|(id, _)| id).collect();
    let (claims, disputes) = open(world);
    let amount = Amount(u64::from(one) * u64::from(two % 16));
    let body = match what % 64 {
        48..=63 => Body::Amnesty(forgiving(world, &runs, one, two)?),
        20..=26 | 40..=46 => return attesting(world, &claims, who, one),
        27 => Body::Transfer(Transfer { to: super::fixture::key(pick(&EVERYBODY, one)?), amount }),
        28 => Body::Unbond(Unbond { amount }),
        29 => return registering(world, who, one, two),
        0 => Body::Stake(Stake { amount: Amount(u64::from(one) * u64::from(two)) }),
        1 if runs.len() < 3 => Body::OpenRun(Box::new(OpenRun { terms: long_terms() })),
        1..=4 => return committing(world, &pick(&runs, one)?, who),
        5 | 47 => base(world.base(name, &pick(&runs, one)?, two % 3)),
        6..=12 => return judging(world, pick(&claims, one)?, who, two),
        13 | 30..=36 => accusing(world, name, &claims, one, two)?,
        37 if two % 4 == 0 => contradicting(world, &disputes, one, two)?,
        14 | 15 => Body::Timeout(Timeout { dispute: pick(&disputes, one)? }),
        16 | 37..=39 => tracing(world, pick(&disputes, one)?, two % 2)?,
        17 => Body::Settle(Settle { claim: pick(&world.chain.state().claims.keys(), one)? }),
        _ => Body::Settle(Settle { claim: pick(&claims, one)? }),
    };
    Some((name, body))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// L-2.4, L-1.4, L-5.17, L-5.18, L-5.19: value is conserved, with breakers that every conviction sets off and
    /// without, locks fit in stakes, no deed is a fault, and a replay agrees.
    #[test]
    fn value_is_conserved(deeds in proptest::collection::vec(any::<[u8; 4]>(), 20..160), is_sensitive in any::<bool>(), ahead in 0u8..3) {
        let mut world = World::of(if is_sensitive { touchy() } else { genesis() });
        let run = world.open(hasty_terms(ahead));
        world.wait(1);
        for chunk in deeds.chunks(4) {
            let mut pending: Vec<Signed<Transaction>> = Vec::new();
            for [what, who, one, two] in chunk {
                if let Some((name, body)) = body(&world, (*what, *who, *one, *two)) {
                    let ahead = pending.iter().filter(|t| t.body().signer == super::fixture::key(name)).count();
                    let nonce = world.chain.next_nonce(&super::fixture::key(name)) + ahead as u64;
                    pending.push(world.sign_with(name, body, nonce));
                }
            }
            let proposal = world.propose(pending);
            // The fixture compares all value with genesis after every block.
            world.apply(&proposal.block);
            for (_, account) in world.chain.state().accounts() {
                prop_assert!(account.locked <= account.bonded);
            }
        }
        check_locks(&world)?;
        check_caseloads(&world)?;
        check_head(&world, &run)?;
    }
}

/// Nothing that a convicted commitment was merged into is under the head or behind the oldest round that is not over.
fn check_head(world: &World, run: &Digest) -> Result<(), TestCaseError> {
    let state = world.chain.state();
    let progress = state.progress(run).unwrap();
    for round in state.ancestry(run, progress.parent) {
        prop_assert!(!state.is_dead(run, round));
        let standing = state.round(run, round).unwrap().standing.unwrap();
        prop_assert_eq!(state.claim(&standing).unwrap().status, ClaimStatus::Verified);
    }
    for round in 0..progress.oldest {
        for id in state.round(run, round).unwrap().slots.iter().filter_map(|slot| slot.commitment) {
            prop_assert!(!state.claim(&id).unwrap().is_open());
        }
    }
    let ahead = progress.round - progress.oldest;
    prop_assert!(ahead <= state.run(run).unwrap().terms.merging.ahead() + 1);
    Ok(())
}

/// What is played and what is queued is exactly what is pending; no more is played than may be; and a clock runs
/// exactly while somebody waits for it.
fn check_caseloads(world: &World) -> Result<(), TestCaseError> {
    use crate::DisputeStatus;
    use crate::limits::STARTED_DISPUTES_MAX;
    let state = world.chain.state();
    for (key, _) in state.accounts() {
        let of = |status: DisputeStatus| {
            state.disputes().filter(move |(_, d)| d.accused == key && d.status == status).count()
        };
        let caseload = state.caseload(&key).cloned().unwrap_or_default();
        prop_assert_eq!(caseload.started.len(), of(DisputeStatus::Open));
        prop_assert_eq!(caseload.queued.len(), of(DisputeStatus::Queued));
        prop_assert!(caseload.started.len() <= STARTED_DISPUTES_MAX);
        prop_assert!(caseload.queued.is_empty() || caseload.started.len() == STARTED_DISPUTES_MAX);
    }
    for (claim, defense) in state.defenses.iter() {
        let waits = |id: &Digest| state.game(id).is_some_and(|game| game.turn() == Side::Accused);
        let is_of = |d: &crate::DisputeRecord| d.claim == claim && d.status == DisputeStatus::Open;
        let waiting = state.disputes().filter(|(id, d)| is_of(d) && waits(id)).count();
        prop_assert_eq!(defense.waiting as usize, waiting);
        prop_assert_eq!(defense.clock.since.is_some(), waiting > 0);
    }
    Ok(())
}

/// A network whose breakers go on at every conviction of a trainer, for ten heights.
fn touchy() -> crate::Genesis {
    super::breaker::sensitive(50_000)
}

/// Slashes that are pending, by whose they are.
fn pending(world: &World, peer: &retrace_verifier::signature::PeerKey) -> u64 {
    let state = world.chain.state();
    let runs = state.runs().map(|(run, _)| run).collect::<Vec<_>>();
    let all = runs.iter().flat_map(|run| state.deferred_slashes(run));
    let is_pending = |slash: &&crate::DeferredSlash| slash.status == crate::DeferredStatus::Pending;
    all.filter(is_pending).filter(|slash| slash.peer == *peer).map(|slash| slash.amount.0).sum()
}

/// Locked stake is exactly that of open claims, open disputes and pending slashes.
fn check_locks(world: &World) -> Result<(), TestCaseError> {
    use crate::ClaimStatus;
    let state = world.chain.state();
    for (key, account) in state.accounts() {
        let claims = state
            .claims
            .iter()
            .filter(|(_, c)| c.signer() == key && matches!(c.status, ClaimStatus::Open | ClaimStatus::Rival));
        let disputes = state.disputes().filter(|(_, d)| d.challenger == key && d.status.is_pending());
        let locked: u64 =
            claims.map(|(_, c)| c.lock.0).sum::<u64>() + disputes.map(|(_, d)| d.bond.0).sum::<u64>();
        prop_assert_eq!(account.locked, Amount(locked + pending(world, &key)));
    }
    Ok(())
}

/// L-2.4, L-8.1: the random deeds are not idle: over a long run they reach every rule that moves value.
#[test]
fn random_deeds_reach_every_rule() {
    use crate::Event;
    use std::collections::BTreeMap;
    let mut genesis = super::breaker::sensitive(1_000);
    // Trainers that outlive many convictions, each of which still sets a breaker off.
    for account in genesis.accounts.iter_mut().filter(|account| account.role == Role::Trainer) {
        account.bonded = Amount(2_000_000);
    }
    let mut world = World::of(genesis);
    world.open(long_terms());
    world.wait(1);
    let mut draws = blake3::Hasher::new_derive_key("retrace v1 test deeds").finalize_xof();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..6_000 {
        let mut draw = [0; 4];
        draws.fill(&mut draw);
        let [what, who, one, two] = draw;
        let signed = body(&world, (what, who, one, two)).map(|(name, body)| world.sign(name, body));
        let proposal = world.propose(signed.into_iter().collect());
        for event in world.apply(&proposal.block) {
            let name = format!("{event:?}");
            let name = name.split_whitespace().next().unwrap_or_default().to_owned();
            let name = match event {
                Event::Slashed { reason, .. } => format!("{name} {reason:?}"),
                Event::BreakerOff { executed: 0, .. } => "BreakerOff forgiven".into(),
                Event::BreakerOff { .. } => "BreakerOff executed".into(),
                Event::Rewarded { reason, .. } => format!("{name} {reason:?}"),
                _ => name,
            };
            *seen.entry(name).or_default() += 1;
        }
    }
    for wanted in [
        "Committed",
        "Drawn",
        "Verdict",
        "DisputeOpened",
        "Moved",
        "DisputeEnded",
        "Settled",
        "BasePosted",
        "DisputeStarted",
        "Sealed",
        "Contradicted",
        "Slashed Contradiction",
        "Slashed Silence",
        "Slashed FalseChallenge",
        "Rewarded Bounty",
        "Rewarded Defense",
        "Staked",
        "Transferred",
        "Registered",
        "Unbonding",
        "Unbonded",
        "Attested",
        "Voided",
        "BreakerOn",
        "SlashDeferred",
        "AmnestyVoted",
        "SlashForgiven",
        "BreakerOff executed",
        "BreakerOff forgiven",
    ] {
        assert!(seen.contains_key(wanted), "{wanted} never happened: {seen:?}");
    }
    println!("{seen:?}");
    check_locks(&world).unwrap();
    check_caseloads(&world).unwrap();
}
