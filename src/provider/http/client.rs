//! Makes one HTTP request to a template provider; shared by both providers.
//!
//! It never retries and does not interpret responses: the providers' own folders do. It reports whether a request may
//! have arrived.

use std::time::Duration;

use reqwest::{Client, Method, Url};

use crate::base_url::BaseUrl;
use crate::text::error_chain;

/// The most bytes of a response.
const LARGEST_ANSWER: usize = 16 << 20;
const TIMEOUT: Duration = Duration::from_secs(30);

/// The attempts of a call that is safe to repeat.
pub(in crate::provider) const TRIES: u32 = 3;

/// Returns the wait before attempt number `next`, from 2.
pub(in crate::provider) fn pause(next: u32) -> Duration {
    Duration::from_millis(250) * 2_u32.pow(next.saturating_sub(2).min(6))
}

#[derive(Debug)]
pub(in crate::provider) struct Http(Client);

/// A complete response.
pub(in crate::provider) struct HttpReply {
    pub(in crate::provider) status: u16,
    pub(in crate::provider) body: Vec<u8>,
}

/// Why there is no response.
pub(in crate::provider) enum Lost {
    /// No byte of the request arrived.
    NotSent(String),
    /// It may have arrived.
    InDoubt(String),
}

/// Returns a provider's request id, if it is valid: its support can find the request by it.
pub(in crate::provider) fn request_id(text: Option<String>) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
    text.filter(|id| id.len() <= 128 && id.chars().all(is_plain))
}

impl Http {
    /// Returns a client for this URL.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(in crate::provider) fn new(base: &BaseUrl) -> Result<Self, String> {
        // Needed once per process; an earlier call set the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder();
        if base.is_this_machine() {
            // A proxy is only for other machines.
            client = client.no_proxy();
        }
        client
            .user_agent(concat!("campaigner/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            // An idle connection may be closed while a request is written, which leaves that request in doubt.
            .pool_max_idle_per_host(0)
            .timeout(TIMEOUT)
            .build()
            .map(Self)
            .map_err(|error| error_chain(&error.without_url(), ": "))
    }

    pub(in crate::provider) async fn send(
        &self,
        method: &str,
        url: Url,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<HttpReply, Lost> {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut request = self.0.request(method, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let lost = |error: reqwest::Error| {
            let error = error.without_url();
            let words = error_chain(&error, ": ");
            if error.is_connect() || error.is_builder() { Lost::NotSent(words) } else { Lost::InDoubt(words) }
        };
        let mut response = request.body(body).send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_ANSWER {
                return Err(Lost::InDoubt("the response is too large".to_owned()));
            }
        }
        Ok(HttpReply { status, body })
    }
}
