//! Memory for packed operands, one piece a thread, kept from row to row: what it holds never outlives a row.

use std::cell::RefCell;

/// A cache line; vectors that start on one are loaded whole.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct CacheLine([f32; 16]);

/// A growing piece of memory.
#[derive(Default)]
pub(super) struct Scratch(Vec<CacheLine>);

impl Scratch {
    /// At least `length` elements, holding anything.
    pub fn take(&mut self, length: usize) -> *mut f32 {
        let lines = length.div_ceil(16);
        if self.0.len() < lines {
            self.0.resize(lines, CacheLine([0.0; 16]));
        }
        self.0.as_mut_ptr().cast()
    }
}

thread_local! {
    static OPERAND_A: RefCell<Scratch> = RefCell::default();
    static OPERAND_B: RefCell<Scratch> = RefCell::default();
    static HEAD: RefCell<Scratch> = RefCell::default();
}

/// This thread's memory for a strip of operand a.
pub(super) fn with_strip<T>(length: usize, f: impl FnOnce(*mut f32) -> T) -> T {
    OPERAND_A.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => f(scratch.take(length)),
        Err(_) => f(Scratch::default().take(length)),
    })
}

/// This thread's memory for panels of operand b.
pub(super) fn with_panels<T>(length: usize, f: impl FnOnce(*mut f32) -> T) -> T {
    OPERAND_B.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => f(scratch.take(length)),
        Err(_) => f(Scratch::default().take(length)),
    })
}

/// This thread's memory for one head of an attention: a piece for each length.
pub(super) fn with_head<const N: usize>(lengths: [usize; N], f: impl FnOnce([*mut f32; N])) {
    let lengths = lengths.map(|length| length.next_multiple_of(16));
    let total = lengths.iter().sum();
    let cut = |base: *mut f32| {
        let mut next = base;
        lengths.map(|length| {
            let piece = next;
            next = next.wrapping_add(length);
            piece
        })
    };
    HEAD.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => f(cut(scratch.take(total))),
        Err(_) => f(cut(Scratch::default().take(total))),
    });
}
