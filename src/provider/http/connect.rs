//! Opens one connection to the provider: DNS, TCP, TLS, and HTTP/1.1 on top. It knows nothing about requests and sends
//! no byte of one.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::connection::Connection;

/// Opens connections to one host.
pub(super) struct Connector {
    /// A name or an IP address, without brackets.
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// The time limit of a connection, from DNS to the end of the handshake.
    timeout: Duration,
}

impl Connector {
    /// Returns a connector to the host of `url` that gives each connection `timeout`.
    ///
    /// # Errors
    /// When the system's certificates cannot be used, or the host name cannot have one.
    pub(super) fn new(url: &Url, timeout: Duration) -> Result<Self> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let tls = if url.scheme() == "https" {
            // As in reqwest: the platform decides whom to trust. There is no early data.
            let mut config = ClientConfig::with_platform_verifier().map_err(Error::other)?;
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            let name = ServerName::try_from(host.clone()).map_err(Error::other)?;
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        Ok(Self { host, port, tls, timeout })
    }

    /// Returns a connection that is ready for a request.
    ///
    /// # Errors
    /// When no connection could be made; no byte of a request was sent.
    pub(super) async fn connect(&self) -> Result<Connection> {
        let made = async {
            let written = Arc::new(AtomicU64::new(0));
            let stream = Counted { stream: self.tcp().await?, written: written.clone() };
            match &self.tls {
                Some((connector, name)) => open(connector.connect(name.clone(), stream).await?, written).await,
                None => open(stream, written).await,
            }
        };
        timeout(self.timeout, made).await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// Connects to the first of the host's addresses that accepts. Each has its share of the time, so that a silent one
    /// does not use up all of it.
    async fn tcp(&self) -> Result<TcpStream> {
        let named = |what: &str, error: Error| Error::new(error.kind(), format!("{what}: {error}"));
        let end = Instant::now() + self.timeout;
        let found = lookup_host((self.host.as_str(), self.port)).await.map_err(|error| named("dns error", error))?;
        let addresses: Vec<_> = found.collect();
        let mut last = Error::new(ErrorKind::NotFound, "dns error: the name has no address");
        for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
            let now = Instant::now();
            let share = (end - now) / u32::try_from(left).unwrap_or(u32::MAX);
            match timeout_at(now + share, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(timed_out())) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = named("tcp connect error", error),
            }
        }
        Err(last)
    }
}

/// Starts HTTP/1.1 on this stream.
async fn open<S>(stream: S, written: Arc<AtomicU64>) -> Result<Connection>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (requests, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::other)?;
    Ok(Connection::new(requests, Box::pin(connection), written))
}

/// Returns the error for a connection that was not made in time.
pub(super) fn timed_out() -> Error {
    Error::new(ErrorKind::TimedOut, "operation timed out")
}

/// A TCP stream that counts the bytes that the system accepted for sending. It is below TLS, so encrypted bytes in our
/// memory do not count as sent.
struct Counted {
    stream: TcpStream,
    written: Arc<AtomicU64>,
}

impl Counted {
    fn count(&self, done: Result<usize>) -> Poll<Result<usize>> {
        if let Ok(bytes) = done {
            self.written.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        Poll::Ready(done)
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let done = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.count(done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let done = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        self.count(done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
