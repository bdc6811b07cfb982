//! The door's listener: so many connections, so long a head, so much patience, and no more (W-3.2).
//!
//! ```text
//! accepted --room?--> Guarded --head in time, head short, bytes now and then--> hyper --> the methods
//!              no --> 503 in JSON, closed
//! ```
//!
//! Between requests the guard counts what comes before a body; while a request is at work it only asks that bytes
//! move now and then, so that uploads may be long and streams may be quiet between two signs of life.

use super::limits::{CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_PATIENCE, IDLE_PATIENCE};
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// What one connection too many is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    content-length: 128\r\nconnection: close\r\n\r\n\
    {\"error\":{\"name\":\"busy\",\"message\":\"all connections of this node are taken\",\
    \"hint\":\"try again in a moment, or ask another node\"}}";

/// Listens and guards.
pub struct Doorway {
    listener: TcpListener,
    room: Arc<Semaphore>,
    full: Box<dyn Fn() + Send + Sync>,
}

impl Doorway {
    /// A doorway; `full` is told of every connection that found no room.
    pub fn new(listener: TcpListener, full: Box<dyn Fn() + Send + Sync>) -> Doorway {
        Doorway { listener, room: Arc::new(Semaphore::new(CONNECTIONS_MAX)), full }
    }
}

impl Listener for Doorway {
    type Io = Guarded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guarded, SocketAddr) {
        loop {
            // The body for plain TCP sleeps over errors such as too many open files.
            let (stream, address) = Listener::accept(&mut self.listener).await;
            match Arc::clone(&self.room).try_acquire_owned() {
                Ok(room) => return (Guarded::new(stream, room), address),
                Err(_) => {
                    // A fresh socket takes these few bytes at once; if it does not, silence is an answer too.
                    drop(stream.try_write(FULL));
                    (self.full)();
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What the methods may say to the guard of their connection.
#[derive(Clone, Debug)]
pub struct Connection {
    at_work: Arc<AtomicBool>,
}

impl Connected<IncomingStream<'_, Doorway>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Connection {
        stream.io().connection.clone()
    }
}

/// A request is at work until this is dropped.
pub struct AtWork(Arc<AtomicBool>);

impl Connection {
    /// A request's head is complete: it is at work.
    pub fn at_work(&self) -> AtWork {
        self.at_work.store(true, Ordering::Release);
        AtWork(Arc::clone(&self.at_work))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A connection under guard.
pub struct Guarded {
    stream: TcpStream,
    connection: Connection,
    timer: Pin<Box<Sleep>>,
    last_byte: Instant,
    head_since: Option<Instant>,
    head_bytes: usize,
    _room: OwnedSemaphorePermit,
}

impl Guarded {
    fn new(stream: TcpStream, room: OwnedSemaphorePermit) -> Guarded {
        drop(stream.set_nodelay(true));
        let now = Instant::now();
        let connection = Connection { at_work: Arc::new(AtomicBool::new(false)) };
        let timer = Box::pin(tokio::time::sleep_until(now + IDLE_PATIENCE));
        Guarded { stream, connection, timer, last_byte: now, head_since: None, head_bytes: 0, _room: room }
    }

    fn is_at_work(&self) -> bool {
        self.connection.at_work.load(Ordering::Acquire)
    }

    /// Waits no longer than the deadline.
    fn wait<T>(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn deadline(&self) -> Instant {
        let idle = self.last_byte + IDLE_PATIENCE;
        match self.head_since {
            Some(since) if !self.is_at_work() => idle.min(since + HEAD_PATIENCE),
            _ => idle,
        }
    }

    /// How many bytes may be read now: of a head that is too long, none.
    fn allowance(&self) -> usize {
        if self.is_at_work() { usize::MAX } else { HEAD_BYTES_MAX - self.head_bytes }
    }

    /// Counts what was read.
    fn count(&mut self, bytes: usize) {
        self.last_byte = Instant::now();
        if self.is_at_work() {
            (self.head_since, self.head_bytes) = (None, 0);
        } else {
            self.head_since.get_or_insert(self.last_byte);
            self.head_bytes = HEAD_BYTES_MAX.min(self.head_bytes + bytes);
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let allowed = self.allowance().min(buffer.remaining());
        if allowed == 0 {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(allowed));
        match Pin::new(&mut self.stream).poll_read(context, &mut part) {
            Poll::Ready(Ok(())) => {
                let read = part.filled().len();
                buffer.advance(read);
                self.count(read);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let deadline = self.deadline();
                self.wait(deadline, context)
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(Ok(written)) => {
                // Whoever is answered begins a new head with its next byte.
                (self.last_byte, self.head_since, self.head_bytes) = (Instant::now(), None, 0);
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let deadline = self.last_byte + IDLE_PATIENCE;
                self.wait(deadline, context)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
