//! What a demo came to: the JSON line that machines read, and what people are told.

use serde::Serialize;

/// The outcome of a run, as its last line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Network id.
    pub network: String,
    /// Height of the last block.
    pub height: u64,
    /// Rounds finished.
    pub rounds: u32,
    /// Training steps committed.
    pub steps: u64,
    /// Tokens in them.
    pub tokens: u64,
    /// Bits per byte on the held-out text before training.
    pub loss_first: f64,
    /// And after it.
    pub loss_last: f64,
    /// Entropy of that text's bytes taken one by one.
    pub unigram_bits_per_byte: f64,
    /// Segments committed.
    pub commitments: u64,
    /// Verdicts by result.
    pub audits: Audits,
    /// Share of steps drawn.
    pub audit_rate: f64,
    /// Probability that one wrong step escapes, by the run's own rule, one third of verifiers colluding.
    pub escape_probability: f64,
    /// Disputes, in order of their end.
    pub disputes: Vec<DisputeReport>,
    /// Slashes, in order.
    pub slashed: Vec<SlashReport>,
    /// Slashes of peers that followed the rules.
    pub honest_slashed: u64,
    /// Rewards by peer, in units of value.
    pub rewards: std::collections::BTreeMap<String, u64>,
    /// The first dispute's evidence.
    pub evidence_file: Option<String>,
    /// Root of the last accepted base.
    pub checkpoint_root: String,
    /// Folder with all of it.
    pub home: String,
    /// Where the text came from.
    pub data: String,
    /// Seconds from start to end.
    pub seconds: f64,
    /// What the processes came to, where there were any.
    #[serde(flatten)]
    pub network_of: Option<Network>,
}

/// A network of processes at its end.
#[derive(Clone, Debug, Serialize)]
pub struct Network {
    /// Height of each node.
    pub heights: std::collections::BTreeMap<String, u64>,
    /// True when all validators have one block id and one state root at every height that all have, and tips within 3.
    pub validators_agree: bool,
    /// The processes.
    pub processes: Vec<ProcessReport>,
}

/// One process.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessReport {
    /// Name.
    pub name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Process id.
    pub pid: Option<u32>,
    /// URL of its interface.
    pub rpc: String,
    /// Its address in the public swarm.
    pub swarm: String,
    /// Its log.
    pub log: String,
}

/// Verdicts by result.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Audits {
    /// Claims found right.
    #[serde(rename = "match")]
    pub matches: u64,
    /// Claims found wrong.
    pub mismatch: u64,
}

/// One dispute.
#[derive(Clone, Debug, Serialize)]
pub struct DisputeReport {
    /// Id.
    pub id: String,
    /// Name of the accused.
    pub accused: String,
    /// Name of the challenger.
    pub challenger: String,
    /// Name of the winner.
    pub winner: String,
    /// Moves of both sides.
    pub moves: u16,
    /// Bytes of the judging transaction.
    pub evidence_bytes: u64,
    /// Bytes of all moves.
    pub posted_bytes: u64,
    /// Microseconds that the referee took, all proofs and the signature checked.
    pub judge_us: Option<u64>,
    /// Round.
    pub round: u32,
    /// Slot; none for a base.
    pub slot: Option<u16>,
    /// Step, or the name of the unit.
    pub step: serde_json::Value,
    /// The op.
    pub op: Option<String>,
    /// The tensor.
    pub tensor: Option<String>,
    /// Index of the element in it.
    pub index: Option<Vec<u64>>,
    /// Link of the element's chain; none for element-wise ops.
    pub link: Option<u64>,
    /// What was claimed.
    pub claimed_bits: Option<String>,
    /// What is right.
    pub right_bits: Option<String>,
    /// Their distance in units in the last place.
    pub ulp_distance: Option<u64>,
    /// The dispute that proved the claim wrong first, where another one did.
    pub overtaken_by: Option<String>,
    /// Where the evidence is.
    pub evidence_file: Option<String>,
}

/// One slash.
#[derive(Clone, Debug, Serialize)]
pub struct SlashReport {
    /// Name of the peer.
    pub peer: String,
    /// Units of value.
    pub amount: u64,
    /// Why.
    pub reason: String,
    /// The part that went to somebody; the rest is burned.
    pub bounty: u64,
    /// To whom.
    pub bounty_to: Option<String>,
}
