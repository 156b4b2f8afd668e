//! Carries one request to the provider and its answer back, over HTTP/1.1 connections that are kept alive.
//!
//! Knows for each failure whether a byte of the request may have left (see `Failure`), which is what everything else
//! rests upon; what a failure or an answer means is decided elsewhere. Nothing that may have left is ever repeated.
//!
//! A connection has no task of its own: the request that is on it drives it, and while it idles nobody does. One that
//! was closed meanwhile is found out when a request is handed to it, before anything is written.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use reqwest::Url;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::dial::{Dial, timed_out};
use super::{BrokenAnswer, IDLE, LARGEST_ANSWER, lost, retry_after};
use crate::model::Channel;

/// A connection that was used within this time is taken to be open.
const LATELY: Duration = Duration::from_secs(1);

/// How often a connection is read from once the time is over. An answer of a usual size needs one or two.
const LAST_READS: u32 = 8;

/// The connections to one provider, and the heads of the requests that go over them.
pub(super) struct Transport {
    dial: Dial,
    heads: [(Channel, Request<()>); Channel::ALL.len()],
    idle: Arc<Idle>,
    timeout: Duration,
}

/// An answer that began.
pub(super) struct Answer {
    /// Of the first line.
    pub(super) status: StatusCode,
    /// The provider's wish for a pause.
    pub(super) wait: Option<Duration>,
    /// To its end, or why not.
    pub(super) body: Result<Vec<u8>, BrokenAnswer>,
}

/// Why no answer began.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection was made.
    Connect(io::Error),
    /// The connection was closed before a byte of the request was written.
    Unbegun,
    /// It was not let go when there was a connection for it.
    Held,
    /// The request was begun, and there was no answer in time.
    Timeout,
    /// The request was begun, and then the connection failed.
    Lost(hyper::Error),
}

impl Transport {
    /// A transport to these addresses, which are all of one host, that keeps at most `most` connections and gives
    /// `connect_timeout` to a connection that is to be made, and `timeout` to a request from its departure to the last byte
    /// of the answer.
    ///
    /// # Errors
    /// Where TLS cannot be set up, or an address cannot stand in a request.
    pub(super) fn new(
        sites: &[(Channel, Url); Channel::ALL.len()],
        headers: &HeaderMap,
        most: usize,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let [(channel, first), ..] = sites;
        let mut heads = [(); Channel::ALL.len()].map(|()| (*channel, Request::new(())));
        for (head, (channel, url)) in heads.iter_mut().zip(sites) {
            *head = (*channel, prepare(url, headers)?);
        }
        let idle = Arc::new(Idle { most, kept: Mutex::default() });
        Ok(Self { dial: Dial::new(first, connect_timeout)?, heads, idle, timeout })
    }

    /// Posts one body to the channel's address, as soon as `leave` lets it go. That is asked when there is a connection,
    /// right before the first byte is written: connections that take long to be made would let requests that left one by
    /// one arrive together. It is asked again where the connection turns out to be closed.
    ///
    /// # Errors
    /// [`Failure`] where there is no answer at all; one that broke off is in [`Answer::body`].
    pub(super) async fn send<F: Future<Output = bool>>(
        &self,
        channel: Channel,
        body: Vec<u8>,
        leave: impl Fn() -> F,
    ) -> Result<Answer, Failure> {
        let body = Bytes::from(body);
        let [(_, first), ..] = &self.heads;
        let head = self.heads.iter().find(|(known, _)| *known == channel).map_or(first, |(_, head)| head);
        let mut end = pin!(sleep(self.timeout));
        // Whether it was let go and has no connection any more.
        let mut departed = false;
        let (mut line, response) = loop {
            let (mut line, idled) = match self.idle.take() {
                Some(line) => (line, true),
                // Boxed: seldom needed, and larger than all the rest, which every message would have to carry.
                None => (Box::pin(self.dial.connect()).await.map_err(Failure::Connect)?, false),
            };
            let asked = Instant::now();
            let leaves = std::mem::take(&mut departed) || leave().await;
            let left = Instant::now();
            let waited = left - asked;
            match leaves {
                // Too old by now, or closed. Its departure is used up, and another would be waited for just as long: at a
                // low rate it would never leave.
                true if waited > IDLE || (waited > LATELY && !line.is_open()) => {
                    departed = true;
                    continue;
                }
                true => {}
                false => {
                    if waited <= IDLE {
                        self.idle.put(line);
                    }
                    return Err(Failure::Held);
                }
            }
            // A new one, too, may be closed by who waits for its request.
            let idled = idled || waited > LATELY;
            end.as_mut().reset(left + self.timeout);
            let before = line.written();
            let sent = line.requests.send_request(head.clone().map(|()| Full::new(body.clone())));
            let failure = match line.drive_until(pin!(sent), end.as_mut()).await {
                Some(Ok(response)) => break (line, response),
                // Given back: what was written then is TLS's farewell.
                Some(Err(error)) if error.is_canceled() => Failure::Unbegun,
                Some(Err(_)) if line.written() == before => Failure::Unbegun,
                Some(Err(error)) => Failure::Lost(error),
                None if line.written() == before => return Err(Failure::Connect(timed_out())),
                None => Failure::Timeout,
            };
            match failure {
                // Closed while it idled. Each time there is one fewer of these, and at last a new one.
                Failure::Unbegun if idled => {}
                failure => return Err(failure),
            }
        };
        let (parts, body) = response.into_parts();
        let (status, wait) = (parts.status, retry_after(&parts.headers));
        // They are slices of the connection's buffer, which takes in what comes next once nobody holds it.
        drop(parts);
        let body = line.drive_until(pin!(read(body)), end.as_mut()).await;
        let body = body.unwrap_or_else(|| Err(BrokenAnswer::BrokeOff(timed_out().to_string())));
        if body.is_ok() {
            self.idle.put(line);
        }
        Ok(Answer { status, wait, body })
    }
}

/// The header values hold the credential, and the addresses are told elsewhere.
impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// A request to this address, but for its body.
fn prepare(url: &Url, headers: &HeaderMap) -> Result<Request<()>, Box<dyn std::error::Error + Send + Sync>> {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut head = Request::new(());
    *head.method_mut() = Method::POST;
    *head.uri_mut() = url.path().parse::<Uri>()?;
    head.headers_mut().insert(HOST, HeaderValue::try_from(host)?);
    head.headers_mut().extend(headers.clone());
    Ok(head)
}

async fn read(mut body: Incoming) -> Result<Vec<u8>, BrokenAnswer> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(chunk)) if whole.len() + chunk.len() > LARGEST_ANSWER => return Err(BrokenAnswer::TooLarge),
            Ok(Ok(chunk)) => whole.extend_from_slice(&chunk),
            Ok(Err(_trailers)) => {}
            Err(error) => return Err(BrokenAnswer::BrokeOff(lost::words(&error))),
        }
    }
    Ok(whole)
}

/// Does what there is to do on a connection, whichever kind of stream is below.
type Connection = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// One connection.
pub(super) struct Line {
    requests: SendRequest<Full<Bytes>>,
    /// None when it has ended.
    connection: Option<Connection>,
    /// Bytes that the system has taken over for sending.
    written: Arc<AtomicU64>,
}

impl Line {
    /// A line of hyper's two halves of a connection and the count of what is written to it.
    pub(super) fn new(requests: SendRequest<Full<Bytes>>, connection: Connection, written: Arc<AtomicU64>) -> Self {
        Self { requests, connection: Some(connection), written }
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Waits for `work`, which waits for the connection, and drives the connection meanwhile, until `end`. What can be read
    /// then is read first: where this process was stopped for a while, the answer may have been there in time.
    async fn drive_until<T>(
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
    fn is_open(&mut self) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop()));
        self.is_free()
    }

    /// Whether it takes another request: the last answer is read to its end, and so is the request written, and
    /// neither side wishes to close.
    fn is_free(&self) -> bool {
        self.connection.is_some() && self.requests.is_ready()
    }
}

/// The connections without a request, the one that was used last on top.
struct Idle {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Each with the time at which it becomes too old, the oldest first.
    lines: Vec<(Instant, Line)>,
    /// Closes what has become too old also when nothing is sent.
    closing: Option<JoinHandle<()>>,
}

impl Idle {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last, if it still can be.
    fn take(&self) -> Option<Line> {
        loop {
            let (end, mut line) = self.kept().lines.pop()?;
            let now = Instant::now();
            if now >= end {
                return None;
            }
            // One that idled for a while may have been closed. Who learns it here need not leave a second time.
            if end - now > IDLE - LATELY || line.is_open() {
                return Some(line);
            }
        }
    }

    fn put(self: &Arc<Self>, line: Line) {
        let mut kept = self.kept();
        if kept.lines.len() >= self.most || !line.is_free() {
            return;
        }
        let end = Instant::now() + IDLE;
        kept.lines.push((end, line));
        // One whose runtime is gone is finished too.
        if kept.closing.as_ref().is_none_or(JoinHandle::is_finished) {
            kept.closing = Some(tokio::spawn(close(Arc::downgrade(self), end)));
        }
    }
}

/// Closes connections that have become too old, from `next` on until there are none.
async fn close(idle: Weak<Idle>, mut next: Instant) {
    loop {
        sleep_until(next).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut kept = idle.kept();
        let now = Instant::now();
        kept.lines.retain(|(end, _)| now < *end);
        match kept.lines.first() {
            Some((end, _)) => next = *end,
            None => {
                kept.closing = None;
                return;
            }
        }
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
