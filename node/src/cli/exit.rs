//! Exit statuses, and failures with the status that they deserve.

use miette::Diagnostic;
use std::process::ExitCode;

/// How a command that ran ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Yes: status 0.
    Yes,
    /// No: status 1.
    No,
    /// The input cannot be read: status 2.
    Unreadable,
    /// Nothing was judged, since nobody was named whose word decides: status 3.
    NotJudged,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A command that could not do its work.
#[derive(Debug)]
pub struct Failure {
    report: Box<dyn Diagnostic + Send + Sync>,
    exit: Exit,
}

impl Failure {
    /// The input or the usage is wrong: status 2.
    pub fn input(report: impl Diagnostic + Send + Sync + 'static) -> Failure {
        Failure { report: Box::new(report), exit: Exit::Unreadable }
    }

    /// The work failed: status 1.
    pub fn work(report: impl Diagnostic + Send + Sync + 'static) -> Failure {
        Failure { report: Box::new(report), exit: Exit::No }
    }

    /// Prints the error with its hint and gives the status.
    pub fn report(self) -> ExitCode {
        eprintln!("error: {}", self.report);
        if let Some(hint) = self.report.help() {
            eprintln!("hint: {hint}");
        }
        self.exit.into()
    }
}
