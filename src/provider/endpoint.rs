//! The URL and credential of an account.

use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::base_url::{BadBaseUrl, BaseUrl, without_password};
use crate::text::hex;

/// The documented host of the INCS Messages API.
pub const INCS_BASE_URL: &str = "https://chat-api.incsapp.com";

/// An account's URL and credential. `Debug` shows only the URL.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: BaseUrl,
    secret: SecretString,
}

/// Why a URL or a credential cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EndpointError {
    /// Not a URL with a host.
    #[error("`{0}` is not a base URL; write one such as https://chat-api.incsapp.com")]
    BadUrl(String),
    /// Not HTTPS, and not this machine.
    #[error(
        "`{0}` would send the credential and the numbers unencrypted; use https:// (http:// is only for this machine)"
    )]
    Insecure(String),
    /// It has a user name or password before the host.
    #[error("the provider's URL contains a user name or password before `@`, where others could see it; remove it")]
    Password,
    /// The credential is empty or not allowed in a header.
    #[error("the certification code is empty or contains characters that are not allowed in a header")]
    BadCredential,
}

impl Endpoint {
    /// Returns an account at `base` with this certification code.
    ///
    /// # Errors
    /// When the URL is not HTTPS (except for loopback), or the credential is not allowed in a header.
    pub fn new(base: &str, secret: SecretString) -> Result<Self, EndpointError> {
        let url = BaseUrl::parse(base).map_err(|bad| match bad {
            BadBaseUrl::NotOne => EndpointError::BadUrl(without_password(base)),
            BadBaseUrl::Insecure => EndpointError::Insecure(base.to_owned()),
            BadBaseUrl::Password => EndpointError::Password,
        })?;
        let text = secret.expose_secret();
        if text.trim().is_empty() || HeaderValue::from_str(text).is_err() {
            return Err(EndpointError::BadCredential);
        }
        Ok(Self { base: url, secret })
    }

    /// Whether both are the same account: the same credential at the same URL.
    #[must_use]
    pub fn is_same_account(&self, other: &Self) -> bool {
        self.join("") == other.join("") && self.secret.expose_secret() == other.secret.expose_secret()
    }

    /// Returns a fingerprint of the account, under which the store keeps what the provider asked of it. It does not
    /// reveal the credential.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::new().chain_update(self.join("").as_str()).chain_update([0]);
        let hash = hash.chain_update(self.secret.expose_secret()).finalize();
        hex(&hash[..8])
    }

    /// Returns the host of the URL.
    #[must_use]
    pub fn host(&self) -> String {
        self.join("").host_str().unwrap_or_default().to_owned()
    }

    /// Whether the URL is on this machine's loopback.
    pub(super) fn is_this_machine(&self) -> bool {
        self.base.is_this_machine()
    }

    /// Returns the URL with this path appended.
    pub(super) fn join(&self, path: &str) -> Url {
        self.base.join(path)
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::new(base, SecretString::from("code-1234"))
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for base in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9", "https://example.com/v1"] {
            assert!(endpoint(base).is_ok(), "{base}");
        }
        assert!(matches!(endpoint("http://example.com"), Err(EndpointError::Insecure(_))));
        assert!(matches!(endpoint("http://127.0.0.1.example.com"), Err(EndpointError::Insecure(_))));
        for base in ["", "example.com", "ftp://127.0.0.1", "https://"] {
            assert!(matches!(endpoint(base), Err(EndpointError::BadUrl(_))), "{base}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_refused_and_not_shown() {
        for base in [
            "https://me:secret@example.com",
            "http://secret@127.0.0.1:1",
            "ftp://a:secret@b",
            "secret@b",
            "x://a:secret@",
        ] {
            let words = endpoint(base).unwrap_err().to_string();
            assert!(!words.contains("secret"), "{words}");
        }
    }

    #[test]
    fn a_path_in_the_base_is_kept() {
        let url = endpoint("https://example.com/gateway").unwrap().join("external/messages/status");
        assert_eq!(url.as_str(), "https://example.com/gateway/external/messages/status");
    }

    #[test]
    fn a_client_with_the_credential_in_its_headers_does_not_print_it() {
        let endpoint = endpoint("https://example.com").unwrap();
        let provider = crate::provider::Provider::new(&endpoint, 1, std::time::Duration::from_secs(1)).unwrap();
        assert!(!format!("{provider:?} {provider:#?}").contains("code-1234"));
    }

    #[test]
    fn the_credential_does_not_print() {
        assert!(!format!("{:?}", endpoint("https://example.com").unwrap()).contains("code-1234"));
    }

    #[test]
    fn an_empty_credential_is_refused() {
        for text in ["", "  ", "a\nb"] {
            let made = Endpoint::new("https://example.com", SecretString::from(text));
            assert_eq!(made.unwrap_err(), EndpointError::BadCredential);
        }
    }
}
