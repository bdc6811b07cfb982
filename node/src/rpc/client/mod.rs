//! The other side of the door: typed calls, time-outs, and errors that say what to do (W-3.3).

mod calls;
mod error;
mod follow;

pub use error::ClientError;

use super::limits;
use super::refused::ErrorBody;
use serde::de::DeserializeOwned;
use std::time::Duration;
use ureq::http::uri::Authority;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// To connect.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// For one call, from its beginning to the last byte of its answer.
const CALL_PATIENCE: Duration = Duration::from_secs(20);
/// Without a byte of a blob or a stream: three signs of life.
const QUIET_PATIENCE: Duration = Duration::from_secs(30);

/// A node, as somebody outside of it sees it.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// A client of the node at a URL, such as `http://127.0.0.1:4180`; nothing is asked yet.
    pub fn new(url: &str) -> Result<Client, ClientError> {
        let with_scheme = if url.contains("://") { url.to_string() } else { format!("http://{url}") };
        let base = with_scheme.trim_end_matches('/').to_string();
        let authority = base.strip_prefix("http://").unwrap_or_default();
        let parsed: Option<Authority> = authority.parse().ok();
        // A port that does not read makes the library ask port 80.
        let is_right = parsed.is_some_and(|parsed| match authority.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => parsed.port_u16().is_some(),
            _ => true,
        });
        if !is_right {
            return Err(ClientError::Url { url: url.into() });
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_PATIENCE))
            .timeout_per_call(Some(CALL_PATIENCE))
            .user_agent(concat!("retrace/", env!("CARGO_PKG_VERSION")));
        Ok(Client { agent: config.build().into(), base })
    }

    /// The node's URL.
    pub fn url(&self) -> &str {
        &self.base
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// An answer in JSON.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let response = self.agent.get(self.at(path)).call();
        self.parsed(self.ok(response)?)
    }

    /// An answer in bytes, at most so many.
    pub fn get_bytes(&self, path: &str, limit: u64) -> Result<Vec<u8>, ClientError> {
        let call = self.agent.get(self.at(path)).config();
        let response = call.timeout_per_call(None).timeout_per_read(Some(QUIET_PATIENCE)).build().call();
        let body = self.ok(response)?.into_body();
        body.into_with_config().limit(limit).read_to_vec().map_err(|error| self.broken(error))
    }

    fn parsed<T: DeserializeOwned>(&self, response: Response<Body>) -> Result<T, ClientError> {
        let limit = limits::ANSWER_BYTES_MAX as u64;
        let bytes = response.into_body().into_with_config().limit(limit).read_to_vec();
        let bytes = bytes.map_err(|error| self.broken(error))?;
        serde_json::from_slice(&bytes).map_err(|error| self.foreign(error.to_string()))
    }

    /// The response, if it is a success; what the node says of it, if it is a refusal.
    fn ok(&self, response: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, ClientError> {
        let response = response.map_err(|error| self.broken(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let limit = limits::BODY_BYTES_MAX as u64;
        let bytes = response.into_body().into_with_config().limit(limit).read_to_vec().unwrap_or_default();
        match serde_json::from_slice::<ErrorBody>(&bytes) {
            Ok(body) if status == StatusCode::NOT_FOUND && body.error.name == "unknown" => {
                Err(ClientError::Unknown { message: body.error.message, hint: body.error.hint })
            }
            Ok(body) => {
                let (name, message, hint) = (body.error.name, body.error.message, body.error.hint);
                Err(ClientError::Refused { name, message, hint })
            }
            Err(_) => Err(self.foreign(format!("it answers with status {status}"))),
        }
    }

    fn foreign(&self, what: String) -> ClientError {
        ClientError::Foreign { url: self.base.clone(), what }
    }

    fn broken(&self, error: ureq::Error) -> ClientError {
        ClientError::of(&self.base, error)
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, ClientError};
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers one call with these bytes.
    fn once(answer: &'static str) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(answer.as_bytes()));
        });
        Client::new(&url).unwrap()
    }

    /// W-3.3: a node's refusal comes through by name, with its hint.
    #[test]
    fn refusals_keep_their_names() {
        let body = r#"{"error":{"name":"nonce_used","message":"m","hint":"h"}}"#;
        let answer = format!("HTTP/1.1 409 Conflict\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let error = once(answer.leak()).status().unwrap_err();
        assert!(matches!(&error, ClientError::Refused { name, .. } if name == "nonce_used"), "{error:?}");
        assert_eq!(miette::Diagnostic::help(&error).unwrap().to_string(), "h");
    }

    /// W-3.3: nobody there, somebody else there, and a URL that is none are three errors.
    #[test]
    fn what_is_there_is_said() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Client::new(&free.to_string()).unwrap().status().unwrap_err();
        assert!(matches!(error, ClientError::Nobody { .. }), "{error:?}");
        let error = once("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").status().unwrap_err();
        assert!(matches!(error, ClientError::Foreign { .. }), "{error:?}");
        let error = once("SSH-2.0-OpenSSH_10\r\n\r\n").status().unwrap_err();
        assert!(matches!(error, ClientError::Foreign { .. }), "{error:?}");
        for url in [
            "",
            "http://",
            "https://localhost",
            "http://localhost/v1",
            "file:///tmp",
            "127.0.0.1:1:2",
            "a:99999",
        ] {
            assert!(matches!(Client::new(url), Err(ClientError::Url { .. })), "{url}");
        }
    }
}
