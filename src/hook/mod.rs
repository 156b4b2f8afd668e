//! The `on_done` hook: notifies someone that a run has finished, by an HTTP request or a command. Each call tries once;
//! the caller decides about retries and the content.
//!
//! With a secret, the body is signed with HMAC-SHA256, so the receiver can check who sent it.

mod command;
mod request;

#[cfg(test)]
mod tests;

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::base_url::{BadBaseUrl, BaseUrl};
use crate::text::hex;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Where notifications go.
#[derive(Clone, Debug)]
pub struct Hook {
    way: Way,
    secret: Option<SecretString>,
}

#[derive(Clone, Debug)]
enum Way {
    Request(Url),
    /// A program and its arguments. No shell reads them.
    Command(String, Vec<String>),
}

/// What the hook receives. Every call sends the same bytes.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Identifies the end of a run, so that the receiver can recognise a repeated call.
    pub id: String,
    /// The JSON body.
    pub body: Vec<u8>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct HookError {
    /// The reason.
    pub words: String,
    /// Whether another try may work.
    pub may_pass: bool,
}

impl HookError {
    fn for_now(words: impl Into<String>) -> Self {
        Self { words: words.into(), may_pass: true }
    }
}

impl Hook {
    /// Creates a hook that posts to this URL.
    ///
    /// # Errors
    /// When the text is not a URL, does not use HTTPS (except on this machine), or holds a password.
    pub fn url(url: &str, secret: Option<SecretString>) -> Result<Self, BadBaseUrl> {
        BaseUrl::parse(url)?;
        let url = Url::parse(url).map_err(|_| BadBaseUrl::NotOne)?;
        Ok(Self { way: Way::Request(url), secret })
    }

    /// Creates a hook that runs this program with the body on its standard input.
    #[must_use]
    pub fn command(program: String, arguments: Vec<String>, secret: Option<SecretString>) -> Self {
        Self { way: Way::Command(program, arguments), secret }
    }

    /// Calls the hook once.
    ///
    /// # Errors
    /// When the answer is not 2xx, or the exit code is not 0.
    pub async fn call(&self, notification: &Notification) -> Result<(), HookError> {
        let signature = self.secret.as_ref().map(|secret| signature(secret, &notification.body));
        match &self.way {
            Way::Request(url) => request::post(url, notification, signature, REQUEST_TIMEOUT).await,
            Way::Command(program, arguments) => {
                command::run(program, arguments, notification, signature, COMMAND_TIMEOUT).await
            }
        }
    }
}

/// Returns `sha256=` and the HMAC of the body in hexadecimal.
fn signature(secret: &SecretString, body: &[u8]) -> String {
    let digest = match Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) {
        Ok(mut mac) => {
            mac.update(body);
            mac.finalize().into_bytes()
        }
        // HMAC accepts a key of any length.
        Err(_) => return String::new(),
    };
    format!("sha256={}", hex(&digest))
}
