//! HTTP as little as a node's interface needs: one request a connection, whole answers, nothing waited for without end.

use serde_json::Value;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Longest wait for a connection, and between two bytes.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// What a node answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: no JSON in {}", self.text()))
    }

    /// The name of a refusal.
    #[track_caller]
    pub fn refusal(&self) -> String {
        let said = self.json();
        let word = |key: &str| said["error"][key].as_str().filter(|word| !word.is_empty()).map(String::from);
        assert!(word("message").is_some() && word("hint").is_some(), "a refusal in words: {said}");
        word("name").unwrap_or_else(|| panic!("a refusal has a name: {said}"))
    }
}

/// Asks for something.
pub fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    request(address, &format!("GET {path} HTTP/1.1\r\n"), &[])
}

/// Sends bytes.
pub fn post(address: SocketAddr, path: &str, body: &[u8]) -> io::Result<Answer> {
    let head = format!("POST {path} HTTP/1.1\r\ncontent-type: application/octet-stream\r\n");
    request(address, &format!("{head}content-length: {}\r\n", body.len()), body)
}

fn request(address: SocketAddr, head: &str, body: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = format!("{head}host: {address}\r\nconnection: close\r\n\r\n");
    // A node that has heard enough answers and hangs up while we still write: what it says counts.
    let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut bytes = Vec::new();
    let read = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes);
    parse(&bytes).map_or_else(|| sent.and(read).and(Err(io::ErrorKind::InvalidData.into())), Ok)
}

/// An answer whose body is as long as its head says; nothing where it is not.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let (mut lines, body) = (head.lines(), &bytes[end + 4..]);
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (body.len() == length).then(|| Answer { status, body: body.to_vec() })
}
