//! The client of the INCS Messages API.

use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};

use super::classify;
use crate::model::{Channel, Millis, Outcome, Problem, SendProblem, StatusUpdate};
use crate::provider::endpoint::Endpoint;
use crate::provider::error::{PollError, SetupError};
use crate::provider::http::answer::{read, retry_after, server_time};
use crate::provider::http::failure;
use crate::provider::http::pool::IDLE;
use crate::provider::http::transport::Transport;

/// A provider account, reached over kept-alive connections.
#[derive(Debug)]
pub struct Provider {
    client: Client,
    host: String,
    way: Way,
    status: Url,
    /// Removed from texts of responses.
    secret: SecretString,
}

/// How messages are sent. Status requests use the client.
#[derive(Debug)]
enum Way {
    /// Directly to the provider.
    Direct(Box<Transport>),
    /// With the client, through the proxy that the environment sets for the provider.
    Proxy(Box<[(Channel, Url); Channel::ALL.len()]>),
}

/// The most ids in a status request, according to the provider's documentation ("Get message status").
pub const MOST_IDS: usize = 100;
/// The most bytes of a status request's URL. Servers and proxies commonly refuse 8 KiB and more.
pub const LONGEST_URL: usize = 8_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The shortest credential, in characters, that is removed from a provider's words.
const SHORTEST_SECRET: usize = 8;

/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Provider {
    /// Returns a client for this account that keeps at most `concurrency` connections; `timeout` covers a whole
    /// request.
    ///
    /// # Errors
    /// When TLS or the credential's header cannot be set up.
    pub fn new(endpoint: &Endpoint, concurrency: usize, timeout: Duration) -> Result<Self, SetupError> {
        // Needed once per process; an earlier call set the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("certification-code", endpoint.credential());
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("campaigner/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        // Shorter than the whole timeout, to distinguish a failed connection, which can be retried, from a missing
        // response, which leaves the message in doubt.
        let connect_timeout = CONNECT_TIMEOUT.min(timeout / 2);
        let status = endpoint.join("external/messages/status");
        let sites = Channel::ALL.map(|channel| (channel, endpoint.join(&format!("external/messages/{channel}"))));
        let mut client = Client::builder();
        if endpoint.is_this_machine() {
            // A proxy is only for other machines.
            client = client.no_proxy();
        }
        let has_proxy = !endpoint.is_this_machine()
            && status.as_str().parse().is_ok_and(|url| Matcher::from_system().intercept(&url).is_some());
        let way = if has_proxy {
            Way::Proxy(Box::new(sites))
        } else {
            let direct = Transport::new(&sites, &headers, concurrency, connect_timeout, timeout).map_err(SetupError)?;
            Way::Direct(Box::new(direct))
        };
        let client = client
            .default_headers(headers)
            // HTTP/1.1 has one request per connection at a time, so "in flight" is exact and no stream limit of a
            // server queues requests unnoticed.
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            // No lower layer may repeat a request after a byte of it may have been sent; see `failure`.
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .connect_timeout(connect_timeout)
            .timeout(timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(concurrency)
            .build()
            .map_err(|error| SetupError(error.without_url().into()))?;
        let host = status.host_str().unwrap_or("the provider").to_owned();
        Ok(Self { client, host, way, status, secret: endpoint.secret().clone() })
    }

    /// Posts one body to the channel's route, once `leave` permits it, and returns the outcome. `leave` is called when
    /// a connection is ready; with a proxy, whose connections are not visible here, it is called before. Never fails:
    /// every failure is an outcome.
    pub async fn send<F: Future<Output = bool>>(
        &self,
        channel: Channel,
        body: Vec<u8>,
        leave: impl Fn() -> F,
    ) -> Outcome {
        let (status, wait, body) = match &self.way {
            Way::Direct(transport) => match transport.send(channel, body, leave).await {
                Ok(answer) => (answer.status, answer.wait, answer.body),
                Err(failure) => return failure::direct(&self.host, failure),
            },
            Way::Proxy(_) if !leave().await => return Outcome::Unsent,
            Way::Proxy(sites) => {
                let url = sites.iter().find(|(known, _)| *known == channel).map_or(&self.status, |(_, url)| url);
                // Boxed, because its large future would otherwise be part of that of every message.
                let answer = Box::pin(async {
                    let response = self.client.post(url.clone()).body(body).send().await?;
                    Ok((response.status(), retry_after(response.headers()), read(response).await))
                });
                match answer.await {
                    Ok(answer) => answer,
                    Err(error) => return failure::client(error),
                }
            }
        };
        match body {
            Ok(body) => {
                let mut outcome = classify::answer(status, wait, &body);
                self.cut_credential(outcome.problem_mut());
                outcome
            }
            Err(broken) => classify::broken_answer(status, wait, broken),
        }
    }

    /// Polls the statuses of at most [`MOST_IDS`] messages; see [`Provider::ids_that_fit`]. The result omits ids that
    /// the provider does not mention.
    ///
    /// # Errors
    /// [`PollError`] when there is no usable response.
    pub async fn poll(&self, message_ids: &[&str]) -> Result<Vec<StatusUpdate>, PollError> {
        let mut url = self.status.clone();
        let mut query = String::from("message_ids=");
        for (index, id) in message_ids.iter().enumerate() {
            if index > 0 {
                query.push(',');
            }
            query.extend(utf8_percent_encode(id, ENCODED));
        }
        url.set_query(Some(&query));
        let response = self.client.get(url).send().await.map_err(classify::poll_failed)?;
        let status = response.status();
        let wait = retry_after(response.headers());
        let body = read(response).await.map_err(|broken| PollError::TryAgain(SendProblem::BadAnswer(broken).into()))?;
        classify::statuses(status, wait, &body).map_err(|mut error| {
            self.cut_credential(Some(error.problem_mut()));
            error
        })
    }

    /// Returns the provider's time, from the `Date` of an answer to a request for no message. `None` without an answer.
    pub async fn server_time(&self) -> Option<Millis> {
        let response = self.client.get(self.status.clone()).send().await.ok()?;
        server_time(response.headers())
    }

    /// Removes the credential from the provider's words after classification. A short one is left, because it may be
    /// part of any word.
    fn cut_credential(&self, problem: Option<&mut Problem>) {
        let secret = self.secret.expose_secret();
        if let Some(problem) = problem.filter(|_| secret.len() >= SHORTEST_SECRET) {
            problem.cut(secret);
        }
    }

    /// Returns how many of these ids, from the first, fit into one status request.
    pub fn ids_that_fit<'a>(&self, message_ids: impl Iterator<Item = &'a str>) -> usize {
        let mut length = self.status.as_str().len() + "?message_ids=".len();
        message_ids
            .take(MOST_IDS)
            .take_while(|id| {
                length += 1 + utf8_percent_encode(id, ENCODED).map(str::len).sum::<usize>();
                length < LONGEST_URL
            })
            .count()
            .max(1)
    }
}

impl Endpoint {
    fn credential(&self) -> HeaderValue {
        let mut value =
            HeaderValue::from_str(self.secret().expose_secret()).unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}
