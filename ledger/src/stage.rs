//! The stage on which a block plays: the state with its staged rows, the block's time, the events so far.

use crate::amount::Moment;
use crate::beacon::Beacon;
use crate::event::Event;
use crate::fault::Fault;
use crate::state::State;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// What a rule works on.
pub(crate) struct Stage<'a> {
    /// The state; all that a rule writes is staged.
    pub state: &'a mut State,
    /// The block's moment.
    pub now: Moment,
    /// The block's beacon.
    pub beacon: Beacon,
    /// What happened.
    pub events: &'a mut Vec<Event>,
}

/// Where a transaction comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// Who signed it.
    pub signer: PeerKey,
    /// Its id.
    pub id: Digest,
    /// Its bytes, with the signature.
    pub bytes: usize,
}

impl<'a> Stage<'a> {
    /// The stage of the block that the state's `now` describes.
    pub(crate) fn new(state: &'a mut State, events: &'a mut Vec<Event>) -> Result<Stage<'a>, Fault> {
        let now = *state.now()?;
        Ok(Stage { state, now: now.moment(), beacon: now.beacon, events })
    }

    /// Says that something happened.
    pub(crate) fn say(&mut self, event: Event) {
        self.events.push(event);
    }
}
