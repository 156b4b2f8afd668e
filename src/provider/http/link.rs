//! The link to a provider that sends: messages go over `transport`, or, where the environment sets a proxy, with
//! reqwest's client, which makes every other request too.

use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};

use super::answer::{HttpAnswer, read, server_time, wait_asked};
use super::failure;
use super::pool::IDLE;
use super::transport::Transport;
use crate::model::{Channel, Millis, Outcome, Problem, SendProblem};
use crate::provider::endpoint::Endpoint;
use crate::provider::error::{PollError, SetupError};
use crate::provider::gateway::broken_answer;

/// A provider account, reached over kept-alive connections.
#[derive(Debug)]
pub(in crate::provider) struct AccountLink {
    client: Client,
    host: String,
    way: Way,
    /// Removed from texts of responses.
    secret: SecretString,
}

/// How messages are sent.
#[derive(Debug)]
enum Way {
    /// Directly to the provider.
    Direct(Box<Transport>),
    /// With the client, through the proxy that the environment sets for the provider.
    Proxy(Box<Sites>),
}

/// The URL of each channel's messages.
pub(in crate::provider) type Sites = [(Channel, Url); Channel::ALL.len()];

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The shortest credential, in characters, that is removed from a provider's words.
const SHORTEST_SECRET: usize = 8;

impl AccountLink {
    /// Returns a link to these URLs, all of the account's host, that keeps at most `concurrency` connections; `timeout`
    /// covers a whole request. `credential` is the header that names the account.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(in crate::provider) fn new(
        endpoint: &Endpoint,
        credential: (&'static str, HeaderValue),
        sites: Sites,
        concurrency: usize,
        timeout: Duration,
    ) -> Result<Self, SetupError> {
        // Needed once per process; an earlier call set the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(credential.0, credential.1);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("campaigner/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        // Shorter than the whole timeout, to distinguish a failed connection, which can be retried, from a missing
        // response, which leaves the message in doubt.
        let connect_timeout = CONNECT_TIMEOUT.min(timeout / 2);
        let mut client = Client::builder();
        if endpoint.is_this_machine() {
            // A proxy is only for other machines.
            client = client.no_proxy();
        }
        let [(_, first), ..] = &sites;
        let has_proxy = !endpoint.is_this_machine()
            && first.as_str().parse().is_ok_and(|url| Matcher::from_system().intercept(&url).is_some());
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
        Ok(Self { client, host: endpoint.host(), way, secret: endpoint.secret().clone() })
    }

    /// Posts one body to the channel's URL, once `leave` permits it, and returns the outcome; `classify` says what a
    /// complete response means. Never fails: every failure is an outcome.
    pub(in crate::provider) async fn send<F: Future<Output = bool>>(
        &self,
        channel: Channel,
        body: Vec<u8>,
        leave: impl Fn() -> F,
        classify: fn(StatusCode, Option<Duration>, &[u8]) -> Outcome,
    ) -> Outcome {
        let HttpAnswer { status, wait, body } = match self.post(channel, body, leave).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        match body {
            Ok(body) => {
                let mut outcome = classify(status, wait, &body);
                self.cut_credential(outcome.problem_mut());
                outcome
            }
            Err(broken) => broken_answer(status, wait, broken),
        }
    }

    /// Makes a request that sends no message, and returns the complete response.
    ///
    /// # Errors
    /// [`PollError`] when there is none.
    pub(in crate::provider) async fn get(
        &self,
        url: Url,
    ) -> Result<(StatusCode, Option<Duration>, Vec<u8>), PollError> {
        Self::answered(self.client.get(url)).await
    }

    /// As [`AccountLink::get`], with another credential in the header `Authorization`.
    ///
    /// # Errors
    /// [`PollError`] when there is no complete response.
    pub(in crate::provider) async fn get_as(
        &self,
        url: Url,
        credential: HeaderValue,
    ) -> Result<(StatusCode, Option<Duration>, Vec<u8>), PollError> {
        Self::answered(self.client.get(url).header(AUTHORIZATION, credential)).await
    }

    async fn answered(request: RequestBuilder) -> Result<(StatusCode, Option<Duration>, Vec<u8>), PollError> {
        let response = request.send().await.map_err(failure::client)?;
        let (status, wait) = (response.status(), wait_asked(response.headers()));
        match read(response).await {
            Ok(body) => Ok((status, wait, body)),
            Err(broken) => Err(PollError::TryAgain(SendProblem::BadAnswer(broken).into())),
        }
    }

    /// Returns the provider's time, from the `Date` of an answer to a request for no message. `None` without an answer.
    pub(in crate::provider) async fn server_time(&self, url: Url) -> Option<Millis> {
        server_time(self.client.get(url).send().await.ok()?.headers())
    }

    /// Posts one body to the channel's URL, once `leave` permits it. `leave` is called when a connection is ready; with
    /// a proxy, whose connections are not visible here, it is called before.
    ///
    /// # Errors
    /// The outcome, when there is no response.
    async fn post<F: Future<Output = bool>>(
        &self,
        channel: Channel,
        body: Vec<u8>,
        leave: impl Fn() -> F,
    ) -> Result<HttpAnswer, Outcome> {
        match &self.way {
            Way::Direct(transport) => {
                transport.send(channel, body, leave).await.map_err(|failure| failure::direct(&self.host, failure))
            }
            Way::Proxy(_) if !leave().await => Err(Outcome::Unsent),
            Way::Proxy(sites) => {
                let [(_, first), ..] = &**sites;
                let url = sites.iter().find(|(known, _)| *known == channel).map_or(first, |(_, url)| url);
                // Boxed, because its large future would otherwise be part of that of every message.
                let answer = Box::pin(async {
                    let response = self.client.post(url.clone()).body(body).send().await?;
                    let (status, wait) = (response.status(), wait_asked(response.headers()));
                    Ok(HttpAnswer { status, wait, body: read(response).await })
                });
                answer.await.map_err(failure::client)
            }
        }
    }

    /// Removes the credential from the provider's words after classification. A short one is left, because it may be
    /// part of any word.
    pub(in crate::provider) fn cut_credential(&self, problem: Option<&mut Problem>) {
        let secret = self.secret.expose_secret();
        if let Some(problem) = problem.filter(|_| secret.len() >= SHORTEST_SECRET) {
            problem.cut(secret);
        }
    }
}
