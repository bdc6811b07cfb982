//! The options that measuring workers share: `--threads N --backend NAME`.

use retrace_model::{Backend, Engine};

/// The value that follows `name` on the command line.
pub fn value(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}

/// The engine that the command line asks for; by default one thread of the best backend.
pub fn engine() -> Engine {
    let threads = value("--threads").map_or(1, |n| n.parse().expect("--threads takes a number"));
    let backend = value("--backend").map_or(Backend::best(), |b| b.parse().unwrap_or_else(|e| panic!("{e}")));
    Engine { backend, threads }
}
