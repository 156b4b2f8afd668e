//! The base URL of a provider account: HTTPS, or this machine.
//!
//! The same rule applies to every provider. This module opens no connection and knows no credential.

use std::net::IpAddr;

use reqwest::Url;

/// A base URL whose path ends in a slash.
#[derive(Clone, Debug)]
pub struct BaseUrl(Url);

/// Why a text is not a valid base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBaseUrl {
    /// Not a URL with a host.
    #[error("not a base URL; expected something like https://api.example.com")]
    NotOne,
    /// Not HTTPS, and not this machine.
    #[error("must be https:// (http:// is allowed only for this machine)")]
    Insecure,
    /// A user name or password before the host, where others can see it.
    #[error("contains a user name or a password before `@`, where others can see it; remove it")]
    Password,
}

impl BaseUrl {
    /// Parses a base URL.
    ///
    /// # Errors
    /// When it is not HTTPS (loopback excepted), or not a URL.
    pub fn parse(text: &str) -> Result<Self, BadBaseUrl> {
        let mut url = Url::parse(text).map_err(|_| BadBaseUrl::NotOne)?;
        url.host_str().ok_or(BadBaseUrl::NotOne)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadBaseUrl::Password);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_this_machine(&url) => {}
            "http" => return Err(BadBaseUrl::Insecure),
            _ => return Err(BadBaseUrl::NotOne),
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self(url))
    }

    /// Whether the host is this machine's loopback address.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        is_this_machine(&self.0)
    }

    /// Returns the URL of this path below the base.
    #[must_use]
    pub fn join(&self, path: &str) -> Url {
        // A relative path below a base that ends in a slash always joins.
        self.0.join(path).unwrap_or_else(|_| self.0.clone())
    }

    /// Returns the URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// Returns a text that should be a URL, without what may be a password.
#[must_use]
pub fn without_password(text: &str) -> String {
    let scheme = text.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("{scheme}…@{rest}"))
}

fn is_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}
