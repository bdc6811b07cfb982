//! Why a call did not work, in words that say what to do.

use miette::Diagnostic;
use std::io;
use ureq::Timeout;

/// A call that did not work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ClientError {
    /// Not the URL of a node.
    #[error("{url:?} is not the URL of a node's RPC")]
    #[diagnostic(help(
        "write it like http://127.0.0.1:4180; encryption is the work of a proxy before the node"
    ))]
    Url {
        /// What was given.
        url: String,
    },
    /// Nobody listens.
    #[error("nobody listens at {url}: {source}")]
    #[diagnostic(help(
        "is the node running? `retrace start` prints its RPC address, devnet.json has those of a devnet"
    ))]
    Nobody {
        /// The node.
        url: String,
        /// Why not.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{url} did not answer in time")]
    #[diagnostic(help("the node may be busy or paused: try again, or ask another one with --rpc"))]
    TimedOut {
        /// The node.
        url: String,
    },
    /// There is no such thing on this node.
    #[error("{message}")]
    #[diagnostic(help("{hint}"))]
    Unknown {
        /// What the node says.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The node refuses.
    #[error("the node refuses: {message} ({name})")]
    #[diagnostic(help("{hint}"))]
    Refused {
        /// The refusal's name.
        name: String,
        /// What the node says.
        message: String,
        /// What to do.
        hint: String,
    },
    /// Somebody else listens there.
    #[error("{url} does not answer like a node of this version: {what}")]
    #[diagnostic(help("something else may listen there, or a node of another version: check the address"))]
    Foreign {
        /// Who was asked.
        url: String,
        /// What is wrong with the answer.
        what: String,
    },
    /// A node of another network.
    #[error("{url} is a node of network {found}, not of {expected}")]
    #[diagnostic(help("name a node of the right network with --rpc"))]
    OtherNetwork {
        /// The node.
        url: String,
        /// The network that was expected.
        expected: String,
        /// The node's.
        found: String,
    },
    /// The connection broke.
    #[error("the connection to {url} broke: {source}")]
    #[diagnostic(help("the node may have stopped: see its log, then try again"))]
    Broken {
        /// The node.
        url: String,
        /// How.
        source: io::Error,
    },
}

impl ClientError {
    /// What an error of the HTTP library means.
    pub(super) fn of(url: &str, error: ureq::Error) -> ClientError {
        let url = url.to_string();
        match error {
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                ClientError::Nobody { url, source: io::ErrorKind::TimedOut.into() }
            }
            ureq::Error::Timeout(_) => ClientError::TimedOut { url },
            ureq::Error::HostNotFound => {
                ClientError::Nobody { url, source: io::Error::other("there is no such host") }
            }
            ureq::Error::ConnectionFailed => {
                ClientError::Nobody { url, source: io::ErrorKind::ConnectionRefused.into() }
            }
            ureq::Error::Io(source) => ClientError::of_io(url, source),
            other => ClientError::Foreign { url, what: other.to_string() },
        }
    }

    /// What an error of the socket means.
    pub(super) fn of_io(url: String, source: io::Error) -> ClientError {
        use io::ErrorKind as Kind;
        match source.kind() {
            Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::AddrNotAvailable => ClientError::Nobody { url, source },
            Kind::TimedOut | Kind::WouldBlock => ClientError::TimedOut { url },
            _ => ClientError::Broken { url, source },
        }
    }
}
