//! Frames: a length, then so many bytes; bounded before they are read, read before they are parsed (W-2.4).
//!
//! ```text
//! frame = length (u32, little endian), canonical bytes of a question or an answer
//! ```
//!
//! A frame that breaks its bounds reaches the swarm as a refusal and not as an error of the stream, so that the peer
//! who sent it can be named.

use super::counters::Counters;
use super::refused::Refused;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;
use std::io;
use std::sync::Arc;

/// Frames up to this length are written in one piece with their length.
const JOINED_BYTES_MAX: usize = 16 * 1024;

/// The bytes of a frame, or why they are refused.
pub(super) type Frame = Result<Vec<u8>, Refused>;

/// Reads and writes frames of one channel.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    /// Longest question.
    pub(super) question_max: u32,
    /// Longest answer.
    pub(super) answer_max: u32,
    /// Bytes in and out.
    pub(super) counters: Arc<Counters>,
}

impl Codec for Frames {
    type Protocol = StreamProtocol;
    type Request = Frame;
    type Response = Frame;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Frame>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.question_max, &self.counters).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Frame>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.answer_max, &self.counters).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, frame: Frame) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, frame, &self.counters).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, frame: Frame) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, frame, &self.counters).await
    }
}

async fn read<T: AsyncRead + Unpin>(io: &mut T, limit: u32, counters: &Counters) -> io::Result<Frame> {
    let mut head = [0; 4];
    if io.read(&mut head[..1]).await? == 0 {
        return Ok(Err(Refused::NoAnswer));
    }
    match io.read_exact(&mut head[1..]).await {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(Err(Refused::FrameTruncated)),
        Err(e) => return Err(e),
    }
    let length = u32::from_le_bytes(head);
    if length > limit {
        return Ok(Err(Refused::FrameTooLong));
    }
    // The length is only a claim: memory grows with the bytes that come.
    let mut bytes = Vec::new();
    io.take(u64::from(length)).read_to_end(&mut bytes).await?;
    counters.bytes_in.inc_by(bytes.len() as u64 + 4);
    Ok(if bytes.len() == length as usize { Ok(bytes) } else { Err(Refused::FrameTruncated) })
}

async fn write<T: AsyncWrite + Unpin>(io: &mut T, frame: Frame, counters: &Counters) -> io::Result<()> {
    let bytes = frame.map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes();
    if bytes.len() <= JOINED_BYTES_MAX {
        io.write_all(&[&length[..], &bytes].concat()).await?;
    } else {
        io.write_all(&length).await?;
        io.write_all(&bytes).await?;
    }
    counters.bytes_out.inc_by(bytes.len() as u64 + 4);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Counters, read, write};
    use crate::swarm::refused::Refused;
    use futures::executor::block_on;
    use futures::io::Cursor;

    fn read_all(bytes: &[u8]) -> super::Frame {
        block_on(read(&mut Cursor::new(bytes), 100_000, &Counters::default())).unwrap()
    }

    /// W-2.4: what is written is read, long or short, and every way to be no frame has a name.
    #[test]
    fn frames_are_bounded_and_whole() {
        for length in [0, 1, 20_000, 100_000] {
            let (mut io, bytes) = (Cursor::new(Vec::new()), vec![7; length]);
            block_on(write(&mut io, Ok(bytes.clone()), &Counters::default())).unwrap();
            assert_eq!(read_all(io.get_ref()), Ok(bytes));
        }
        assert_eq!(read_all(&[]), Err(Refused::NoAnswer));
        assert_eq!(read_all(&[1, 0, 0]), Err(Refused::FrameTruncated));
        assert_eq!(read_all(&[9, 0, 0, 0, 1, 2]), Err(Refused::FrameTruncated));
        assert_eq!(read_all(&[255; 4]), Err(Refused::FrameTooLong));
        assert_eq!(read_all(&100_001u32.to_le_bytes()), Err(Refused::FrameTooLong));
    }
}
