//! The listening socket, and connections that can end without a response.
//!
//! Knows no HTTP. The next write to a disconnected connection fails, and the server drops it: the client sees the
//! connection close before any response.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that may wait to be accepted. A load test opens thousands at once.
const BACKLOG: u32 = 4096;

/// Listens on `address`. Must be called inside a runtime.
pub(super) fn listen(address: SocketAddr) -> io::Result<LoopbackListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Lets a stopped simulator start again on its port at once.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG).map(LoopbackListener)
}

/// A listener that gives each connection a [`Disconnector`].
pub(super) struct LoopbackListener(TcpListener);

impl Listener for LoopbackListener {
    type Io = LoopbackConnection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Otherwise a response may wait for the client's acknowledgement. The simulator works without it too.
        let _ = stream.set_nodelay(true);
        (LoopbackConnection { stream, disconnector: Disconnector::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// Ends one connection without a response.
#[derive(Clone, Default)]
pub(super) struct Disconnector(Arc<AtomicBool>);

impl Disconnector {
    /// Makes every further write to the connection fail.
    pub(super) fn disconnect(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(io::ErrorKind::ConnectionAborted.into()),
            false => Ok(()),
        }
    }
}

impl Connected<IncomingStream<'_, LoopbackListener>> for Disconnector {
    fn connect_info(stream: IncomingStream<'_, LoopbackListener>) -> Self {
        stream.io().disconnector.clone()
    }
}

/// A connection whose writes fail once it is disconnected.
pub(super) struct LoopbackConnection {
    stream: TcpStream,
    disconnector: Disconnector,
}

impl AsyncRead for LoopbackConnection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for LoopbackConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.disconnector.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.disconnector.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
