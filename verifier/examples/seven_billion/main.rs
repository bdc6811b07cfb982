//! What a dispute costs at seven billion parameters, played with real digests over whole operands (V-3.6, V-4.1).

#![allow(clippy::disallowed_methods, reason = "an example looks at the clock")]

mod sizes;

use retrace_model::program::step_program;
use retrace_verifier::evidence::judge;
use retrace_verifier::game::Side;
use retrace_verifier::lab::LabError;
use retrace_verifier::scale::{Played, ROWS, RowName, Scene, SceneError, Sources, choose, play};
use serde_json::{Value, json};
use sizes::{Size, sizes};
use std::num::NonZero;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
usage: seven_billion [--quick] [--threads N] [--json]
  plays one dispute over each of ten ops of a step, from a toy to 4096 x 11008 with a vocabulary of 131,072 and steps of
  2,048 and 32,768 tokens: every operand is hashed whole (logits of 32,768 tokens are 16 GiB) and none is kept
  --quick      up to 100 million parameters: seconds
  --threads N  that hash (all cores)
  --json       an object a dispute, and one of the bounds at the end
example: seven_billion --quick
exit 0: every lie is convicted by a bundle that is proven, within the bounds; 1: not; 2: usage";

/// Most bytes of a judging transaction (V-3.6).
const JUDGING_BYTES_MAX: u64 = 8_192;
/// Most bytes of all moves of a dispute.
const POSTED_BYTES_MAX: u64 = 131_072;
/// Most moves of a side (V-4.1).
const MOVES_MAX: u16 = 13;
/// Times that a judgment is repeated; the fastest counts.
const JUDGMENTS: usize = 50;

struct Options {
    quick: bool,
    json: bool,
    threads: usize,
}

fn options() -> Option<Options> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut options = Options { quick: false, json: false, threads };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--json" => options.json = true,
            "--threads" => options.threads = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
            _ => return None,
        }
    }
    Some(options)
}

/// One line of the table.
struct Line {
    size: &'static str,
    tokens: u32,
    name: RowName,
    shape: [u32; 4],
    terms: u32,
    tensor_bytes: u64,
    played: Played,
    judge_micros: f64,
    is_proven: bool,
    seconds: f64,
}

impl Line {
    fn keeps_bounds(&self) -> bool {
        let p = &self.played;
        let moves = p.moves.iter().all(|moves| *moves <= MOVES_MAX);
        let bytes = p.judging_bytes() <= JUDGING_BYTES_MAX && p.posted_bytes <= POSTED_BYTES_MAX;
        self.is_proven && p.outcome.winner == Side::Challenger && bytes && moves
    }

    fn bundle_bytes(&self) -> usize {
        borsh::object_length(&self.played.bundle).unwrap_or(usize::MAX)
    }

    fn print(&self) {
        let (p, shape) = (&self.played, self.shape.map(|d| d.to_string()).join(" x "));
        println!(
            "{:<6} {:>6}  {:<20} {:<2}  {:>26} {:>7} {:>6.2} {:>3} {:>3} {:>7} {:>7} {:>7} {:>7.0} {:>6.1}{}",
            self.size,
            self.tokens,
            self.name.name(),
            self.name.layout(),
            shape,
            self.terms,
            self.tensor_bytes as f64 / (1u64 << 30) as f64,
            p.moves[0],
            p.moves[1],
            p.posted_bytes,
            p.judging_bytes(),
            self.bundle_bytes(),
            self.judge_micros,
            self.seconds,
            if self.keeps_bounds() { "" } else { "  BROKEN" }
        );
    }

    fn json(&self) -> Value {
        let p = &self.played;
        json!({
            "size": self.size, "tokens": self.tokens, "op": self.name.name(),
            "layout": self.name.layout().to_string(), "shape": self.shape, "terms": self.terms,
            "tensor_bytes": self.tensor_bytes, "moves_accused": p.moves[0], "moves_challenger": p.moves[1],
            "posted_bytes": p.posted_bytes, "judging_bytes": p.judging_bytes(),
            "bundle_bytes": self.bundle_bytes(), "judge_micros": self.judge_micros, "proven": self.is_proven,
            "seconds": self.seconds, "bounds_kept": self.keeps_bounds(),
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0} has no such row")]
    Missing(&'static str),
    #[error("{0}")]
    Scene(#[from] SceneError),
    #[error("{0}")]
    Play(#[from] LabError),
}

/// The last move alone, signature and all: microseconds.
fn judge_micros(played: &Played) -> f64 {
    let (game, last) = &played.judging;
    let timing = |_| {
        let mut game = game.clone();
        let start = Instant::now();
        let answer = game.play(last);
        assert!(answer.is_ok() && game.outcome().is_some());
        start.elapsed().as_secs_f64() * 1e6
    };
    (0..JUDGMENTS).map(timing).fold(f64::INFINITY, |least, t| if t < least { t } else { least })
}

fn lines(size: &Size, options: &Options) -> Result<Vec<Line>, Failure> {
    let (spec, program) = (&size.spec, step_program(&size.spec));
    let mut sources = Sources::new();
    let mut lines = Vec::new();
    for name in ROWS {
        let start = Instant::now();
        let at = choose(spec, &program, name).ok_or(Failure::Missing(name.name()))?;
        let scene = Scene::new(spec, &program, at, &mut sources, options.threads)?;
        let played = play(&scene)?;
        let seconds = start.elapsed().as_secs_f64();
        let line = Line {
            size: size.name,
            tokens: spec.batch * spec.model.context,
            name,
            shape: scene.row().shape,
            terms: scene.row().terms,
            tensor_bytes: scene.tensor_bytes(),
            judge_micros: judge_micros(&played),
            is_proven: judge(&played.bundle).is_ok(),
            played,
            seconds,
        };
        if options.json {
            println!("{}", line.json());
        } else {
            line.print();
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The most memory that this process has held, in MiB; none where the system does not say.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn summary(all: &[Line], seconds: f64, options: &Options) {
    let largest = |of: &dyn Fn(&Line) -> u64| all.iter().map(of).max().unwrap_or(0);
    let posted = largest(&|line| line.played.posted_bytes);
    let judging = largest(&|line| line.played.judging_bytes());
    let bundle = largest(&|line| line.bundle_bytes() as u64);
    let kept = all.iter().all(Line::keeps_bounds);
    if options.json {
        let object = json!({
            "disputes": all.len(), "bounds_kept": kept, "posted_bytes_max": posted,
            "judging_bytes_max": judging, "bundle_bytes_max": bundle, "peak_mib": peak_mib(), "seconds": seconds,
        });
        println!("{object}");
        return;
    }
    let memory = peak_mib().map_or_else(String::new, |mib| format!(", {mib} MiB of memory at most"));
    println!(
        "{} disputes, {seconds:.0} s{memory}: at most {posted} of {POSTED_BYTES_MAX} bytes posted, {judging} of \
         {JUDGING_BYTES_MAX} in a judging transaction, {bundle} in a bundle: {}",
        all.len(),
        if kept { "all proven, all within bounds" } else { "BROKEN" }
    );
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if !options.json {
        println!(
            "{:<6} {:>6}  {:<20} {:<2}  {:>26} {:>7} {:>6} {:>3} {:>3} {:>7} {:>7} {:>7} {:>7} {:>6}",
            "size",
            "tokens",
            "op",
            "",
            "shape",
            "terms",
            "GiB",
            "acc",
            "cha",
            "posted",
            "judging",
            "bundle",
            "us",
            "s"
        );
    }
    let start = Instant::now();
    let mut all = Vec::new();
    for size in sizes(options.quick) {
        match lines(&size, &options) {
            Ok(found) => all.extend(found),
            Err(failure) => {
                eprintln!("error: {}: {failure}", size.name);
                return ExitCode::FAILURE;
            }
        }
    }
    summary(&all, start.elapsed().as_secs_f64(), &options);
    ExitCode::from(u8::from(!all.iter().all(Line::keeps_bounds)))
}
