//! Grouped queries: keys and values copied to every head of their group, gradients summed back (M-4.6; Ainslie et al.
//! 2023).

use super::builder::{Builder, Draft, Value};
use super::row::Range;
use crate::op::Kind;

const ONE: u32 = 0x3F80_0000;

/// How heads share keys and values.
#[derive(Clone, Copy)]
pub(crate) struct Groups {
    pub tokens: u32,
    /// Key and value heads: groups of query heads.
    pub count: u32,
    /// Query heads of a group.
    pub members: u32,
    /// Width of a head.
    pub head: u32,
}

impl Groups {
    /// Width of a row of all groups.
    pub fn shared(&self) -> u32 {
        self.count * self.head
    }

    /// Each group's lanes, copied to every head of the group; nothing to do where every head is a group.
    pub fn expand(&self, b: &mut Builder, x: Value) -> Value {
        if self.members == 1 {
            return x;
        }
        let shape = [self.tokens, self.count, self.members, self.head];
        let operand = x.view([u64::from(self.shared()), u64::from(self.head), 0, 1], 0);
        b.trace(Draft::new(Kind::Scale, shape, vec![operand]).scalars(&[ONE]))
    }

    /// The gradient of [`Groups::expand`]: a chain over the heads of a group, ascending.
    pub fn collect(&self, b: &mut Builder, dy: Value) -> Value {
        if self.members == 1 {
            return dy;
        }
        let head = u64::from(self.head);
        let group = head * u64::from(self.members);
        let operand = dy.view([0, group * u64::from(self.count), group, 1], head);
        let shape = [1, self.tokens, self.count, self.head];
        b.trace(Draft::new(Kind::ColumnSum, shape, vec![operand]).terms(self.members, Range::Full))
    }
}
