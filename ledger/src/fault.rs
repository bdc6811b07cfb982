//! Faults: what stops this node and never changes state (L-1.4).

/// A broken store or a broken invariant. It is nobody's transaction, and consensus never sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Stored bytes that do not decode, or a row that must be there and is not.
    #[error("the store is corrupt at table {table}")]
    Corrupt {
        /// Tag of the table.
        table: u8,
    },
    /// The state tree could not be read or written.
    #[error("the state tree is broken: {what}")]
    Tree {
        /// What the tree says.
        what: String,
    },
    /// The store's body failed.
    #[error("the store failed: {what}")]
    Store {
        /// What the body says.
        what: String,
    },
    /// Value that must be there is missing, or a sum passes 64 bits.
    #[error("the sums of value do not hold")]
    Funds,
    /// A rule met a state that the rules before it exclude.
    #[error("rule {rule} met a state that cannot be")]
    Rule {
        /// The rule's id.
        rule: &'static str,
    },
}
