//! Following a node's blocks over server-sent events, through broken connections (W-3.7).

use super::{Client, ClientError, QUIET_PATIENCE};
use crate::rpc::limits::ANSWER_BYTES_MAX;
use crate::rpc::methods::stream::StreamedBlock;
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;
use ureq::BodyReader;

/// After a connection that broke.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Connections that may break one after the other before following ends.
const RETRIES_MAX: u32 = 5;

/// The blocks of a node, as they are applied; an error is the last item.
pub struct Follow {
    client: Client,
    /// The last height that was given.
    seen: Option<u64>,
    reader: Option<BufReader<BodyReader<'static>>>,
    failures: u32,
    over: bool,
}

impl Client {
    /// Follows the node's blocks: from the one after `seen` on, or from the next one.
    pub fn follow(&self, seen: Option<u64>) -> Result<Follow, ClientError> {
        let mut follow = Follow { client: self.clone(), seen, reader: None, failures: 0, over: false };
        follow.reader = Some(follow.connect()?);
        Ok(follow)
    }
}

impl Follow {
    fn connect(&self) -> Result<BufReader<BodyReader<'static>>, ClientError> {
        let client = &self.client;
        let mut call = client.agent.get(client.at("/v1/events/stream"));
        if let Some(seen) = self.seen {
            call = call.header("last-event-id", seen.to_string());
        }
        let config = call.config().timeout_per_call(None).timeout_per_read(Some(QUIET_PATIENCE));
        let response = client.ok(config.build().call())?;
        Ok(BufReader::new(response.into_body().into_with_config().limit(u64::MAX).reader()))
    }

    fn read(&mut self) -> Result<StreamedBlock, ClientError> {
        loop {
            let mut reader = match self.reader.take() {
                Some(reader) => reader,
                None => self.connect()?,
            };
            let url = || self.client.url().to_string();
            let found = next_data(&mut reader).map_err(|source| ClientError::of_io(url(), source))?;
            let Some(data) = found else {
                let source = std::io::ErrorKind::UnexpectedEof.into();
                return Err(ClientError::Broken { url: url(), source });
            };
            self.reader = Some(reader);
            let block: StreamedBlock =
                serde_json::from_str(&data).map_err(|error| self.client.foreign(error.to_string()))?;
            self.failures = 0;
            if self.seen.is_none_or(|seen| block.height > seen) {
                self.seen = Some(block.height);
                return Ok(block);
            }
        }
    }
}

impl Iterator for Follow {
    type Item = Result<StreamedBlock, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            match self.read() {
                Ok(block) => return Some(Ok(block)),
                Err(
                    ClientError::Broken { .. } | ClientError::Nobody { .. } | ClientError::TimedOut { .. },
                ) if self.failures < RETRIES_MAX => {
                    self.failures += 1;
                    std::thread::sleep(RETRY_AFTER);
                }
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// The data of the next event; none at the end of the stream. Comments and other fields are passed over.
fn next_data(reader: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        // A line is at most an answer long: whoever sends more is no node.
        if reader.by_ref().take(ANSWER_BYTES_MAX as u64).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() && !data.is_empty() {
            return Ok(Some(data));
        }
        if let Some(text) = line.strip_prefix("data:") {
            if data.len() + text.len() > ANSWER_BYTES_MAX {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
            data.push_str(text.strip_prefix(' ').unwrap_or(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::next_data;

    /// W-3.7: signs of life, ids and names are passed over; an event ends with an empty line.
    #[test]
    fn events_are_read_one_by_one() {
        let mut stream =
            ":\n\nid: 7\nevent: block\ndata: {\"height\":7}\n\n:\r\n\r\ndata:x\ndata: y\n\nid: 9\n"
                .as_bytes();
        assert_eq!(next_data(&mut stream).unwrap().as_deref(), Some("{\"height\":7}"));
        assert_eq!(next_data(&mut stream).unwrap().as_deref(), Some("xy"));
        assert_eq!(next_data(&mut stream).unwrap(), None);
    }
}
