//! Sends a request to the provider and returns its response, over kept-alive HTTP/1.1 connections.
//!
//! It knows for each failure whether a byte of the request may have been sent (see `Failure`), on which everything else
//! relies. Other modules classify failures and responses. A request that may have been sent is never repeated.
//!
//! A connection has no task: its current request drives it, and nothing does while it is idle. If it was closed
//! meanwhile, that is detected when a request is passed to it, before anything is written.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Uri};
use reqwest::Url;
use tokio::time::{Instant, sleep};

use super::answer::{HttpAnswer, LARGEST_ANSWER, wait_asked};
use super::connect::{Connector, timed_out};
use super::failure::{self, Failure};
use super::pool::{IdlePool, LATELY};
use crate::model::BadAnswer;
use crate::model::Channel;

/// The connections to one provider, and the prepared request heads.
pub(in crate::provider) struct Transport {
    connector: Connector,
    heads: [(Channel, Request<()>); Channel::ALL.len()],
    idle: Arc<IdlePool>,
    timeout: Duration,
}

impl Transport {
    /// Returns a transport to these URLs, all of one host, that keeps at most `most` connections. `connect_timeout`
    /// limits the opening of a connection, `timeout` a request from its permission to the last byte of the response.
    ///
    /// # Errors
    /// When TLS cannot be set up, or a URL is not allowed in a request.
    pub(in crate::provider) fn new(
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
        let idle = Arc::new(IdlePool { most, kept: Mutex::default() });
        Ok(Self { connector: Connector::new(first, connect_timeout)?, heads, idle, timeout })
    }

    /// Posts one body to the channel's URL, once `leave` permits it. `leave` is called when a connection is ready,
    /// right before the first byte is written: otherwise slow connections could let requests that were spaced out
    /// arrive together. It is called again if the connection turns out to be closed.
    ///
    /// # Errors
    /// [`Failure`] when there is no response; a response that was cut off is in [`HttpAnswer::body`].
    pub(in crate::provider) async fn send<F: Future<Output = bool>>(
        &self,
        channel: Channel,
        body: Vec<u8>,
        leave: impl Fn() -> F,
    ) -> Result<HttpAnswer, Failure> {
        let body = Bytes::from(body);
        let [(_, first), ..] = &self.heads;
        let head = self.heads.iter().find(|(known, _)| *known == channel).map_or(first, |(_, head)| head);
        let mut end = pin!(sleep(self.timeout));
        let (mut line, response) = loop {
            let (mut line, idled) = match self.idle.take() {
                Some(line) => (line, true),
                // Boxed, because it is seldom needed and would dominate the future of every message.
                None => (Box::pin(self.connector.connect()).await.map_err(Failure::Connect)?, false),
            };
            let asked = Instant::now();
            if !leave().await {
                self.idle.put(line);
                return Err(Failure::Held);
            }
            let left = Instant::now();
            // A new connection may also be closed while its request waits.
            let idled = idled || left - asked > LATELY;
            end.as_mut().reset(left + self.timeout);
            let before = line.written();
            let sent = line.requests.send_request(head.clone().map(|()| Full::new(body.clone())));
            let failure = match line.drive_until(pin!(sent), end.as_mut()).await {
                Some(Ok(response)) => break (line, response),
                // Returned untouched: the bytes written were TLS's close message.
                Some(Err(error)) if error.is_canceled() => Failure::Unbegun,
                Some(Err(_)) if line.written() == before => Failure::Unbegun,
                Some(Err(error)) => Failure::Lost(error),
                None if line.written() == before => return Err(Failure::Connect(timed_out())),
                None => Failure::Timeout,
            };
            match failure {
                // Closed while idle. Each time there is one fewer, and finally a new connection.
                Failure::Unbegun if idled => {}
                failure => return Err(failure),
            }
        };
        let (parts, body) = response.into_parts();
        let (status, wait) = (parts.status, wait_asked(&parts.headers));
        // They are slices of the connection's buffer, which can be reused once they are dropped.
        drop(parts);
        let body = line.drive_until(pin!(read(body)), end.as_mut()).await;
        let body = body.unwrap_or_else(|| Err(BadAnswer::BrokeOff(timed_out().to_string())));
        if body.is_ok() {
            self.idle.put(line);
        }
        Ok(HttpAnswer { status, wait, body })
    }
}

/// Leaves out header values, which contain the credential.
impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// Returns a request to this URL without its body.
fn prepare(url: &Url, headers: &HeaderMap) -> Result<Request<()>, Box<dyn std::error::Error + Send + Sync>> {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut head = Request::new(());
    *head.method_mut() = Method::POST;
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    *head.uri_mut() = format!("{}{query}", url.path()).parse::<Uri>()?;
    head.headers_mut().insert(HOST, HeaderValue::try_from(host)?);
    head.headers_mut().extend(headers.clone());
    Ok(head)
}

async fn read(mut body: Incoming) -> Result<Vec<u8>, BadAnswer> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(chunk)) if whole.len() + chunk.len() > LARGEST_ANSWER => return Err(BadAnswer::TooLarge),
            Ok(Ok(chunk)) => whole.extend_from_slice(&chunk),
            Ok(Err(_trailers)) => {}
            Err(error) => return Err(BadAnswer::BrokeOff(failure::words(&error))),
        }
    }
    Ok(whole)
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
