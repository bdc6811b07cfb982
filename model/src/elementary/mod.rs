//! Elementary functions as fixed sequences of IEEE-754 operations, one file each (M-2.1 to M-2.8).
//!
//! Each is generic over [`crate::arithmetic`]'s traits, so the kernels and the referee run one text. `exp` and
//! `tanh`, which a step takes for every score and every activation, are binary32 throughout; the steps of the
//! others are in binary64, and a result that is binary32 is rounded once. No step is a table look-up, and a choice
//! is a select between two computed values, so that a compiler can vectorize a loop over elements.

mod cos;
mod erf;
mod exp;
mod exp64;
mod integer;
mod ln;
mod polynomial;
mod sine;
mod tanh;

pub use self::cos::cos_pi_half_turn;
pub use self::erf::erf;
pub use self::exp::exp;
pub use self::exp64::exp64;
pub use self::integer::{from_u32_exact, powi};
pub use self::ln::ln;
pub(crate) use self::ln::ln64;
pub use self::sine::{cos, sin};
pub use self::tanh::tanh;
