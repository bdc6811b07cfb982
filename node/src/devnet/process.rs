//! One node as an operating-system process of its own.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Bytes at the end of a log that are looked at for its last lines.
const TAIL_BYTES: u64 = 4096;
/// Last lines that are shown of a process that ended unexpectedly.
const TAIL_LINES: usize = 8;

/// A running node.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// It was stopped by SIGSTOP.
    pub paused: bool,
    /// It was asked or made to end.
    pub ending: bool,
    /// It is started again once it has ended.
    pub again: bool,
}

impl Process {
    /// Starts `retrace start` on a home. The node reads its configuration and nothing of this process's environment
    /// that would go before it; it ends by itself when this process does, since its standard input then closes.
    pub fn start(executable: &Path, home: &Path, log: &Path) -> io::Result<Process> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(executable);
        command.arg("start").arg("--home").arg(home);
        for (name, _) in std::env::vars_os() {
            let is_ours = name.to_string_lossy().starts_with("RETRACE_");
            if is_ours && name != "RETRACE_LOG" {
                command.env_remove(name);
            }
        }
        command.env("RETRACE_ATTACHED", "1").env("NO_COLOR", "1");
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C reaches the supervisor alone, which then stops everybody in order.
        command.process_group(0);
        let child = command.spawn()?;
        Ok(Process { child, paused: false, ending: false, again: false })
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends it in order; a paused one goes on first, or it would never hear.
    pub fn stop(&mut self) -> io::Result<()> {
        self.ending = true;
        self.signal(Signal::TERM)?;
        self.resume()
    }

    /// Ends it at once.
    pub fn kill(&mut self) -> io::Result<()> {
        self.ending = true;
        self.signal(Signal::KILL)
    }

    /// Makes it stand still.
    pub fn pause(&mut self) -> io::Result<()> {
        self.paused = true;
        self.signal(Signal::STOP)
    }

    /// Makes it go on.
    pub fn resume(&mut self) -> io::Result<()> {
        self.paused = false;
        self.signal(Signal::CONT)
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        // Until it is waited for, its id is nobody else's.
        signal_process(self.child.id(), signal)
    }
}

/// Sends a signal; a process that is gone is no error.
pub fn signal_process(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    match kill_process(pid, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        other => Ok(other?),
    }
}

/// True when the process with this id was started on this home: an id that was given to somebody else is not ours.
pub fn is_ours(pid: u32, home: &Path) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut arguments = line.split(|b| *b == 0);
    arguments.any(|argument| argument == home.as_os_str().as_encoded_bytes())
}

/// How a process ended, in words.
pub fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "for no known reason".into(),
    }
}

/// The last lines of a log, indented.
pub fn tail(log: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        file.take(TAIL_BYTES).read_to_end(&mut bytes)
    });
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    match read {
        Ok(_) if !last.is_empty() => last.iter().map(|line| format!("  | {line}\n")).collect(),
        _ => "  | it left no log\n".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Process, ending, is_ours, tail};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::{Duration, Instant};

    /// A program that takes any arguments, says one line and stays.
    fn stays(folder: &Path) -> Process {
        let (program, log) = (folder.join("stays"), folder.join("log"));
        std::fs::write(&program, "#!/bin/sh\necho \"$1 $2 $3\"\nexec sleep 60\n").unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let process = Process::start(&program, Path::new("/the/home"), &log).unwrap();
        until(|| tail(&log).contains("start --home /the/home"));
        process
    }

    fn until(mut is_so: impl FnMut() -> bool) {
        let since = Instant::now();
        while !is_so() {
            assert!(since.elapsed() < Duration::from_secs(10), "it never happens");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn state(process: &Process) -> char {
        let line = std::fs::read_to_string(format!("/proc/{}/stat", process.pid())).unwrap();
        line.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    }

    #[test]
    fn a_process_stands_still_goes_on_and_ends_even_when_it_stood_still() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = stays(folder.path());
        process.pause().unwrap();
        until(|| state(&process) == 'T');
        process.resume().unwrap();
        until(|| state(&process) == 'S');
        assert_eq!(process.ended().unwrap(), None);
        process.pause().unwrap();
        process.stop().unwrap();
        assert_eq!(ending(process.wait().unwrap()), "killed by signal 15");
        let mut other = stays(folder.path());
        other.kill().unwrap();
        assert_eq!(ending(other.wait().unwrap()), "killed by signal 9");
    }

    #[test]
    fn the_last_lines_of_a_log_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        assert_eq!(tail(&log), "  | it left no log\n");
        let text: String = (0..5_000).map(|n| format!("line {n}\n\n")).collect();
        std::fs::write(&log, text).unwrap();
        let shown = tail(&log);
        assert_eq!(shown.lines().count(), 8);
        assert!(shown.starts_with("  | line 4992\n") && shown.ends_with("  | line 4999\n"));
    }

    #[test]
    fn a_process_that_was_not_started_on_the_home_is_not_ours() {
        assert!(!is_ours(std::process::id(), Path::new("/tmp/no-devnet")));
        assert!(!is_ours(u32::MAX, Path::new("/tmp/no-devnet")));
    }
}
