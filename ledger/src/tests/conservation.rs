//! Value: whatever is sent in whatever order, nothing appears and nothing is lost.

use super::fixture::{
    AUDITOR, NOBODY, SPONSOR, TRAINERS, VALIDATOR, VERIFIERS, World, attest, base, commit, genesis,
    registered, secret, terms, validator, verdict,
};
use crate::{
    Amnesty, Amount, AttestedPart, Body, Dispute, OpenRun, Phase, Play, Register, Role, Settle, Signed,
    Stake, Timeout, Transaction, Transfer, Unbond, VerdictResult, prove_possession,
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

fn name_of(wanted: &retrace_verifier::signature::PeerKey) -> Option<u8> {
    EVERYBODY.into_iter().find(|name| super::fixture::key(*name) == *wanted)
}

/// Open claims, and open disputes.
fn open(world: &World) -> (Vec<Digest>, Vec<Digest>) {
    let state = world.chain.state();
    let runs = state.runs().map(|(id, _)| id).collect::<Vec<_>>();
    let claims = runs.iter().flat_map(|run| state.open_claims(run)).map(|(id, _)| id).collect();
    let is_open = |record: &crate::DisputeRecord| record.status == crate::DisputeStatus::Open;
    (claims, state.disputes().filter(|(_, record)| is_open(record)).map(|(id, _)| id).collect())
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
fn tracing(world: &World, dispute: Digest, root: u8) -> Option<Body> {
    let accused = name_of(&world.chain.state().dispute(&dispute)?.accused)?;
    let body = Move::Trace(Digest([root; 32]));
    let signed = SignedMove::new(&secret(accused), dispute, 0, Side::Accused, body);
    Some(Body::Play(Box::new(Play { signed })))
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
    let body = match what % 34 {
        30..=33 => Body::Amnesty(forgiving(world, &runs, one, two)?),
        20..=26 => return attesting(world, &claims, who, one),
        27 => Body::Transfer(Transfer { to: super::fixture::key(pick(&EVERYBODY, one)?), amount }),
        28 => Body::Unbond(Unbond { amount }),
        29 => return registering(world, who, one, two),
        0 => Body::Stake(Stake { amount: Amount(u64::from(one) * u64::from(two)) }),
        1 if runs.len() < 3 => Body::OpenRun(Box::new(OpenRun { terms: long_terms() })),
        1..=4 => return committing(world, &pick(&runs, one)?, who),
        5 => base(world.base(name, &pick(&runs, one)?, two % 3)),
        6..=12 => return judging(world, pick(&claims, one)?, who, two),
        13 => {
            let unit = [Unit::Delta, Unit::Loss, Unit::Merge, Unit::Step(0)][usize::from(two % 4)];
            Body::Dispute(Box::new(Dispute { claim: pick(&claims, one)?, unit, opening: Opening::Nothing }))
        }
        14 | 15 => Body::Timeout(Timeout { dispute: pick(&disputes, one)? }),
        16 => tracing(world, pick(&disputes, one)?, two % 2)?,
        17 => Body::Settle(Settle { claim: pick(&world.chain.state().claims.keys(), one)? }),
        _ => Body::Settle(Settle { claim: pick(&claims, one)? }),
    };
    Some((name, body))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// L-2.4, L-1.4, L-5.17: value is conserved, with breakers that every conviction sets off and without, locks fit in stakes, no deed is a fault, and a replay agrees.
    #[test]
    fn value_is_conserved(deeds in proptest::collection::vec(any::<[u8; 4]>(), 20..160), is_sensitive in any::<bool>()) {
        let mut world = World::of(if is_sensitive { touchy() } else { genesis() });
        world.open(long_terms());
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
    }
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
    use crate::{ClaimStatus, DisputeStatus};
    let state = world.chain.state();
    for (key, account) in state.accounts() {
        let claims = state
            .claims
            .iter()
            .filter(|(_, c)| c.signer() == key && matches!(c.status, ClaimStatus::Open | ClaimStatus::Rival));
        let disputes =
            state.disputes().filter(|(_, d)| d.challenger == key && d.status == DisputeStatus::Open);
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
    let mut world = World::of(touchy());
    world.open(long_terms());
    world.wait(1);
    let mut draws = blake3::Hasher::new_derive_key("retrace v1 test deeds").finalize_xof();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..2_500 {
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
}
