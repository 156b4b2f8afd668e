//! The address that a provider's account is reached at: HTTPS, or this machine.
//!
//! One rule for every provider. It opens no connection and knows no credential.

use std::net::IpAddr;

use reqwest::Url;

/// A base URL whose path ends in a slash.
#[derive(Clone, Debug)]
pub struct BaseUrl(Url);

/// Why a text is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBaseUrl {
    /// Not a URL with a host.
    #[error("this is not a base URL; one looks like https://api.example.com")]
    NotOne,
    /// Not HTTPS, and not this machine.
    #[error("this must be https:// (http:// is for this machine only)")]
    Insecure,
    /// A name or a password before the host, where it would be seen.
    #[error("this holds a name or a password before `@`, where it would be seen; take it out")]
    Password,
}

impl BaseUrl {
    /// Reads a base URL.
    ///
    /// # Errors
    /// Where it is not HTTPS (loopback excepted) or no URL at all.
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

    /// Whether the address is on this machine's loopback.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        is_this_machine(&self.0)
    }

    /// The address with this path below it.
    #[must_use]
    pub fn join(&self, path: &str) -> Url {
        // A relative path below a base that ends in a slash always joins.
        self.0.join(path).unwrap_or_else(|_| self.0.clone())
    }

    /// The address itself.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// A text that should be an address, without what may be a password in it.
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
