//! A commitment that was not attested in time is void: a fixed cost, and never called fraud (L-5.13).

use super::attestation::{AttestedPart, withheld};
use super::record::ClaimStatus;
use crate::amount::Amount;
use crate::event::Event;
use crate::fault::Fault;
use crate::stage::Stage;
use retrace_verifier::digest::Digest;

/// Voids the open commitments of a round for which the time to attest is over. One that is disputed waits for the
/// end of its disputes: who withholds does not escape a conviction. Nor does a lock run out while a breaker is on (L-5.17).
pub(super) fn void_withheld(stage: &mut Stage<'_>, run: &Digest, round: u32) -> Result<(), Fault> {
    if stage.state.is_breaker_on(run) {
        return Ok(());
    }
    let commitments: Vec<Digest> = stage.state.rounds.want(&(*run, round))?.commitments().collect();
    for claim in commitments {
        let record = stage.state.claims.want(&claim)?;
        if record.status != ClaimStatus::Open || !record.disputes.is_empty() {
            continue;
        }
        if let Some(part) = withheld(stage.state, &claim, stage.now) {
            void(stage, &claim, part)?;
        }
    }
    Ok(())
}

fn void(stage: &mut Stage<'_>, claim: &Digest, part: AttestedPart) -> Result<(), Fault> {
    let record = stage.state.claims.want(claim)?;
    let (run, trainer, lock) = (record.run, record.signer(), record.lock);
    let burned = lock.share(stage.state.params().void_ppm);
    stage.state.unlock(&trainer, lock.minus(burned).ok_or(Fault::Funds)?)?;
    stage.state.slash_locked(&trainer, burned, &trainer, Amount::ZERO)?;
    stage.state.claims.change(claim, |record| record.status = ClaimStatus::Void)?;
    stage.say(Event::Voided { run, claim: *claim, trainer, part, burned });
    Ok(())
}
