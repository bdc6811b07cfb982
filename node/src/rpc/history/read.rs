//! From a block's events to its changes: what an event leaves out is told by the events around it (W-3.8).
//!
//! ```text
//! DisputeEnded, Slashed, [Rewarded(Bounty)]         the bounty is for that slash, both are of that dispute
//! Contradicted, [DisputeEnded], Slashed, ...        the same; the dispute may have ended long ago
//! Settled, Rewarded(Segment), Rewarded(Verdict)...  all of that claim; verdicts in the order of its units
//! Decided, [Rewarded(Segment or Insured)]           of that claim: its round is over (L-5.19)
//! ```

use super::entry::{Change, ContradictionNote, Entry, MoveNote};
use retrace_ledger::{
    Amount, ClaimStatus, Ending, Event, RewardReason, SlashReason, State, VerdictRecord, VerdictResult,
};
use retrace_verifier::Unit;
use retrace_verifier::delegation::SignedDelegation;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;
use std::collections::VecDeque;

/// What the state says of a claim that was settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimFacts {
    /// Its round.
    pub round: u32,
    /// The dispute that proved it wrong.
    pub convicted_in: Option<Digest>,
    /// Whose verdicts were paid for which unit, in order.
    pub paid: VecDeque<(PeerKey, Unit)>,
}

/// All that a block has for the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Changes, in order.
    pub entries: Vec<Entry>,
    /// Moves by dispute, in order.
    pub moves: Vec<(Digest, MoveNote)>,
    /// Contradictions by the dispute that convicted, in order.
    pub contradictions: Vec<(Digest, ContradictionNote)>,
    /// Delegations that were made, in order.
    pub delegations: Vec<SignedDelegation>,
}

/// What the events before this one said.
#[derive(Default)]
struct Context {
    dispute: Option<Digest>,
    run: Option<Digest>,
    claim: Option<Digest>,
    facts: ClaimFacts,
    slashed: Option<(Digest, Unit)>,
}

/// Reads a block's events; `facts` looks claims up.
pub fn read(height: u64, events: &[Event], facts: &dyn Fn(&Digest) -> Option<ClaimFacts>) -> Noted {
    let mut noted = Noted::default();
    let mut context = Context::default();
    for (position, event) in (0u32..).zip(events) {
        context.hear(event, facts);
        noted.note(height, event);
        for (account, amount, change) in changes(event) {
            let entry = Entry {
                height,
                position,
                account,
                amount,
                change,
                run: None,
                round: None,
                claim: None,
                unit: None,
                dispute: None,
            };
            noted.entries.push(context.explain(entry, event, facts));
        }
    }
    noted
}

impl Noted {
    /// Notes what evidence will need of an event.
    fn note(&mut self, height: u64, event: &Event) {
        match event {
            Event::Moved { dispute, number, side, kind, bytes } => {
                let note = MoveNote { height, number: *number, side: *side, kind: *kind, bytes: *bytes };
                self.moves.push((*dispute, note));
            }
            Event::Contradicted { first, second, question, .. } => {
                let note = ContradictionNote { height, first: *first, question: *question };
                self.contradictions.push((*second, note));
            }
            Event::Delegated { signed } => self.delegations.push(*signed),
            _ => {}
        }
    }
}

/// The accounts that an event changes.
fn changes(event: &Event) -> Vec<(PeerKey, Amount, Change)> {
    match event {
        Event::Rewarded { peer, amount, reason, .. } => vec![(*peer, *amount, Change::Reward(*reason))],
        Event::Slashed { peer, amount, reason, bounty, .. } => {
            vec![(*peer, *amount, Change::Slash { reason: *reason, bounty: *bounty })]
        }
        Event::Staked { peer, amount } => vec![(*peer, *amount, Change::Bonded)],
        Event::RunOpened { sponsor, escrow, .. } => vec![(*sponsor, *escrow, Change::Escrowed)],
        Event::Transferred { from, to, amount } => {
            vec![(*from, *amount, Change::Sent { to: *to }), (*to, *amount, Change::Received { from: *from })]
        }
        Event::Unbonding { peer, amount, .. } => vec![(*peer, *amount, Change::Unbonding)],
        Event::Unbonded { peer, amount } => vec![(*peer, *amount, Change::Unbonded)],
        Event::Voided { trainer, burned, .. } => vec![(*trainer, *burned, Change::Voided)],
        Event::Decided { trainer, paid: Amount::ZERO, .. } => vec![(*trainer, Amount::ZERO, Change::Unpaid)],
        Event::Equivocated { validator, amount, .. } => vec![(*validator, *amount, Change::Equivocated)],
        _ => Vec::new(),
    }
}

impl Context {
    fn hear(&mut self, event: &Event, facts: &dyn Fn(&Digest) -> Option<ClaimFacts>) {
        match event {
            Event::DisputeEnded {
                dispute,
                ending: Ending::Judged { .. } | Ending::TimedOut { .. } | Ending::Contradicted,
                ..
            }
            | Event::Contradicted { second: dispute, .. } => self.dispute = Some(*dispute),
            Event::Settled { run, claim, .. } | Event::Decided { run, claim, .. } => {
                (self.run, self.claim) = (Some(*run), Some(*claim));
                self.facts = facts(claim).unwrap_or_default();
            }
            Event::Slashed { claim, unit, reason, .. } => {
                self.slashed = Some((*claim, *unit));
                // A deferred slash comes blocks after its dispute; the claim remembers which one it was.
                if *reason != SlashReason::FalseChallenge
                    && let Some(dispute) = facts(claim).and_then(|facts| facts.convicted_in)
                {
                    self.dispute = Some(dispute);
                }
            }
            _ => {}
        }
    }

    /// What the event and those before it say of a change.
    fn explain(
        &mut self,
        entry: Entry,
        event: &Event,
        facts: &dyn Fn(&Digest) -> Option<ClaimFacts>,
    ) -> Entry {
        let round_of = |claim: &Digest| facts(claim).map(|facts| facts.round);
        match event {
            Event::Slashed { claim, unit, .. } => {
                let (claim, unit) = (Some(*claim), Some(*unit));
                Entry {
                    round: claim.as_ref().and_then(round_of),
                    claim,
                    unit,
                    dispute: self.dispute,
                    ..entry
                }
            }
            Event::Rewarded { run, reason: RewardReason::Bounty | RewardReason::Defense, .. } => {
                let (claim, unit) = self.slashed.unzip();
                let round = claim.as_ref().and_then(round_of);
                Entry { run: Some(*run), round, claim, unit, dispute: self.dispute, ..entry }
            }
            Event::Rewarded { run, reason: RewardReason::Refund, .. } => Entry { run: Some(*run), ..entry },
            Event::Rewarded { run, peer, reason, .. } if self.run == Some(*run) => {
                let unit = if *reason == RewardReason::Verdict { self.unit_paid(peer) } else { None };
                Entry { run: Some(*run), round: Some(self.facts.round), claim: self.claim, unit, ..entry }
            }
            Event::Voided { run, claim, .. } | Event::Decided { run, claim, .. } => {
                Entry { run: Some(*run), round: round_of(claim), claim: Some(*claim), ..entry }
            }
            Event::Rewarded { run, .. } | Event::RunOpened { run, .. } => Entry { run: Some(*run), ..entry },
            _ => entry,
        }
    }

    /// The unit of the next paid verdict, if it is this verifier's.
    fn unit_paid(&mut self, peer: &PeerKey) -> Option<Unit> {
        let (verifier, unit) = self.facts.paid.pop_front()?;
        (verifier == *peer).then_some(unit)
    }
}

/// What the state says of a claim: its round, and whose verdicts are paid, by the ledger's rule (L-5.6).
pub fn claim_facts(state: &State, claim: &Digest) -> Option<ClaimFacts> {
    let record = state.claim(claim)?;
    let verdicts_min = state.run(&record.run).map_or(0, |run| usize::from(run.terms.verdicts_min));
    let convicted_in =
        if let ClaimStatus::Convicted { dispute } = &record.status { Some(*dispute) } else { None };
    let disproved = convicted_in.and_then(|dispute| state.dispute(&dispute)).map(|dispute| dispute.unit);
    let mut paid = VecDeque::new();
    for unit in record.audit.iter().flat_map(|audit| &audit.units) {
        let right = if disproved == Some(*unit) { VerdictResult::Mismatch } else { VerdictResult::Match };
        let verdicts = state.verdicts_of(claim, *unit).iter().filter(|verdict| verdict.result == right);
        let (drawn, others): (Vec<&VerdictRecord>, Vec<_>) = verdicts.partition(|verdict| verdict.drawn);
        let first = drawn.into_iter().chain(others).take(verdicts_min);
        paid.extend(first.map(|verdict| (verdict.verifier, *unit)));
    }
    Some(ClaimFacts { round: record.round, convicted_in, paid })
}

#[cfg(test)]
mod tests {
    use super::{ClaimFacts, ContradictionNote, read};
    use retrace_ledger::{Amount, ClaimStatus, Ending, Event, RewardReason, SlashReason};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::game::Question;
    use retrace_verifier::signature::PeerKey;
    use retrace_verifier::{Side, Unit};

    const RUN: Digest = Digest([1; 32]);
    const CLAIM: Digest = Digest([2; 32]);
    const DISPUTE: Digest = Digest([3; 32]);

    fn peer(name: u8) -> PeerKey {
        PeerKey([name; 32])
    }

    fn reward(name: u8, amount: u64, reason: RewardReason) -> Event {
        Event::Rewarded { run: RUN, peer: peer(name), amount: Amount(amount), reason }
    }

    fn ended(dispute: Digest, ending: Ending) -> Event {
        Event::DisputeEnded { dispute, ending, moves: 9, posted_bytes: 9, judging_bytes: 9 }
    }

    fn facts(claim: &Digest) -> Option<ClaimFacts> {
        let paid = [(peer(8), Unit::Delta), (peer(9), Unit::Delta), (peer(8), Unit::Step(4))];
        (*claim == CLAIM).then(|| ClaimFacts { round: 5, convicted_in: None, paid: paid.into() })
    }

    /// W-3.8, L-5.19: what is paid when a round is over names its claim, and so does what is not paid.
    #[test]
    fn pay_at_the_end_of_a_round_has_its_claim() {
        let decided =
            |name, paid| Event::Decided { run: RUN, claim: CLAIM, trainer: peer(name), paid: Amount(paid) };
        let events = [decided(7, 50), reward(7, 50, RewardReason::Insured), decided(8, 0)];
        let found: Vec<_> = read(3, &events, &facts).entries;
        let [insured, unpaid] = &found[..] else { panic!("{found:?}") };
        for entry in [insured, unpaid] {
            assert_eq!((entry.run, entry.round, entry.claim), (Some(RUN), Some(5), Some(CLAIM)));
        }
        assert_eq!((insured.account, insured.amount.0), (peer(7), 50));
        assert_eq!((unpaid.account, unpaid.change.name(), unpaid.amount.0), (peer(8), "unpaid", 0));
    }

    /// W-3.8: a segment's pay and its verdicts' name run, round, claim and unit.
    #[test]
    fn pay_is_explained_by_the_settlement_before_it() {
        let events = [
            Event::Settled { run: RUN, claim: CLAIM, status: ClaimStatus::Verified },
            reward(7, 100, RewardReason::Segment),
            reward(8, 3, RewardReason::Verdict),
            reward(9, 3, RewardReason::Verdict),
            reward(8, 3, RewardReason::Verdict),
            reward(6, 50, RewardReason::Refund),
        ];
        let noted = read(12, &events, &facts).entries;
        let units: Vec<Option<Unit>> = noted.iter().map(|entry| entry.unit).collect();
        let expected = [None, Some(Unit::Delta), Some(Unit::Delta), Some(Unit::Step(4)), None];
        assert_eq!(units, expected);
        assert!(noted[..4].iter().all(|entry| entry.round == Some(5) && entry.claim == Some(CLAIM)));
        assert_eq!((noted[4].claim, noted[4].run), (None, Some(RUN)), "a refund is no claim's");
        assert_eq!((noted[0].height, noted[0].position), (12, 1));
    }

    fn slash(name: u8, reason: SlashReason) -> Event {
        let (peer, claim, unit) = (peer(name), CLAIM, Unit::Step(2));
        Event::Slashed { peer, claim, unit, amount: Amount(1_000), reason, bounty: Amount(100) }
    }

    /// W-3.8: a slash names the dispute that decided it, a bounty its slash; an overtaken dispute decides nothing.
    #[test]
    fn slashes_are_explained_by_the_dispute_before_them() {
        let events = [
            ended(DISPUTE, Ending::Judged { winner: Side::Challenger, finding: None }),
            slash(7, SlashReason::Lie),
            reward(8, 100, RewardReason::Bounty),
            ended(Digest([4; 32]), Ending::Overtaken { by: DISPUTE }),
            slash(9, SlashReason::FalseVerdict),
        ];
        let noted = read(12, &events, &facts).entries;
        assert_eq!(noted.len(), 3);
        for entry in &noted {
            assert_eq!((entry.dispute, entry.claim), (Some(DISPUTE), Some(CLAIM)));
            assert_eq!((entry.round, entry.unit), (Some(5), Some(Unit::Step(2))));
        }
    }

    /// W-3.8, L-5.14: a contradiction names its dispute whether that ends with it or has ended long ago.
    #[test]
    fn contradictions_are_explained() {
        let (unit, accused, first) = (Unit::Step(2), peer(7), Digest([4; 32]));
        let question = Question::Trace;
        let said = Event::Contradicted { claim: CLAIM, unit, accused, first, second: DISPUTE, question };
        let slash = slash(7, SlashReason::Contradiction);
        let other = ended(Digest([5; 32]), Ending::TimedOut { winner: Side::Accused });
        let lasting = [other.clone(), said.clone(), ended(DISPUTE, Ending::Contradicted), slash.clone()];
        for events in [&lasting[..], &[other, said, slash]] {
            let noted = read(12, events, &facts).entries;
            assert_eq!((noted.len(), noted[0].dispute), (1, Some(DISPUTE)));
            let note = ContradictionNote { height: 12, first, question };
            assert_eq!(read(12, events, &facts).contradictions, [(DISPUTE, note)]);
        }
    }

    /// W-3.8, L-5.17: a deferred slash is of the dispute that convicted its claim, whatever ended since.
    #[test]
    fn deferred_slashes_are_explained_by_their_claim() {
        let convicted =
            |claim: &Digest| facts(claim).map(|facts| ClaimFacts { convicted_in: Some(DISPUTE), ..facts });
        let events = [
            ended(Digest([5; 32]), Ending::TimedOut { winner: Side::Accused }),
            slash(6, SlashReason::FalseChallenge),
            slash(7, SlashReason::Lie),
            reward(8, 100, RewardReason::Bounty),
            slash(9, SlashReason::FalseVerdict),
        ];
        let noted = read(12, &events, &convicted).entries;
        let disputes: Vec<_> = noted.iter().map(|entry| entry.dispute).collect();
        assert_eq!(disputes, [Some(Digest([5; 32])), Some(DISPUTE), Some(DISPUTE), Some(DISPUTE)]);
    }
}
