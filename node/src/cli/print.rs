//! Standard output that survives a reader who has read enough.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Prints one line. Where the reader is gone there is nobody left to answer to: the process ends quietly.
pub fn line(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        std::process::exit(i32::from(error.kind() != ErrorKind::BrokenPipe));
    }
}

/// [`println!`] through [`line`].
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::print::line(format_args!($($text)*))
    };
}

pub(crate) use say;
