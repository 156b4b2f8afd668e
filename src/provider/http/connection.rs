//! One connection, driven by the request that is on it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Sleep;

/// How often a connection is read from once the time is over. An answer of a usual size needs one or two.
const LAST_READS: u32 = 8;

/// Does what there is to do on a connection, whichever kind of stream is below.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// One connection.
pub(super) struct Connection {
    pub(super) requests: SendRequest<Full<Bytes>>,
    /// None when it has ended.
    pub(super) connection: Option<Driver>,
    /// Bytes that the system has taken over for sending.
    written: Arc<AtomicU64>,
}

impl Connection {
    /// A connection of hyper's two halves of a connection and the count of what is written to it.
    pub(super) fn new(requests: SendRequest<Full<Bytes>>, connection: Driver, written: Arc<AtomicU64>) -> Self {
        Self { requests, connection: Some(connection), written }
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Waits for `work`, which waits for the connection, and drives the connection meanwhile, until `end`. What can be
    /// read then is read first: where this process was stopped for a while, the answer may have been there in time.
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
            // Boxed: seldom needed, and every message would have to carry it.
            None => Box::pin(self.read_last(work)).await,
        }
    }

    async fn read_last<T>(&mut self, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        for _ in 0..LAST_READS {
            // Lets the runtime ask the system what there is to read.
            tokio::task::yield_now().await;
            if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(self.step(work.as_mut(), cx))).await {
                return Some(done);
            }
        }
        None
    }

    /// Takes `work` as far as it gets now, and the connection with it.
    fn step<T>(&mut self, mut work: Pin<&mut impl Future<Output = T>>, cx: &mut Context<'_>) -> Poll<T> {
        // What it wants of the connection, it says first.
        if let done @ Poll::Ready(_) = work.as_mut().poll(cx) {
            return done;
        }
        self.poll(cx);
        work.poll(cx)
    }

    /// Does what there is to do now.
    fn poll(&mut self, cx: &mut Context<'_>) {
        if self.connection.as_mut().is_some_and(|connection| connection.as_mut().poll(cx).is_ready()) {
            // With the connection go the ends that others may wait for: they learn of the end, or of its reason.
            self.connection = None;
        }
    }

    /// Whether the other side has not closed it, as far as is known.
    pub(super) fn is_open(&mut self) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop()));
        self.is_free()
    }

    /// Whether it takes another request: the last answer is read to its end, and so is the request written, and
    /// neither side wishes to close.
    pub(super) fn is_free(&self) -> bool {
        self.connection.is_some() && self.requests.is_ready()
    }
}
