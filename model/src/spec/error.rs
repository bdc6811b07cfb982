//! Why a run specification is refused, by name (M-6.1).

use super::ARITHMETIC_VERSION;

/// A run specification that this version refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Another version of the arithmetic.
    #[error("arithmetic version {found} is not {ARITHMETIC_VERSION}")]
    Version {
        /// The version named.
        found: u16,
    },
    /// A size is zero or above its limit.
    #[error("{field} is {found}, outside {low}..={high}")]
    Size {
        /// Which field.
        field: &'static str,
        /// Its value.
        found: u32,
        /// Smallest allowed.
        low: u32,
        /// Largest allowed.
        high: u32,
    },
    /// Heads do not divide the width.
    #[error("{heads} heads do not divide width {width}")]
    Heads {
        /// Heads named.
        heads: u32,
        /// Width named.
        width: u32,
    },
    /// Key and value heads do not divide the query heads.
    #[error("{key_value_heads} key and value heads do not divide {heads} heads")]
    KeyValueHeads {
        /// Key and value heads named.
        key_value_heads: u32,
        /// Query heads named.
        heads: u32,
    },
    /// Rotary positions turn pairs of lanes, so a head has an even number of them.
    #[error("a head of width {head} has no halves to rotate")]
    OddHead {
        /// Width of a head.
        head: u32,
    },
    /// Micro-batches of unequal size.
    #[error("accumulation {accumulation} does not divide batch {batch}")]
    Accumulation {
        /// Micro-batches named.
        accumulation: u32,
        /// Sequences named.
        batch: u32,
    },
    /// A head that is another matrix than the embedding cannot read it.
    #[error("this architecture's head cannot be tied to its embedding")]
    Tied,
    /// A product of sizes is above what one op, one reduction or one block may hold.
    #[error("{what} is {found}, at most {high} is allowed")]
    Volume {
        /// Which product.
        what: &'static str,
        /// Its value.
        found: u64,
        /// Largest allowed.
        high: u64,
    },
    /// A rate that is negative, infinite or NaN.
    #[error("{field} is not a finite number at or above zero")]
    Rate {
        /// Which field.
        field: &'static str,
    },
    /// A share that leaves nothing: a mean that never moves, or a layer that drops everything.
    #[error("{field} is not below one")]
    Share {
        /// Which field.
        field: &'static str,
    },
    /// Frequencies above one turn a position further than the functions are defined for.
    #[error("rope_base is below one")]
    RopeBase,
}
