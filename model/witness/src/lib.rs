//! The engine on other machines: golden runs and published vectors as calls that JavaScript can make.
//!
//! ```text
//! reserve(n) -> where n bytes of input go
//! names() golden(which) expected(which) backends() -> where a text begins, its bytes counted by length()
//! vector(n) -> 0 when the n bytes of input cannot be read, 1 when all backends agree, 2 when one differs
//! ```
//! A vector's bytes are borsh: the row, the list of its leaves' words, the output's words.

mod vectors;

pub use vectors::{Vector, Verdict, check};

use retrace_model::selftest::{Golden, goldens};
use retrace_model::{Backend, Engine};
use std::sync::{Mutex, MutexGuard, PoisonError};

static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static RESULT: Mutex<String> = Mutex::new(String::new());

fn locked<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps `text` until the next call, and says where it is.
fn answer(text: String) -> *const u8 {
    let mut result = locked(&RESULT);
    *result = text;
    result.as_ptr()
}

fn of_golden(which: u32, what: impl Fn(&Golden) -> String) -> *const u8 {
    answer(goldens().get(which as usize).map(what).unwrap_or_default())
}

/// The fastest engine that needs no second thread.
pub fn engine() -> Engine {
    Engine { backend: Backend::best(), threads: 1 }
}

/// The backends of this machine, slowest first, with blanks between.
pub fn backend_names() -> String {
    Backend::available().iter().map(|backend| backend.name()).collect::<Vec<_>>().join(" ")
}

/// Where the last answer begins.
#[unsafe(no_mangle)]
pub extern "C" fn last() -> *const u8 {
    locked(&RESULT).as_ptr()
}

/// Bytes of the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn length() -> usize {
    locked(&RESULT).len()
}

/// Room for `bytes` bytes of input; what was there is gone.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(bytes: usize) -> *mut u8 {
    let mut input = locked(&INPUT);
    input.clear();
    input.resize(bytes, 0);
    input.as_mut_ptr()
}

/// The golden runs' names, with blanks between.
#[unsafe(no_mangle)]
pub extern "C" fn names() -> *const u8 {
    answer(goldens().map(|golden| golden.name).join(" "))
}

/// Takes a golden run's steps: 64 hexadecimal digits, or nothing when there is no such run.
#[unsafe(no_mangle)]
pub extern "C" fn golden(which: u32) -> *const u8 {
    of_golden(which, |golden| golden.hash_with(&engine()))
}

/// The digits that a golden run must give.
#[unsafe(no_mangle)]
pub extern "C" fn expected(which: u32) -> *const u8 {
    of_golden(which, |golden| golden.hash.to_owned())
}

/// The backends of this machine, slowest first, with blanks between.
#[unsafe(no_mangle)]
pub extern "C" fn backends() -> *const u8 {
    answer(backend_names())
}

/// Checks the vector in the input on every backend; where one differs, the answer says which.
#[unsafe(no_mangle)]
pub extern "C" fn vector(bytes: usize) -> u32 {
    let verdict = {
        let input = locked(&INPUT);
        input.get(..bytes).and_then(|bytes| borsh::from_slice(bytes).ok()).map(|vector| check(&vector))
    };
    match verdict {
        None => 0,
        Some(Verdict::Same) => 1,
        Some(Verdict::Differs(why)) => {
            answer(why);
            2
        }
    }
}
