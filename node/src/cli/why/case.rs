//! What is known of one slash or dispute: gathered from a node, judged again here.

use super::rejudge::{Verdict, rejudge};
use crate::rpc::client::{Client, ClientError};
use crate::rpc::methods::dispute::Dispute;
use crate::rpc::methods::rewards::ChangeWords;
use crate::rpc::methods::verdicts::JudgedUnit;

/// One reason, with all that it rests on.
pub struct Case {
    /// The slash; none where a dispute was asked for.
    pub slash: Option<ChangeWords>,
    /// The dispute that decided it.
    pub dispute: Option<Dispute>,
    /// The verdicts on the disputed unit.
    pub unit: Option<JudgedUnit>,
    /// The evidence, where there is any.
    pub bundle: Option<Vec<u8>>,
    /// What this process makes of it.
    pub verdict: Option<Verdict>,
}

/// All of a slash.
pub fn of_slash(client: &Client, slash: ChangeWords) -> Result<Case, ClientError> {
    let mut case = match &slash.dispute {
        Some(dispute) => of_dispute(client, dispute)?,
        None => Case { slash: None, dispute: None, unit: None, bundle: None, verdict: None },
    };
    case.slash = Some(slash);
    Ok(case)
}

/// All of a dispute.
pub fn of_dispute(client: &Client, id: &str) -> Result<Case, ClientError> {
    let dispute = client.dispute(id)?;
    let verdicts = client.verdicts(&dispute.head.claim)?;
    let unit = verdicts.units.into_iter().find(|unit| unit.unit == dispute.head.unit);
    // What a clock decided is the ledger's word: there is nothing to judge again without its validators.
    let bundle = match &dispute.evidence {
        Some(_) if !dispute.by_clock => evidence(client, id, &dispute)?,
        _ => None,
    };
    let network = client.status()?.network;
    let verdict = bundle.as_ref().map(|bytes| rejudge(bytes, &dispute, &network));
    Ok(Case { slash: None, dispute: Some(dispute), unit, bundle, verdict })
}

/// The bundle; none of a contradiction that only the ledger judges (W-3.9). A node that names a value owes its proof.
fn evidence(client: &Client, id: &str, dispute: &Dispute) -> Result<Option<Vec<u8>>, ClientError> {
    let may_lack = dispute.by_contradiction && dispute.finding.is_none();
    match client.evidence(id) {
        Err(ClientError::Refused { name, .. }) if may_lack && name == "no_evidence" => Ok(None),
        other => other.map(Some),
    }
}
