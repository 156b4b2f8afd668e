//! The client of the INCS Messages API.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;

use super::classify;
use crate::model::{Channel, Millis, Outcome, StatusUpdate};
use crate::provider::endpoint::Endpoint;
use crate::provider::error::{PollError, SetupError};
use crate::provider::http::link::AccountLink;

/// An INCS account.
#[derive(Debug)]
pub struct IncsClient {
    link: AccountLink,
    status: Url,
}

/// The most ids in a status request, according to the provider's documentation ("Get message status").
pub const MOST_IDS: usize = 100;
/// The most bytes of a status request's URL. Servers and proxies commonly refuse 8 KiB and more.
pub const LONGEST_URL: usize = 8_000;

/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl IncsClient {
    /// Returns a client for this account that keeps at most `concurrency` connections; `timeout` covers a whole
    /// request.
    ///
    /// # Errors
    /// When TLS or the credential's header cannot be set up.
    pub(in crate::provider) fn new(
        endpoint: &Endpoint,
        concurrency: usize,
        timeout: Duration,
    ) -> Result<Self, SetupError> {
        let mut code =
            HeaderValue::from_str(endpoint.secret().expose_secret()).map_err(|error| SetupError(Box::new(error)))?;
        code.set_sensitive(true);
        let sites = Channel::ALL.map(|channel| (channel, endpoint.join(&format!("external/messages/{channel}"))));
        let link = AccountLink::new(endpoint, ("certification-code", code), sites, concurrency, timeout)?;
        Ok(Self { link, status: endpoint.join("external/messages/status") })
    }

    /// Posts one body to the channel's route, once `leave` permits it, and returns the outcome. Never fails: every
    /// failure is an outcome.
    pub(in crate::provider) async fn send<F: Future<Output = bool>>(
        &self,
        channel: Channel,
        body: Vec<u8>,
        leave: impl Fn() -> F,
    ) -> Outcome {
        self.link.send(channel, body, leave, classify::answer).await
    }

    /// Polls the statuses of at most [`MOST_IDS`] messages; see [`IncsClient::ids_that_fit`]. The result omits ids that
    /// the provider does not mention.
    ///
    /// # Errors
    /// [`PollError`] when there is no usable response.
    pub(in crate::provider) async fn poll(&self, message_ids: &[&str]) -> Result<Vec<StatusUpdate>, PollError> {
        let mut url = self.status.clone();
        let mut query = String::from("message_ids=");
        for (index, id) in message_ids.iter().enumerate() {
            if index > 0 {
                query.push(',');
            }
            query.extend(utf8_percent_encode(id, ENCODED));
        }
        url.set_query(Some(&query));
        let (status, wait, body) = self.link.get(url).await?;
        classify::statuses(status, wait, &body).map_err(|mut error| {
            self.link.cut_credential(Some(error.problem_mut()));
            error
        })
    }

    /// Returns the provider's time, from the `Date` of an answer to a request for no message. `None` without an answer.
    pub(in crate::provider) async fn server_time(&self) -> Option<Millis> {
        self.link.server_time(self.status.clone()).await
    }

    /// Returns how many of these ids, from the first, fit into one status request.
    pub(in crate::provider) fn ids_that_fit<'a>(&self, message_ids: impl Iterator<Item = &'a str>) -> usize {
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
