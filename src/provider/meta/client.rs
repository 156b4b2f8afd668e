//! The client of Meta's WhatsApp Cloud API.

use std::io::Write as _;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::classify;
use crate::model::{Channel, Millis, Outcome, Reference};
use crate::provider::endpoint::Endpoint;
use crate::provider::error::{PollError, SetupError};
use crate::provider::http::link::AccountLink;
use crate::text::hex;

/// A phone number of a WhatsApp Business account at Meta.
#[derive(Debug)]
pub struct MetaClient {
    link: AccountLink,
    endpoint: Endpoint,
}

impl MetaClient {
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
        let token = format!("Bearer {}", endpoint.secret().expose_secret());
        let mut token = HeaderValue::from_str(&token).map_err(|error| SetupError(Box::new(error)))?;
        token.set_sensitive(true);
        let edge = if endpoint.is_for_marketing() { "marketing_messages" } else { "messages" };
        let messages = url(endpoint, &format!("{}/{edge}", endpoint.phone_number_id()), &[]);
        let sites = Channel::ALL.map(|channel| (channel, messages.clone()));
        let link = AccountLink::new(endpoint, (AUTHORIZATION.as_str(), token), sites, concurrency, timeout)?;
        Ok(Self { link, endpoint: endpoint.clone() })
    }

    pub(super) fn link(&self) -> &AccountLink {
        &self.link
    }

    /// Returns the URL of an object of the Graph API.
    pub(super) fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        url(&self.endpoint, path, query)
    }

    /// Returns the URL of the phone number.
    pub(super) fn number_url(&self, query: &[(&str, &str)]) -> Url {
        self.url(self.endpoint.phone_number_id(), query)
    }

    /// Returns the URL that answers about the access token, and the credential of the app that may ask; `None` without
    /// the app's secret.
    pub(super) fn token_question(&self, app: &str) -> Option<(Url, HeaderValue)> {
        let secret = self.endpoint.app_secret()?;
        let mut url = self.endpoint.join("debug_token");
        url.query_pairs_mut().append_pair("input_token", self.endpoint.secret().expose_secret());
        let mut credential = HeaderValue::from_str(&format!("Bearer {app}|{}", secret.expose_secret())).ok()?;
        credential.set_sensitive(true);
        Some((url, credential))
    }

    /// Whether it sends marketing templates only.
    pub(super) fn is_for_marketing(&self) -> bool {
        self.endpoint.is_for_marketing()
    }

    /// Returns the id of the WhatsApp Business account, if it is configured.
    pub(in crate::provider) fn account_id(&self) -> Option<&str> {
        self.endpoint.waba_id()
    }

    /// Posts one body, once `leave` permits it, and returns the outcome. Meta returns `reference` with every status of
    /// the message. Never fails: every failure is an outcome.
    pub(in crate::provider) async fn send<F: Future<Output = bool>>(
        &self,
        channel: Channel,
        mut body: Vec<u8>,
        reference: Option<&Reference>,
        leave: impl Fn() -> F,
    ) -> Outcome {
        if let Some(reference) = reference {
            add_reference(&mut body, reference);
        }
        self.link.send(channel, body, leave, classify::answer).await
    }

    /// Asks for the phone number's id, which shows whether the account works.
    ///
    /// # Errors
    /// [`PollError`] when there is no usable response.
    pub(in crate::provider) async fn probe(&self) -> Result<(), PollError> {
        let (status, wait, body) = self.link.get(self.number_url(&[("fields", "id")])).await?;
        classify::number(status, wait, &body).map_err(|mut error| {
            self.link.cut_credential(Some(error.problem_mut()));
            error
        })
    }

    /// Returns the provider's time, from the `Date` of an answer to a request for no message. `None` without an answer.
    pub(in crate::provider) async fn server_time(&self) -> Option<Millis> {
        self.link.server_time(self.number_url(&[("fields", "id")])).await
    }
}

/// Returns the URL of an object of the Graph API, with the proof of the token if there is one.
fn url(endpoint: &Endpoint, path: &str, query: &[(&str, &str)]) -> Url {
    let mut url = endpoint.join(path);
    let proof = proof(endpoint);
    let proof = proof.as_deref().map(|proof| ("appsecret_proof", proof));
    if !query.is_empty() || proof.is_some() {
        url.query_pairs_mut().extend_pairs(query).extend_pairs(proof);
    }
    url
}

/// Adds the reference to a body, which is a JSON object with at least one key.
fn add_reference(body: &mut Vec<u8>, reference: &Reference) {
    if body.pop_if(|last| *last == b'}').is_some() {
        // Writing to memory cannot fail. A reference needs no escapes.
        let _ = write!(body, ",\"biz_opaque_callback_data\":\"{reference}\"}}");
    }
}

/// Returns `appsecret_proof`, which apps can require of every call: the HMAC-SHA256 of the token under the app's
/// secret, in hexadecimal ("Secure Graph API calls").
fn proof(endpoint: &Endpoint) -> Option<String> {
    let secret = endpoint.app_secret()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(endpoint.secret().expose_secret().as_bytes());
    Some(hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_the_last_key_of_the_body() {
        let mut body = br#"{"to":"+85268411234","type":"text"}"#.to_vec();
        let reference = Reference::parse("c1.3.7.1.00112233445566778899aabb").unwrap();
        add_reference(&mut body, &reference);
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["biz_opaque_callback_data"], "c1.3.7.1.00112233445566778899aabb");
        assert_eq!(body["to"], "+85268411234");
    }
}
