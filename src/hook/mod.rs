//! The `on_done` hook: notifies somebody that a run is over, by a request or a command. Each call tries once; retries
//! and the content are decided by the caller.
//!
//! With a secret the body is signed with HMAC-SHA256, so the receiver knows who sent it.

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

/// Time for one request.
const REQUEST: Duration = Duration::from_secs(10);
/// Time for one command.
const COMMAND: Duration = Duration::from_secs(60);

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

/// What is sent: the same bytes at every call.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The same for the same end of the same run, so the receiver can recognise a repeat.
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
    /// A hook that posts to this URL.
    ///
    /// # Errors
    /// When it is not a URL, not HTTPS (except on this machine), or holds a password.
    pub fn url(url: &str, secret: Option<SecretString>) -> Result<Self, BadBaseUrl> {
        BaseUrl::parse(url)?;
        let url = Url::parse(url).map_err(|_| BadBaseUrl::NotOne)?;
        Ok(Self { way: Way::Request(url), secret })
    }

    /// A hook that runs this program with the body on its standard input.
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
            Way::Request(url) => request::post(url, notification, signature, REQUEST).await,
            Way::Command(program, arguments) => {
                command::run(program, arguments, notification, signature, COMMAND).await
            }
        }
    }
}

/// `sha256=` and the HMAC of the body in hexadecimal.
fn signature(secret: &SecretString, body: &[u8]) -> String {
    let digest = match Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) {
        Ok(mut mac) => {
            mac.update(body);
            mac.finalize().into_bytes()
        }
        // A key of any length is taken.
        Err(_) => return String::new(),
    };
    format!("sha256={}", hex(&digest))
}
