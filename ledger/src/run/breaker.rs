//! Where many trainers are convicted at once, slashes wait and nothing is merged; nothing is forgiven (L-5.17).

use super::convict::slash_liar;
use super::record::DisputeRecord;
use crate::amount::{Amount, Height, Moment};
use crate::econ::PPM;
use crate::event::{Event, SlashReason};
use crate::fault::Fault;
use crate::genesis::Role;
use crate::stage::Stage;
use crate::state::{Account, State};
use borsh::{BorshDeserialize, BorshSerialize};
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// Locks of trainers of one run that were slashed in one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Counted {
    /// The block's height.
    pub height: Height,
    /// Sum of the locks.
    pub amount: Amount,
}

/// The circuit breaker of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Breaker {
    /// What counts, by height; empty while it is on.
    pub counted: Vec<Counted>,
    /// Until when it is on, if it is.
    pub on_until: Option<Moment>,
    /// How often it went on.
    pub times: u32,
    /// Slashes that were ever deferred; they are numbered from 0.
    pub deferred: u32,
    /// How many of those are no longer pending: the first ones.
    pub decided: u32,
}

/// What became of a deferred slash.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DeferredStatus {
    /// The breaker is on; the amount is locked.
    Pending,
    /// It was executed.
    Executed {
        /// When.
        at: Height,
    },
    /// An amnesty freed the amount.
    Forgiven {
        /// When; under which name is in the amnesty's row.
        at: Height,
    },
}

/// A slash that the breaker deferred.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DeferredSlash {
    /// The won dispute.
    pub dispute: Digest,
    /// Whose stake.
    pub peer: PeerKey,
    /// How much of it.
    pub amount: Amount,
    /// Whose the bounty is, if there is one.
    pub bounty_to: Option<PeerKey>,
    /// Why.
    pub reason: SlashReason,
    /// When it was deferred.
    pub at: Height,
    /// What became of it.
    pub status: DeferredStatus,
}

/// A validator's word for an amnesty.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AmnestyVote {
    /// The validator's account.
    pub validator: PeerKey,
    /// What is to be excused.
    pub name: String,
    /// When it was given.
    pub at: Height,
}

/// The votes for an amnesty while a breaker was on once.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AmnestyVotes {
    /// The latest of each validator, in the order of their first ones.
    pub votes: Vec<AmnestyVote>,
    /// The name under which slashes were forgiven, and when; none if none were.
    pub granted: Option<(String, Height)>,
}

impl State {
    /// The circuit breaker of a run; none if no conviction ever counted.
    pub fn breaker(&self, run: &Digest) -> Option<&Breaker> {
        self.breakers.get(run)
    }

    /// True while the slashes of a run are deferred.
    pub fn is_breaker_on(&self, run: &Digest) -> bool {
        self.breakers.get(run).is_some_and(|breaker| breaker.on_until.is_some())
    }

    /// All slashes of a run that were ever deferred, in their order.
    pub fn deferred_slashes(&self, run: &Digest) -> impl Iterator<Item = &DeferredSlash> {
        let count = self.breakers.get(run).map_or(0, |breaker| breaker.deferred);
        let run = *run;
        (0..count).filter_map(move |number| self.deferred.get(&(run, number)))
    }

    /// The votes for an amnesty when the breaker of a run was on for the nth time, from 1.
    pub fn amnesty(&self, run: &Digest, time: u32) -> Option<&AmnestyVotes> {
        self.amnesties.get(&(*run, time))
    }

    /// What all trainers in force have bonded.
    fn trainer_stake(&self, height: Height) -> u128 {
        let trainers = self.accounts.iter().filter(|(_, account)| is_trainer(self, account, height));
        trainers.map(|(_, account)| u128::from(account.bonded.0)).sum()
    }
}

fn is_trainer(state: &State, account: &Account, height: Height) -> bool {
    account.role == Role::Trainer && account.is_in_force(state.params(), height)
}

/// Slashes the lock of a convicted claim, or defers that if the breaker is on or this conviction sets it off.
pub(super) fn slash_lock(
    stage: &mut Stage<'_>,
    dispute: &Digest,
    amount: Amount,
    bounty_to: Option<PeerKey>,
    reason: SlashReason,
) -> Result<(), Fault> {
    let won = stage.state.disputes.want(dispute)?.clone();
    count(stage, &won, amount)?;
    if !stage.state.is_breaker_on(&won.run) {
        return slash_liar(stage, &won, amount, bounty_to, reason);
    }
    let (at, status) = (stage.now.height, DeferredStatus::Pending);
    let (dispute, peer) = (*dispute, won.accused);
    defer(stage, DeferredSlash { dispute, peer, amount, bounty_to, reason, at, status })
}

/// Locks what a match verdict on a disproved unit would cost, if the breaker is on; false if it is off.
pub(super) fn defer_verdict(
    stage: &mut Stage<'_>,
    dispute: &Digest,
    peer: PeerKey,
    amount: Amount,
) -> Result<bool, Fault> {
    let run = stage.state.disputes.want(dispute)?.run;
    if !stage.state.is_breaker_on(&run) {
        return Ok(false);
    }
    let amount = stage.state.hold_any(&peer, amount)?;
    let (at, status, reason) = (stage.now.height, DeferredStatus::Pending, SlashReason::FalseVerdict);
    let dispute = *dispute;
    defer(stage, DeferredSlash { dispute, peer, amount, bounty_to: None, reason, at, status })?;
    Ok(true)
}

/// Counts a conviction, and sets the breaker off when those of the window weigh too much.
fn count(stage: &mut Stage<'_>, won: &DisputeRecord, amount: Amount) -> Result<(), Fault> {
    let now = stage.now;
    let is_counted = is_trainer(stage.state, stage.state.accounts.want(&won.accused)?, now.height);
    if !is_counted || stage.state.is_breaker_on(&won.run) {
        return Ok(());
    }
    let params = *stage.state.params();
    let mut breaker = stage.state.breakers.get(&won.run).cloned().unwrap_or_default();
    breaker.counted.retain(|c| c.height.after(u64::from(params.breaker_window)) >= now.height);
    // Off, so all that was counted is slashed already and no longer bonded.
    let before: u128 = breaker.counted.iter().map(|c| u128::from(c.amount.0)).sum();
    let stake = stage.state.trainer_stake(now.height) + before;
    let slashed = before + u128::from(amount.0);
    match breaker.counted.last_mut().filter(|last| last.height == now.height) {
        Some(last) => last.amount = last.amount.plus(amount).ok_or(Fault::Funds)?,
        None => breaker.counted.push(Counted { height: now.height, amount }),
    }
    let is_over = slashed * u128::from(PPM) > stake * u128::from(params.breaker_ppm);
    if is_over {
        let until = now.after(params.breaker_span);
        breaker.counted.clear();
        breaker.on_until = Some(until);
        breaker.times = breaker.times.saturating_add(1);
        let amount = |sum: u128| u64::try_from(sum).map(Amount).map_err(|_| Fault::Funds);
        let (slashed, stake) = (amount(slashed)?, amount(stake)?);
        stage.say(Event::BreakerOn { run: won.run, slashed, stake, until });
    }
    stage.state.breakers.put(won.run, breaker);
    Ok(())
}

/// Keeps a slash for later; its amount is locked.
fn defer(stage: &mut Stage<'_>, slash: DeferredSlash) -> Result<(), Fault> {
    let record = stage.state.disputes.want(&slash.dispute)?;
    let (run, claim, unit) = (record.run, record.claim, record.unit);
    let number = stage.state.breakers.want(&run)?.deferred;
    let next = number.checked_add(1).ok_or(Fault::Rule { rule: "L-5.17" })?;
    let (peer, amount, reason) = (slash.peer, slash.amount, slash.reason);
    stage.state.deferred.put((run, number), slash);
    stage.state.breakers.change(&run, |breaker| breaker.deferred = next)?;
    stage.say(Event::SlashDeferred { run, number, peer, claim, unit, amount, reason });
    Ok(())
}

/// Executes what is pending, in order, when the breaker has been on for its time.
pub(super) fn end_breaker(stage: &mut Stage<'_>, run: &Digest) -> Result<(), Fault> {
    let on_until = stage.state.breakers.get(run).and_then(|breaker| breaker.on_until);
    if !on_until.is_some_and(|until| until.is_past(stage.now)) {
        return Ok(());
    }
    let at = stage.now.height;
    let pending = turn_off(stage, run)?;
    let executed = pending.len() as u32;
    for number in pending {
        let slash = stage.state.deferred.want(&(*run, number))?.clone();
        execute(stage, &slash)?;
        let status = DeferredStatus::Executed { at };
        stage.state.deferred.change(&(*run, number), |slash| slash.status = status)?;
    }
    stage.say(Event::BreakerOff { run: *run, executed });
    Ok(())
}

fn execute(stage: &mut Stage<'_>, slash: &DeferredSlash) -> Result<(), Fault> {
    let won = stage.state.disputes.want(&slash.dispute)?.clone();
    let (peer, amount, reason) = (slash.peer, slash.amount, slash.reason);
    if reason != SlashReason::FalseVerdict {
        return slash_liar(stage, &won, amount, slash.bounty_to, reason);
    }
    stage.state.slash_locked(&peer, amount, &peer, Amount::ZERO)?;
    let (claim, unit) = (won.claim, won.unit);
    stage.say(Event::Slashed { peer, claim, unit, amount, reason, bounty: Amount::ZERO });
    Ok(())
}

/// Keeps a validator's vote, in place of its earlier one. With the one that suffices what is pending is freed.
pub(crate) fn vote_amnesty(
    stage: &mut Stage<'_>,
    run: &Digest,
    validator: PeerKey,
    name: &str,
) -> Result<(), Fault> {
    let (at, time) = (stage.now.height, stage.state.breakers.want(run)?.times);
    let mut row = stage.state.amnesties.get(&(*run, time)).cloned().unwrap_or_default();
    let vote = AmnestyVote { validator, name: name.to_owned(), at };
    match row.votes.iter_mut().find(|earlier| earlier.validator == validator) {
        Some(earlier) => *earlier = vote,
        None => row.votes.push(vote),
    }
    let is_for = |account: &PeerKey| row.votes.iter().any(|v| v.validator == *account && v.name == name);
    let suffices = stage.state.validators().is_two_thirds(is_for);
    if suffices {
        row.granted = Some((name.to_owned(), at));
    }
    stage.state.amnesties.put((*run, time), row);
    stage.say(Event::AmnestyVoted { run: *run, validator, name: name.to_owned(), suffices });
    if suffices { forgive(stage, run, name) } else { Ok(()) }
}

fn forgive(stage: &mut Stage<'_>, run: &Digest, name: &str) -> Result<(), Fault> {
    let at = stage.now.height;
    for number in turn_off(stage, run)? {
        let slash = stage.state.deferred.want(&(*run, number))?;
        let (peer, amount) = (slash.peer, slash.amount);
        stage.state.unlock(&peer, amount)?;
        let status = DeferredStatus::Forgiven { at };
        stage.state.deferred.change(&(*run, number), |slash| slash.status = status)?;
        stage.say(Event::SlashForgiven { run: *run, number, peer, amount, name: name.to_owned() });
    }
    stage.say(Event::BreakerOff { run: *run, executed: 0 });
    Ok(())
}

/// Turns the breaker off; gives the numbers of what was pending.
fn turn_off(stage: &mut Stage<'_>, run: &Digest) -> Result<std::ops::Range<u32>, Fault> {
    let breaker = stage.state.breakers.want(run)?;
    let pending = breaker.decided..breaker.deferred;
    stage.state.breakers.change(run, |breaker| {
        breaker.on_until = None;
        breaker.decided = breaker.deferred;
    })?;
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::super::convict::convict;
    use super::DeferredStatus;
    use crate::run::{AttestedPart, VerdictResult};
    use crate::stage::Stage;
    use crate::tests::breaker::{challenge, sensitive};
    use crate::tests::fixture::{AUDITOR, VERIFIERS, World, key};
    use crate::transaction::{Body, Unbond};
    use crate::{Amount, Event, Moment, SlashReason};
    use retrace_verifier::Unit;

    /// L-5.17, L-2.4: match verdicts on a disproved unit cost nothing at once: the part is locked, and stake that is on
    /// its way back is bonded again for it. At the end of the breaker it is burned, after the lock.
    #[test]
    fn false_verdicts_are_deferred() {
        let mut world = World::of(sensitive(50_000));
        let (run, ids) = world.audited();
        world.judge(&ids[0], VerdictResult::Match);
        world.play(VERIFIERS[0], Body::Unbond(Unbond { amount: Amount(9_700) }));
        let dispute = challenge(&mut world, AUDITOR, ids[0], Unit::Loss);
        let mut state = world.chain.state().clone();
        let mut events = Vec::new();
        let mut stage = Stage::new(&mut state, &mut events).unwrap();
        convict(&mut stage, &dispute, SlashReason::Lie).unwrap();
        let until = stage.now.after(stage.state.params().breaker_span);
        let deferred: Vec<_> = stage.state.deferred_slashes(&run).cloned().collect();
        let amounts: Vec<_> = deferred.iter().map(|slash| (slash.amount, slash.reason)).collect();
        let verdict = (Amount(1_000), SlashReason::FalseVerdict);
        assert_eq!(amounts, [(Amount(10_000), SlashReason::Lie), verdict, verdict, verdict]);
        let account = |stage: &Stage<'_>, name| *stage.state.account(&key(name)).unwrap();
        let held = account(&stage, VERIFIERS[0]);
        assert_eq!((held.bonded, held.locked, held.unbonding), (Amount(1_000), Amount(1_000), Amount(9_000)));
        assert_eq!(stage.state.total_value(), Some(stage.state.genesis_value()));
        assert!(!stage.events.iter().any(|event| matches!(event, Event::Slashed { .. })));
        // Its commitment is void or settled no sooner than others.
        assert!(stage.state.is_attested(&ids[1], AttestedPart::Drawn));

        stage.now = Moment { height: until.height.after(1), credited_ms: until.credited_ms + 1 };
        super::end_breaker(&mut stage, &run).unwrap();
        let slashed = account(&stage, VERIFIERS[0]);
        assert_eq!(
            (slashed.bonded, slashed.locked, slashed.unbonding),
            (Amount(0), Amount(0), Amount(9_000))
        );
        assert_eq!(account(&stage, VERIFIERS[1]).bonded, Amount(9_000));
        assert_eq!(account(&stage, AUDITOR).balance, Amount(5_700));
        assert_eq!(stage.state.total_value(), Some(stage.state.genesis_value()));
        let at = stage.now.height;
        let mut all = stage.state.deferred_slashes(&run);
        assert!(all.all(|slash| slash.status == DeferredStatus::Executed { at }));
        let slashes = stage.events.iter().filter(|event| matches!(event, Event::Slashed { .. })).count();
        assert_eq!(slashes, 4);
    }
}
