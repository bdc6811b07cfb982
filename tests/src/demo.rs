//! What a demo says of itself, in whichever form it runs.

/// What the last line of `retrace demo --json` promises to hold.
pub const KEYS: [&str; 18] = [
    "network",
    "height",
    "rounds",
    "steps",
    "tokens",
    "loss_first",
    "loss_last",
    "unigram_bits_per_byte",
    "commitments",
    "audits",
    "audit_rate",
    "escape_probability",
    "disputes",
    "slashed",
    "honest_slashed",
    "evidence_file",
    "checkpoint_root",
    "home",
];
