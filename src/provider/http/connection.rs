//! A connection, driven by its current request.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Sleep;

/// The most reads from a connection after the timeout. A usual response needs one or two.
const LAST_READS: u32 = 8;

/// Drives a connection over any kind of stream.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// One connection.
pub(super) struct Connection {
    pub(super) requests: SendRequest<Full<Bytes>>,
    /// `None` when it has ended.
    pub(super) connection: Option<Driver>,
    /// The bytes that the system accepted for sending.
    written: Arc<AtomicU64>,
}

impl Connection {
    /// Returns a connection from hyper's two halves and the count of written bytes.
    pub(super) fn new(requests: SendRequest<Full<Bytes>>, connection: Driver, written: Arc<AtomicU64>) -> Self {
        Self { requests, connection: Some(connection), written }
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Waits for `work` until `end`, and drives the connection meanwhile. At `end`, it first reads what is available:
    /// if this process was suspended, the response may have arrived in time.
    pub(super) async fn drive_until<T>(
        &mut self,
        mut work: Pin<&mut impl Future<Output = T>>,
        mut end: Pin<&mut Sleep>,
    ) -> Option<T> {
        let done = poll_fn(|cx| match self.step(work.as_mut(), cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => end.as_mut().poll(cx).map(|()| None),
        });
        match done.await {
            Some(done) => Some(done),
            // Boxed, because it is seldom needed and would be part of the future of every message.
            None => Box::pin(self.read_last(work)).await,
        }
    }

    async fn read_last<T>(&mut self, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        for _ in 0..LAST_READS {
            // Lets the runtime poll the system for readable data.
            tokio::task::yield_now().await;
            if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(self.step(work.as_mut(), cx))).await {
                return Some(done);
            }
        }
        None
    }

    /// Polls `work` and the connection once.
    fn step<T>(&mut self, mut work: Pin<&mut impl Future<Output = T>>, cx: &mut Context<'_>) -> Poll<T> {
        // Poll `work` first, because it tells the connection what it needs.
        if let done @ Poll::Ready(_) = work.as_mut().poll(cx) {
            return done;
        }
        self.poll(cx);
        work.poll(cx)
    }

    /// Polls the connection.
    fn poll(&mut self, cx: &mut Context<'_>) {
        if self.connection.as_mut().is_some_and(|connection| connection.as_mut().poll(cx).is_ready()) {
            // Dropping the connection tells everyone who waits for it that it ended.
            self.connection = None;
        }
    }

    /// Whether the connection is open, as far as is known.
    pub(super) fn is_open(&mut self) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop()));
        self.is_free()
    }

    /// Whether it is ready for another request: the last one is completely written, its response completely read, and
    /// neither side wants to close.
    pub(super) fn is_free(&self) -> bool {
        self.connection.is_some() && self.requests.is_ready()
    }
}
