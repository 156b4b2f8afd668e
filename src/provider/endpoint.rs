//! Where an account is reached, and with which credential.

use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::base_url::{BadBaseUrl, BaseUrl, without_password};
use crate::text::hex;

/// The documented host of the INCS Messages API.
pub const INCS_BASE_URL: &str = "https://chat-api.incsapp.com";

/// An account's address and credential. `Debug` shows the address only.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: BaseUrl,
    secret: SecretString,
}

/// Why an address or a credential cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EndpointError {
    /// Not a URL with a host.
    #[error("`{0}` is not a base URL; one looks like https://chat-api.incsapp.com")]
    BadUrl(String),
    /// Not HTTPS, and not this machine.
    #[error(
        "`{0}` would send the credential and the numbers in the open; use https:// (http:// is for this machine only)"
    )]
    Insecure(String),
    /// A name or a password before the host.
    #[error("the provider's address holds a name or a password before `@`, where it would be seen; take it out")]
    Password,
    /// The credential is empty or cannot stand in a header.
    #[error("the certification code is empty or holds characters that no header can")]
    BadCredential,
}

impl Endpoint {
    /// An account at `base` with this certification code.
    ///
    /// # Errors
    /// Where the address is not HTTPS (loopback excepted) or the credential cannot stand in a header.
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

    /// Whether the two are one account: the same credential at the same address.
    #[must_use]
    pub fn is_same_account(&self, other: &Self) -> bool {
        self.join("") == other.join("") && self.secret.expose_secret() == other.secret.expose_secret()
    }

    /// A fingerprint of the account, to keep in the store what the provider asked of it. The credential cannot be read
    /// from it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::new().chain_update(self.join("").as_str()).chain_update([0]);
        let hash = hash.chain_update(self.secret.expose_secret()).finalize();
        hex(&hash[..8])
    }

    /// Whether the address is on this machine's loopback.
    pub(super) fn is_this_machine(&self) -> bool {
        self.base.is_this_machine()
    }

    /// The address with this path below it.
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
