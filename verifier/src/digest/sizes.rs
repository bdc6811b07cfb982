//! What paths and openings cost, as pure functions of a tree's size (V-2.3).

use super::node::group_size;
use super::{CHUNK_BYTES, path};

/// Bytes of a path's encoding beside its siblings: their count.
const PATH_HEAD_BYTES: u64 = 4;
/// Bytes of a sibling.
const SIBLING_BYTES: u64 = 32;

/// The siblings that a path from unit `index` of `units` has; 0 for a unit that does not exist (V-2.3).
pub fn path_siblings_at(units: u64, index: u64) -> u32 {
    if index >= units {
        return 0;
    }
    path::steps(units, index).map(|step| u32::from(step.sibling().is_some())).sum()
}

/// The most siblings that a path in a tree of `units` has: the depth, which unit 0 always reaches (V-2.3).
pub fn path_siblings(units: u64) -> u32 {
    path_siblings_at(units, 0)
}

/// The most bytes that the encoding of a path in a tensor of `len_bytes` takes (V-2.3).
pub fn tensor_path_bytes(len_bytes: u64) -> u64 {
    list_path_bytes(len_bytes.div_ceil(CHUNK_BYTES))
}

/// The most bytes that the encoding of a path in a list of `count` leaves takes (V-2.3).
pub fn list_path_bytes(count: u64) -> u64 {
    PATH_HEAD_BYTES + SIBLING_BYTES * u64::from(path_siblings(count))
}

/// The most openings between the root of a tree of `units` and a single unit (V-2.3).
pub fn openings(units: u64) -> u32 {
    std::iter::successors(Some(units), |&count| Some(group_size(count)))
        .take_while(|&count| count > 1)
        .map(|_| 1u32)
        .sum()
}
