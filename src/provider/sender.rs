//! A provider that sends, whichever API it speaks.

use std::time::Duration;

use super::account::AccountAnswers;
use super::endpoint::Endpoint;
use super::error::{PollError, SetupError};
use super::incs::client::IncsClient;
use super::meta::client::MetaClient;
use crate::model::{Channel, Millis, Outcome, ProviderApi, Reference, StatusUpdate};

/// The id of a message that does not exist.
pub const NO_MESSAGE: &str = "campaigner-doctor";

/// A provider account, reached over kept-alive connections.
#[derive(Debug)]
pub enum Provider {
    /// The INCS Messages API.
    Incs(IncsClient),
    /// Meta's WhatsApp Cloud API.
    Meta(MetaClient),
}

impl Provider {
    /// Returns a client for this account that keeps at most `concurrency` connections; `timeout` covers a whole
    /// request.
    ///
    /// # Errors
    /// When TLS or the credential's header cannot be set up.
    pub fn new(endpoint: &Endpoint, concurrency: usize, timeout: Duration) -> Result<Self, SetupError> {
        match endpoint.api() {
            ProviderApi::Incs => IncsClient::new(endpoint, concurrency, timeout).map(Self::Incs),
            ProviderApi::Meta => MetaClient::new(endpoint, concurrency, timeout).map(Self::Meta),
        }
    }

    /// Returns the API of the account.
    #[must_use]
    pub fn api(&self) -> ProviderApi {
        match self {
            Self::Incs(_) => ProviderApi::Incs,
            Self::Meta(_) => ProviderApi::Meta,
        }
    }

    /// Posts one body, once `leave` permits it, and returns the outcome. `leave` is called when a connection is ready.
    /// A provider that returns references gets this one. Never fails: every failure is an outcome.
    pub async fn send<F: Future<Output = bool>>(
        &self,
        channel: Channel,
        body: Vec<u8>,
        reference: Option<&Reference>,
        leave: impl Fn() -> F,
    ) -> Outcome {
        match self {
            Self::Incs(client) => client.send(channel, body, leave).await,
            Self::Meta(client) => client.send(channel, body, reference, leave).await,
        }
    }

    /// Polls the statuses of these messages; see [`Provider::ids_that_fit`]. The result omits ids that the provider
    /// does not mention. Where only webhooks bring statuses, no request is made and nothing is mentioned.
    ///
    /// # Errors
    /// [`PollError`] when there is no usable response.
    pub async fn poll(&self, message_ids: &[&str]) -> Result<Vec<StatusUpdate>, PollError> {
        match self {
            Self::Incs(client) => client.poll(message_ids).await,
            Self::Meta(_) => Ok(Vec::new()),
        }
    }

    /// Asks something harmless that shows whether the account works: INCS for the status of a message that does not
    /// exist, Meta for the phone number.
    ///
    /// # Errors
    /// [`PollError`] when there is no usable response.
    pub async fn probe(&self) -> Result<(), PollError> {
        match self {
            Self::Incs(client) => client.poll(&[NO_MESSAGE]).await.map(drop),
            Self::Meta(client) => client.probe().await,
        }
    }

    /// Asks about the account, and about a template by its name and language. `None` if the provider cannot be asked;
    /// see [`ProviderApi::account_checked`].
    ///
    /// # Errors
    /// [`PollError`] when the provider cannot be reached or asks to come back later.
    pub async fn account(&self, template: Option<(&str, &str)>) -> Result<Option<AccountAnswers>, PollError> {
        match self {
            Self::Incs(_) => Ok(None),
            Self::Meta(client) => client.account(template).await.map(Some),
        }
    }

    /// Returns the provider's id of the business account, which its reports about accounts name, if it is configured.
    #[must_use]
    pub fn business_account(&self) -> Option<&str> {
        match self {
            Self::Incs(_) => None,
            Self::Meta(client) => client.account_id(),
        }
    }

    /// Returns the provider's time, from the `Date` of an answer to a request for no message. `None` without an answer.
    pub async fn server_time(&self) -> Option<Millis> {
        match self {
            Self::Incs(client) => client.server_time().await,
            Self::Meta(client) => client.server_time().await,
        }
    }

    /// Returns how many of these ids, from the first, fit into one status request.
    pub fn ids_that_fit<'a>(&self, message_ids: impl Iterator<Item = &'a str>) -> usize {
        match self {
            Self::Incs(client) => client.ids_that_fit(message_ids),
            Self::Meta(_) => message_ids.count().max(1),
        }
    }
}
