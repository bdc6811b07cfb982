//! The floating-point unit's control register, which a foreign library may have left unfit for M-1.1.
//!
//! A library built with `-ffast-math` switches subnormals off for the thread that loads it, and threads started
//! from there inherit that. So a worker repairs its register when it starts ([`restore`]), and a caller's own
//! thread is lent the right one while it computes ([`with_default_control`]). WebAssembly has no such register.

use std::hint::black_box;

/// True where this thread's unit takes or gives zero for a subnormal: found by computing, so on any machine.
pub fn flushes_subnormals() -> bool {
    let (least, lowest) = (f32::MIN_POSITIVE, f32::from_bits(1));
    let singles = [black_box(least) * black_box(0.5), black_box(lowest) * black_box(2.0)];
    let (least, lowest) = (f64::MIN_POSITIVE, f64::from_bits(1));
    let doubles = [black_box(least) * black_box(0.5), black_box(lowest) * black_box(2.0)];
    // Bits and not `== 0`: a comparison may flush, too.
    let singles = singles.map(|x| black_box(x).to_bits());
    let doubles = doubles.map(|x| black_box(x).to_bits());
    singles != [1 << 22, 2] || doubles != [1 << 51, 2]
}

/// Gives this thread subnormals and rounding to nearest for good; true if it did not have them.
pub fn restore() -> bool {
    let before = register::read();
    if register::is_fit(before) {
        return false;
    }
    register::write(register::DEFAULT);
    true
}

/// Runs `work` with subnormals and rounding to nearest, and gives the caller its own setting back.
#[inline(always)]
pub fn with_default_control<R>(work: impl FnOnce() -> R) -> R {
    let before = register::read();
    if register::is_fit(before) {
        return work();
    }
    let _guard = PutBack(before);
    register::write(register::DEFAULT);
    apart(work)
}

/// A call that no instruction of `work` can be moved out of.
#[inline(never)]
fn apart<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Puts a setting back where the work ends, by a panic too.
struct PutBack(u64);

impl Drop for PutBack {
    fn drop(&mut self) {
        register::write(self.0);
    }
}

#[cfg(target_arch = "x86_64")]
mod register {
    use std::arch::asm;

    /// MXCSR: every exception masked, to nearest, no flushing.
    pub(super) const DEFAULT: u64 = 0x1F80;
    /// Flags that operations leave behind; they decide nothing.
    const FLAGS: u64 = 0x3F;

    pub(super) fn is_fit(value: u64) -> bool {
        value & !FLAGS == DEFAULT
    }

    pub(super) fn read() -> u64 {
        let mut value = 0_u32;
        // SAFETY: stores the register's four bytes into a variable of our own.
        unsafe { asm!("stmxcsr [{}]", in(reg) &mut value, options(nostack, preserves_flags)) };
        u64::from(value)
    }

    pub(super) fn write(value: u64) {
        let value = value as u32;
        // SAFETY: loads the default or a value that `read` gave, so that no reserved bit is set.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &value, options(nostack, preserves_flags)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod register {
    use std::arch::asm;

    /// FPCR: to nearest, no flushing, no traps, NaNs with payloads.
    pub(super) const DEFAULT: u64 = 0;

    pub(super) fn is_fit(value: u64) -> bool {
        value == DEFAULT
    }

    pub(super) fn read() -> u64 {
        let value;
        // SAFETY: reads a register that every program may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) value, options(nostack, preserves_flags)) };
        value
    }

    pub(super) fn write(value: u64) {
        // SAFETY: writes the default or a value that `read` gave.
        unsafe { asm!("msr fpcr, {}", in(reg) value, options(nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod register {
    /// Nothing to set here that we know of; `flushes_subnormals` tells whether that is a pity.
    pub(super) const DEFAULT: u64 = 0;

    pub(super) fn is_fit(_value: u64) -> bool {
        true
    }

    pub(super) fn read() -> u64 {
        DEFAULT
    }

    pub(super) fn write(_value: u64) {}
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::{flushes_subnormals, register, restore, with_default_control};

    #[cfg(target_arch = "x86_64")]
    mod bits {
        /// Zero for a subnormal result.
        pub(super) const FLUSH: u64 = 1 << 15;
        /// All ways to flush: results, operands, both.
        pub(super) const FLUSHING: [u64; 3] = [FLUSH, 1 << 6, FLUSH | 1 << 6];
        pub(super) const TOWARDS_ZERO: u64 = 3 << 13;
    }

    #[cfg(target_arch = "aarch64")]
    mod bits {
        /// Zero for subnormal results and operands.
        pub(super) const FLUSH: u64 = 1 << 24;
        /// All ways to flush.
        pub(super) const FLUSHING: [u64; 1] = [FLUSH];
        pub(super) const TOWARDS_ZERO: u64 = 3 << 22;
    }

    use bits::{FLUSH, FLUSHING, TOWARDS_ZERO};

    /// In a thread of its own, so that no other test sees the setting.
    fn with_control(value: u64, check: impl FnOnce() + Send + 'static) {
        let work = move || {
            register::write(value);
            check();
        };
        std::thread::spawn(work).join().expect("the check holds");
    }

    // M-1.1
    #[test]
    fn flushing_is_found_and_repaired() {
        assert!(!flushes_subnormals());
        for bits in FLUSHING {
            with_control(register::DEFAULT | bits, || {
                assert!(flushes_subnormals());
                assert!(restore());
                assert!(!flushes_subnormals());
                assert!(!restore());
            });
        }
    }

    // M-1.1
    #[test]
    fn a_caller_gets_its_own_setting_back() {
        let own = register::DEFAULT | FLUSH;
        with_control(own, move || {
            assert!(!with_default_control(flushes_subnormals));
            assert!(flushes_subnormals());
            let panicked = std::panic::catch_unwind(|| with_default_control(|| panic!("on purpose")));
            assert!(panicked.is_err());
            assert_eq!(register::read() & FLUSH, FLUSH);
        });
    }

    // M-1.1, M-6.2
    #[test]
    fn a_run_begins_alike_in_every_setting() {
        // A deviation so small that half of the parameters are subnormal.
        let mut spec = crate::selftest::golden_spec();
        spec.model.init_std = crate::spec::F32Bits(f32::MIN_POSITIVE.to_bits());
        let expected = crate::random::initial_parameters(&spec);
        for value in FLUSHING.into_iter().chain([TOWARDS_ZERO]) {
            let (spec, expected) = (spec, expected.clone());
            with_control(register::DEFAULT | value, move || {
                assert!(crate::random::initial_parameters(&spec) == expected, "{value:x}");
            });
        }
    }

    // M-1.1
    #[test]
    fn another_rounding_is_repaired() {
        let tie = || std::hint::black_box(1.0_f32) + std::hint::black_box(f32::EPSILON * 0.75);
        with_control(register::DEFAULT | TOWARDS_ZERO, move || {
            assert_eq!(tie().to_bits(), 0x3F80_0000);
            assert_eq!(with_default_control(tie).to_bits(), 0x3F80_0001);
        });
    }
}
