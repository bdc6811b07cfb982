//! Processes of this machine: started, signaled, measured, found by what their command line names; Linux only.

use retrace_tests::binary;
use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Longest time that a node may take to end in order.
pub const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// Linux counts computing time in hundredths of a second.
const TICK_MS: u64 = 10;
/// How often something is looked at again.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until there is something to see.
#[track_caller]
pub fn wait_for<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(since.elapsed() < patience, "no {what} within {patience:?}");
        thread::sleep(PAUSE);
    }
}

/// Sends a signal by name, such as KILL. A process that is gone is no error.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).stderr(Stdio::null()).status();
    sent.expect("a shell can be started");
}

/// Processes whose command line names this folder or something in it. One that has ended is none.
pub fn running(folder: &Path) -> Vec<u32> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let names_it = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.windows(folder.len()).any(|window| window == folder)
    };
    let entries = fs::read_dir("/proc").expect("a Linux machine").filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != std::process::id()).filter(names_it).collect()
}

/// Asserts that nothing runs any more on this folder.
#[track_caller]
pub fn none_left(folder: &Path) {
    let left = running(folder);
    assert!(left.is_empty(), "processes left behind: {left:?}");
}

/// Resident memory of a process in KiB, shared pages included.
#[track_caller]
pub fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Milliseconds that a process has computed for.
#[track_caller]
pub fn cpu_ms(pid: u32) -> u64 {
    let said = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The name in parentheses may hold anything: fields are counted behind it.
    let fields: Vec<&str> = said.rsplit(')').next().expect("a line").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<u64>().expect("a number");
    (ticks(11) + ticks(12)) * TICK_MS
}

/// A process of a test's own; it is killed when the test is over, if it still runs.
pub struct Process {
    child: Child,
    line: String,
}

impl Process {
    /// Starts the binary; what it writes goes into a file.
    #[track_caller]
    pub fn start(arguments: &[&str], log: &Path) -> Process {
        let log = File::options().create(true).append(true).open(log).expect("a log can be written");
        let mut command = binary::command(arguments);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a handle")).stderr(log);
        let line = format!("{command:?}");
        let child = command.spawn().unwrap_or_else(|error| panic!("{line} does not start: {error}"));
        Process { child, line }
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end by this signal, and gives how long it took to end with status 0.
    #[track_caller]
    pub fn end(mut self, name: &str) -> Duration {
        let since = Instant::now();
        signal(self.pid(), name);
        // A little more than is allowed, so that the time is told.
        let status = binary::wait(&mut self.child, STOP_PATIENCE * 2);
        let status = status.unwrap_or_else(|| panic!("SIG{name} does not end {}", self.line));
        assert!(status.success(), "{} ended with {status}", self.line);
        assert!(since.elapsed() <= STOP_PATIENCE, "{} took {:?} to end", self.line, since.elapsed());
        since.elapsed()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended needs no signal.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
