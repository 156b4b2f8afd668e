//! What it means that a request brought no answer: the only place that knows how the two transports tell their
//! failures.
//!
//! One question decides: can a byte of the request have left? What is relied upon for the answer:
//!
//! - Looking up the name, TCP, TLS and a proxy's tunnel come before the request is begun; a failure of theirs is told
//!   apart as one of "connecting". There is no early data (TLS 0-RTT).
//! - On the direct way the bytes that the system takes over are counted: while there are none of the request, it has
//!   not left.
//! - A connection takes a request over, or gives it back untouched: hyper calls the latter "canceled", which happens
//!   where the connection turns out to be closed before the request's first byte is put into its buffer. On a
//!   kept-alive connection `transport` (through a proxy, hyper-util) then takes another connection by itself, which is
//!   safe and the only request that anything below us repeats: redirects and reqwest's own retries are switched off.
//! - From the first byte on no failure tells how far it came, so all of them leave the message in doubt: also a
//!   kept-alive connection that is closed at that very moment, though most of those requests were never read.

use std::error::Error;
use std::io;

use crate::model::{Outcome, SendProblem};

/// Why no answer began.
#[derive(Debug)]
pub(in crate::provider) enum Failure {
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

/// The outcome of a send straight to `host` that brought no answer.
pub(in crate::provider) fn direct(host: &str, failure: Failure) -> Outcome {
    match failure {
        Failure::Connect(error) => no_connection(host, &error, &words(&error)),
        Failure::Unbegun => unreachable(host, None),
        Failure::Held => Outcome::Unsent,
        Failure::Timeout => timeout(),
        Failure::Lost(error) => lost(words(&error)),
    }
}

/// The outcome of a request by reqwest's client that brought no answer.
pub(in crate::provider) fn client(error: reqwest::Error) -> Outcome {
    let host = error.url().and_then(|url| url.host_str()).unwrap_or("the provider").to_owned();
    // A status request's URL holds ids.
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
        // Nothing that one row could do otherwise.
        Outcome::Halted(SendProblem::BadRequest(words).into())
    } else if error.is_timeout() {
        timeout()
    } else {
        lost(words)
    }
}

/// No connection to `host`; without `words` it was closed before anything was sent.
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

/// An error and its causes in one line.
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

/// A certificate that is not trusted. Only a person can mend that, here or there.
fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether the error or one of its causes is so.
fn has_cause(error: &(dyn Error + 'static), is: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if is(error) {
            return true;
        }
        // An I/O error skips the one inside it when it names its source.
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}
