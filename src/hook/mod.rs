//! The done hook: tells somebody that a run is over, by a request or a command, once a call. Who calls again is not
//! decided here, nor what is told.
//!
//! The body is signed with HMAC-SHA256 where there is a secret, so that whoever gets it knows whose it is.

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

/// Who is told.
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

/// What is told: the same bytes each time it is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The same for the same end of the same run, so that whoever is told twice can know it.
    pub id: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// A call that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct NotTaken {
    /// Why.
    pub words: String,
    /// Whether it may be another time.
    pub may_pass: bool,
}

impl NotTaken {
    fn for_now(words: impl Into<String>) -> Self {
        Self { words: words.into(), may_pass: true }
    }
}

impl Hook {
    /// One that posts to this URL.
    ///
    /// # Errors
    /// Where it is not HTTPS (this machine excepted), holds a password, or is no URL.
    pub fn url(url: &str, secret: Option<SecretString>) -> Result<Self, BadBaseUrl> {
        BaseUrl::parse(url)?;
        let url = Url::parse(url).map_err(|_| BadBaseUrl::NotOne)?;
        Ok(Self { way: Way::Request(url), secret })
    }

    /// One that runs this program, which finds what is told on its standard input.
    #[must_use]
    pub fn command(program: String, arguments: Vec<String>, secret: Option<SecretString>) -> Self {
        Self { way: Way::Command(program, arguments), secret }
    }

    /// Tells it, once.
    ///
    /// # Errors
    /// Where it was not taken: no 2xx, or an exit code that is not 0.
    pub async fn call(&self, told: &Told) -> Result<(), NotTaken> {
        let signature = self.secret.as_ref().map(|secret| signature(secret, &told.body));
        match &self.way {
            Way::Request(url) => request::post(url, told, signature, REQUEST).await,
            Way::Command(program, arguments) => command::run(program, arguments, told, signature, COMMAND).await,
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
