//! A run's life: rounds open, close, are drawn, judged and merged, by rules that only the ledger's time drives.
//!
//! ```text
//! open_run -> Opening -> Training -> Drawing -> Auditing -> Merging -> Opening ... -> Closing -> Finished
//!               ^ beacon   ^ commit    ^ beacon   ^ attest    ^ base, verdict
//!                            attest                 verdict     dispute, settle
//!                                                   dispute
//!                                                   settle
//! ```

mod answer;
mod attestation;
mod breaker;
mod caseload;
mod clock;
mod convict;
mod dispute;
mod draw;
mod drive;
mod merge;
mod over;
mod record;
mod round;
mod settle;
mod taint;
mod terms;
mod void;

pub use answer::{Answer, Answered};
pub use attestation::{Attestation, Attestations, AttestedPart, attestation_key, step_before};
pub use breaker::{AmnestyVote, AmnestyVotes, Breaker, Counted, DeferredSlash, DeferredStatus};
pub use caseload::{Case, Caseload};
pub use clock::{Clock, Defense};
pub use draw::drawn_verifiers;
pub use record::{
    Audit, ClaimRecord, ClaimStatus, DisputeRecord, DisputeStatus, Phase, Precedence, Progress, Round, Run,
    Slot, Taint, VerdictRecord, VerdictResult,
};
pub use terms::{Merging, RunTerms};

pub(crate) use answer::{answer_digest, answered};
pub(crate) use attestation::{put_attestation, withheld};
pub(crate) use breaker::vote_amnesty;
pub(crate) use caseload::{run_clock, stop_clock};
pub(crate) use dispute::{Docketed, contradict, end_dispute, open_dispute};
pub(crate) use drive::drive;
pub(crate) use merge::{accepted_deltas, post_base};
pub(crate) use settle::{verdicts_suffice, verdicts_unanimous, verify_claim};
