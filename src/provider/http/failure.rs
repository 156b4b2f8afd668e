//! Classifies requests without a response: the only place that knows the failures of both transports.
//!
//! The question is whether a byte of the request may have been sent. The answer relies on these facts:
//!
//! - DNS, TCP, TLS and a proxy's tunnel come before the request starts; their failures are reported as "connecting".
//!   There is no early data (TLS 0-RTT).
//! - Without a proxy, the bytes that the system accepts are counted: without any of the request, it was not sent.
//! - A connection accepts a request or returns it untouched. hyper calls the latter "canceled": the connection was
//!   closed before the request's first byte was buffered. On a kept-alive connection, `transport` (with a proxy,
//!   hyper-util) then uses another connection, which is safe. Nothing else below us repeats a request: redirects and
//!   reqwest's own retries are switched off.
//! - After the first byte, no failure shows how far the request got, so all leave the message in doubt. That includes a
//!   kept-alive connection that is closed at that moment, although most of those requests were never read.

use std::error::Error;
use std::io;

use crate::model::{Outcome, SendProblem};

/// Why there is no response.
#[derive(Debug)]
pub(in crate::provider) enum Failure {
    /// No connection was made.
    Connect(io::Error),
    /// The connection was closed before a byte of the request was written.
    Unbegun,
    /// Sending was not permitted when a connection was ready.
    Held,
    /// The request was started, but there was no response in time.
    Timeout,
    /// The request was started, and then the connection failed.
    Lost(hyper::Error),
}

/// Returns the outcome of a direct send to `host` without a response.
pub(in crate::provider) fn direct(host: &str, failure: Failure) -> Outcome {
    match failure {
        Failure::Connect(error) => no_connection(host, &error, &words(&error)),
        Failure::Unbegun => unreachable(host, None),
        Failure::Held => Outcome::Unsent,
        Failure::Timeout => timeout(),
        Failure::Lost(error) => lost(words(&error)),
    }
}

/// Returns the outcome of a request with reqwest's client without a response.
pub(in crate::provider) fn client(error: reqwest::Error) -> Outcome {
    let host = error.url().and_then(|url| url.host_str()).unwrap_or("the provider").to_owned();
    // The URL of a status request contains ids.
    let error = error.without_url();
    let words = words(&error);
    if error.is_connect() {
        let words = words.strip_prefix("error sending request: client error (Connect): ").unwrap_or(&words);
        if words.contains("proxy authorization required") {
            Outcome::Halted(SendProblem::ProxyCredentials(words.to_owned()).into())
        } else {
            no_connection(&host, &error, words)
        }
    } else if has_cause(&error, |cause| cause.downcast_ref().is_some_and(hyper::Error::is_canceled)) {
        unreachable(&host, None)
    } else if error.is_builder() {
        // Not the fault of a row.
        Outcome::Halted(SendProblem::BadRequest(words).into())
    } else if error.is_timeout() {
        timeout()
    } else {
        lost(words)
    }
}

/// Returns the outcome of no connection to `host`; without `words`, it was closed before anything was sent.
fn unreachable(host: &str, words: Option<&str>) -> Outcome {
    let problem = SendProblem::Connect { host: host.to_owned(), error: words.map(str::to_owned) };
    Outcome::Unreachable(problem.into())
}

fn no_connection(host: &str, error: &(dyn Error + 'static), words: &str) -> Outcome {
    if has_cause(error, is_distrust) {
        let problem = SendProblem::Certificate { host: host.to_owned(), error: words.to_owned() };
        Outcome::Halted(problem.into())
    } else {
        unreachable(host, Some(words))
    }
}

fn timeout() -> Outcome {
    Outcome::Uncertain(SendProblem::Timeout.into())
}

fn lost(words: String) -> Outcome {
    Outcome::Uncertain(SendProblem::ConnectionLost(words).into())
}

/// Formats an error and its causes on one line.
pub(in crate::provider) fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = error.source();
    }
    words
}

/// Whether the error is an untrusted certificate, which only a person can fix.
fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether `is` holds for the error or one of its causes.
fn has_cause(error: &(dyn Error + 'static), is: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if is(error) {
            return true;
        }
        // The source of an I/O error skips the error inside it.
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}
