//! The hook as an HTTP request: a POST that succeeds if the answer is 2xx.

use std::time::Duration;

use reqwest::{Client, Url};

use super::{HookError, Notification};

pub(super) async fn post(
    url: &Url,
    notification: &Notification,
    signature: Option<String>,
    patience: Duration,
) -> Result<(), HookError> {
    // Needed once per process. It fails if another part has already installed the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .user_agent(concat!("campaigner/", env!("CARGO_PKG_VERSION")))
        // The body is meant for this address only.
        .redirect(reqwest::redirect::Policy::none())
        .timeout(patience)
        .build()
        .map_err(|error| HookError { words: error.without_url().to_string(), may_pass: false })?;
    let mut request = client
        .post(url.clone())
        .header("content-type", "application/json")
        .header("idempotency-key", &notification.id)
        .body(notification.body.clone());
    if let Some(signature) = signature {
        request = request.header("campaigner-signature", signature);
    }
    let status = match request.send().await {
        Ok(answer) => answer.status(),
        Err(error) if error.is_timeout() => return Err(HookError::for_now("no answer within the time limit")),
        // The URL may hold a token.
        Err(error) => return Err(HookError::for_now(format!("no answer: {}", error.without_url()))),
    };
    let may_pass = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    if status.is_success() {
        return Ok(());
    }
    Err(HookError { words: format!("the answer was {status}"), may_pass })
}
