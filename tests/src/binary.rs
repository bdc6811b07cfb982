//! The built `retrace`, and the independent judge, started as processes of their own: never linked, never waited for without end.

use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// What makes a missing or stale binary good.
const BUILD: &str = "cargo build -p retrace-node --locked";
/// Names the binary, where it is not the one beside the tests; no age is checked then.
const VARIABLE: &str = "RETRACE_BIN";
/// Longest run of a process that nobody gives more. One that takes longer is killed, and the test fails.
const PATIENCE: Duration = Duration::from_secs(240);
/// Longest wait for the rest of the output of a process that has ended.
const PIPE_PATIENCE: Duration = Duration::from_secs(10);

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

/// The binary with these arguments and none of the tester's own settings, to be started.
pub fn command<A: AsRef<str>>(arguments: &[A]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments.iter().map(AsRef::as_ref));
    let names = env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("RETRACE_")) {
        command.env_remove(name);
    }
    command
}

/// Runs the binary with these arguments.
#[track_caller]
pub fn retrace<A: AsRef<str>>(arguments: &[A]) -> Run {
    retrace_within(PATIENCE, arguments)
}

/// Runs the binary with these arguments, at most so long.
#[track_caller]
pub fn retrace_within<A: AsRef<str>>(patience: Duration, arguments: &[A]) -> Run {
    run(command(arguments), patience)
}

/// Runs the judge of `specs/judge`, which shares no code with the crates, on a file.
#[track_caller]
pub fn judge(file: &Path) -> Run {
    let script = workspace().join("specs/judge/judge.py");
    assert!(script.is_file(), "{} is missing: nobody judges beside the crates", script.display());
    let mut command = Command::new("python3");
    command.arg(script).arg(file).arg("--json");
    run(command, PATIENCE)
}

/// Runs a command to its end, or to the end of patience.
#[track_caller]
fn run(mut command: Command, patience: Duration) -> Run {
    let line = format!("{command:?}");
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| panic!("{line} does not start: {error}"));
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = wait(&mut child, patience);
    let [stdout, stderr] = [stdout, stderr].map(|pipe| {
        pipe.recv_timeout(PIPE_PATIENCE)
            .unwrap_or_else(|_| panic!("{line} ended, and its output is still open"))
    });
    let status = status.unwrap_or_else(|| {
        panic!("{line} took longer than {patience:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    });
    Run { line, code: status.code().unwrap_or(-1), stdout, stderr }
}

/// Reads a pipe on a thread, so that no process waits for us to read; a process left behind may hold it open.
fn drain(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (read, whole) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        drop(read.send(String::from_utf8_lossy(&bytes).into_owned()));
    });
    whole
}

/// The status of a child, or nothing where it had to be killed.
pub fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < patience {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("a child can be killed");
    child.wait().expect("a killed child ends");
    None
}
