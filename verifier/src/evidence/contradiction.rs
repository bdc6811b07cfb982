//! Proof by contradiction: two signed moves of the accused of which an honest one signs at most one (V-6.3).

use super::line::{DELEGATIONS_MAX, Line};
use super::{Disproven, Kind, MOVES_MAX, Unreadable};
use crate::delegation::{Delegation, SignedDelegation};
use crate::digest::Digest;
use crate::docket::{Claim, Docket};
use crate::game::{Question, Side, SignedMove};
use crate::signature::PeerKey;
use crate::unit::Unit;
use borsh::{BorshDeserialize, BorshSerialize};

/// A dispute up to one move of the accused.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Testimony {
    /// What the dispute is about.
    pub docket: Docket,
    /// Delegations that the moves' signatures need.
    pub delegations: Vec<SignedDelegation>,
    /// All moves up to the one that counts, which is the last.
    pub moves: Vec<SignedMove>,
}

/// Two disputes in which the accused gave two answers to one question, as written to a file.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Contradiction {
    /// [`Kind::Contradiction`]'s.
    pub magic: [u8; 8],
    /// One.
    pub first: Testimony,
    /// The other; it may be of the same dispute.
    pub second: Testimony,
}

/// What a contradiction shows (V-6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradicted {
    /// Who said two things.
    pub accused: PeerKey,
    /// The network that the claim was signed for.
    pub network: Digest,
    /// The unit.
    pub unit: Unit,
    /// The two disputes.
    pub disputes: [Digest; 2],
    /// Answers to what.
    pub question: Question,
    /// Defense keys that signed moves: relative to the ledger's word that they were in force then.
    pub delegations: Vec<Delegation>,
}

/// Why a readable contradiction shows nothing, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotContradicted {
    /// The two are about different things.
    #[error("the two disputes are not over the same facts, claim and unit")]
    Frames,
    /// One of the disputes does not hold.
    #[error("dispute {line}: {reason}")]
    Line {
        /// 0 or 1.
        line: usize,
        /// Why.
        reason: Disproven,
    },
    /// A dispute does not end in a statement of the accused.
    #[error("dispute {line} does not end in a trace root, totals or accumulators of the accused")]
    LastMove {
        /// 0 or 1.
        line: usize,
    },
    /// They answer two questions, or one in the same way.
    #[error("the two moves do not contradict each other")]
    Consistent,
}

impl Contradiction {
    /// Two testimonies, as a file.
    pub fn new(first: Testimony, second: Testimony) -> Contradiction {
        Contradiction { magic: Kind::Contradiction.magic(), first, second }
    }
}

/// Reads a contradiction: bounded, then parsed, then nothing left over.
pub fn read_contradiction(bytes: &[u8]) -> Result<Contradiction, Unreadable> {
    Kind::Contradiction.expect(bytes)?;
    let found: Contradiction = borsh::from_slice(bytes).map_err(|_| Unreadable::Malformed)?;
    let is_short = |t: &Testimony| t.moves.len() <= MOVES_MAX && t.delegations.len() <= DELEGATIONS_MAX;
    if is_short(&found.first) && is_short(&found.second) { Ok(found) } else { Err(Unreadable::Malformed) }
}

/// Judges a contradiction by playing both disputes again (V-6.3).
pub fn judge_contradiction(found: &Contradiction) -> Result<Contradicted, NotContradicted> {
    let dockets = [&found.first.docket, &found.second.docket];
    let [a, b] = dockets;
    if a.facts != b.facts || a.unit != b.unit || !is_same(&a.claim, &b.claim) {
        return Err(NotContradicted::Frames);
    }
    let (first, second) = (statement(0, &found.first)?, statement(1, &found.second)?);
    let bodies = [&found.first, &found.second].map(|testimony| testimony.moves.last().map(|m| &m.body));
    if first.question != second.question || bodies[0] == bodies[1] {
        return Err(NotContradicted::Consistent);
    }
    let mut delegations = first.delegations;
    delegations.extend(second.delegations);
    delegations.sort_by_key(|d| (d.account, d.serial));
    delegations.dedup();
    Ok(Contradicted {
        accused: a.claim.signer(),
        network: a.facts.network,
        unit: a.unit,
        disputes: [first.dispute, second.dispute],
        question: first.question,
        delegations,
    })
}

/// One claim may carry two valid signatures of its signer; what was signed is the same.
fn is_same(a: &Claim, b: &Claim) -> bool {
    match (a, b) {
        (Claim::Segment(a), Claim::Segment(b)) => a.commitment == b.commitment,
        (Claim::Base(a), Claim::Base(b)) => a.claim == b.claim,
        _ => false,
    }
}

struct Statement {
    dispute: Digest,
    question: Question,
    delegations: Vec<Delegation>,
}

/// Plays a dispute up to its last move, which must be a statement of the accused.
fn statement(line: usize, testimony: &Testimony) -> Result<Statement, NotContradicted> {
    let wrong = |reason| NotContradicted::Line { line, reason };
    let Some((last, before)) = testimony.moves.split_last() else {
        return Err(NotContradicted::LastMove { line });
    };
    let mut played = Line::open(&testimony.docket, &testimony.delegations).map_err(wrong)?;
    for signed in before {
        played.play(signed).map_err(wrong)?;
    }
    let question = Question::of(played.game().phase()).filter(|_| last.side == Side::Accused);
    played.play(last).map_err(wrong)?;
    let delegations = played.close().map_err(wrong)?;
    let question = question.ok_or(NotContradicted::LastMove { line })?;
    Ok(Statement { dispute: played.game().id(), question, delegations })
}
