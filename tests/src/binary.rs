//! The built `retrace`, and the independent judge, started as processes of their own: never linked, never waited for without end.

use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

/// What makes a missing or stale binary good.
const BUILD: &str = "cargo build -p retrace-node --locked";
/// Names the binary, where it is not the one beside the tests; no age is checked then.
const VARIABLE: &str = "RETRACE_BIN";
/// Longest run of any process. One that takes longer is killed, and the test fails.
const PATIENCE: Duration = Duration::from_secs(240);

/// A process that ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// The command line, for failures.
    pub line: String,
    /// Exit status.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Passes a run on if it ended with this status, and panics with all it printed if not.
    #[track_caller]
    pub fn exits(self, code: i32) -> Run {
        assert_eq!(self.code, code, "exit status of {self}");
        assert!(!self.stderr.contains("panicked"), "a panic in {self}");
        self
    }

    /// The last line of standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last)
            .unwrap_or_else(|error| panic!("{error}: no JSON in the last line of {self}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Run { line, code, stdout, stderr } = self;
        write!(f, "`{line}`, status {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// Root of the workspace.
pub fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate lies in the workspace")
}

/// The binary; one that is missing or older than the node's sources is a failure, never a skip.
pub fn binary() -> PathBuf {
    if let Some(named) = env::var_os(VARIABLE) {
        let path = PathBuf::from(named);
        assert!(path.is_file(), "{VARIABLE} names no file: {}; run `{BUILD}`", path.display());
        return path;
    }
    let executable = env::current_exe().expect("a test knows where it is");
    let profile = executable.parent().and_then(Path::parent).expect("a test lies in deps");
    let path = profile.join(format!("retrace{}", env::consts::EXE_SUFFIX));
    let built = fs::metadata(&path).and_then(|file| file.modified());
    let built = built.unwrap_or_else(|error| panic!("{}: {error}; run `{BUILD}`", path.display()));
    let (changed, newest) = newest(&workspace().join("node/src")).expect("the node has sources");
    assert!(built >= changed, "{} is older than {}; run `{BUILD}`", path.display(), newest.display());
    path
}

/// The file below a folder that changed last.
fn newest(folder: &Path) -> Option<(SystemTime, PathBuf)> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let files = entries.filter_map(|entry| {
        let path = entry.path();
        if path.is_dir() { newest(&path) } else { Some((entry.metadata().ok()?.modified().ok()?, path)) }
    });
    files.max()
}

/// Runs the binary with these arguments.
#[track_caller]
pub fn retrace<A: AsRef<str>>(arguments: &[A]) -> Run {
    let mut command = Command::new(binary());
    command.args(arguments.iter().map(AsRef::as_ref));
    command.env_remove("RETRACE_HOME").env_remove("RETRACE_BACKEND");
    run(command)
}

/// Runs the judge of `specs/judge`, which shares no code with the crates, on a file.
#[track_caller]
pub fn judge(file: &Path) -> Run {
    let script = workspace().join("specs/judge/judge.py");
    assert!(script.is_file(), "{} is missing: nobody judges beside the crates", script.display());
    let mut command = Command::new("python3");
    command.arg(script).arg(file).arg("--json");
    run(command)
}

/// Runs a command to its end, or to the end of patience.
#[track_caller]
fn run(mut command: Command) -> Run {
    let line = format!("{command:?}");
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| panic!("{line} does not start: {error}"));
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = wait(&mut child);
    let [stdout, stderr] = [stdout, stderr].map(|pipe| pipe.join().expect("a pipe is read to its end"));
    let status = status.unwrap_or_else(|| {
        panic!("{line} took longer than {PATIENCE:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    });
    Run { line, code: status.code().unwrap_or(-1), stdout, stderr }
}

/// Reads a pipe on a thread, so that no process waits for us to read.
fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The status of a child, or nothing where it had to be killed.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("a child can be killed");
    child.wait().expect("a killed child ends");
    None
}
