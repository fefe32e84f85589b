//! How many may be connected, and for how long nothing may happen: a client that sends slowly, reads nothing or just sits
//! there is let go, whatever it does in between.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Connections at a time; the next one waits in the kernel's own bounded queue.
const CONNECTIONS: usize = 512;
/// Connections of one address at a time; the next one is closed at once. Loopback is where proxies are: it has no share.
const PER_ADDRESS: usize = 64;
/// From connecting to the first byte of an answer.
const FIRST_ANSWER: Duration = Duration::from_secs(20);
/// From one byte that could be written to the next. A stream beats more often than this.
const NEXT_ANSWER: Duration = Duration::from_secs(60);
/// Pause after the machine refused a connection (such as when no file handle is left).
const BREATH: Duration = Duration::from_millis(100);

/// Who is connected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A listener that lets in only so many.
pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    shares: Shares,
}

type Shares = Arc<Mutex<HashMap<IpAddr, usize>>>;

impl Bounded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(CONNECTIONS)), shares: Shares::default() }
    }
}

impl Listener for Bounded {
    type Io = Watched;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Watched, SocketAddr) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                // Nobody closes the semaphore; were it closed, nobody could be let in.
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if let Some(share) = Share::take(&self.shares, peer.ip()) {
                        // Small events must not wait for larger ones.
                        let _ = stream.set_nodelay(true);
                        let deadline = Box::pin(sleep(FIRST_ANSWER));
                        return (Watched { stream, deadline, _place: place, _share: share }, peer);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(BREATH).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection's part of what its address may have.
struct Share {
    shares: Shares,
    address: IpAddr,
}

impl Share {
    fn take(shares: &Shares, address: IpAddr) -> Option<Self> {
        let mut held = shares.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        if *count >= PER_ADDRESS && !address.is_loopback() {
            return None;
        }
        *count += 1;
        drop(held);
        Some(Self { shares: Arc::clone(shares), address })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// A connection that ends when nothing could be written to it for too long.
pub(super) struct Watched {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
    _share: Share,
}

impl Watched {
    /// `Ready` with an error once the deadline has passed; else wakes the task at the deadline.
    fn overdue(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.deadline.as_mut().poll(context).map(|()| io::Error::new(ErrorKind::TimedOut, "nothing moved for too long"))
    }
    fn wrote(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.deadline.set(sleep_until(Instant::now() + NEXT_ANSWER));
                written
            }
            Poll::Ready(_) => written,
            Poll::Pending => self.overdue(context).map(Err),
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // The deadline first: a client that drips bytes is never pending for long.
        if let Poll::Ready(error) = self.overdue(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written, context)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written, context)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
