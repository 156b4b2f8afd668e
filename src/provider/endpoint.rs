//! The URL and credential of an account.

use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::base_url::{BadBaseUrl, BaseUrl, without_password};
use crate::model::ProviderApi;
use crate::text::hex;

/// The documented host of the INCS Messages API.
pub const INCS_BASE_URL: &str = "https://chat-api.incsapp.com";

/// Meta's Graph API with its version, which Meta supports for about two years.
pub const META_BASE_URL: &str = "https://graph.facebook.com/v25.0";

/// An account's URL and credential. `Debug` shows neither credentials nor the sending number's id.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: BaseUrl,
    secret: SecretString,
    /// What only Meta needs.
    meta: Option<MetaAccount>,
}

/// The parts of an account at Meta besides its URL and its access token.
#[derive(Clone, Debug)]
pub struct MetaAccount {
    /// The id of the sending phone number, which is not the number itself.
    pub phone_number_id: String,
    /// The id of the WhatsApp Business account that the number and the templates belong to, if it is known.
    pub waba_id: Option<String>,
    /// Whether messages go through the Marketing Messages API, which sends marketing templates only.
    pub marketing: bool,
    /// The app's secret, which signs webhooks and proves to Meta that the token is in the right hands.
    pub app_secret: Option<SecretString>,
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
    #[error("the {0} is empty or contains characters that are not allowed in a header")]
    BadCredential(&'static str),
    /// The phone number's id has other characters than digits.
    #[error(
        "the phone number id is not valid: it must have only digits; Meta shows it next to the number, under WhatsApp > \
         API Setup"
    )]
    BadPhoneNumberId,
    /// The id of the WhatsApp Business account has other characters than digits.
    #[error(
        "the id of the WhatsApp Business account is not valid: it must have only digits; Meta shows it under WhatsApp > API \
         Setup"
    )]
    BadWabaId,
}

impl Endpoint {
    /// Returns an INCS account at `base` with this certification code.
    ///
    /// # Errors
    /// When the URL is not HTTPS (except for loopback), or the credential is not allowed in a header.
    pub fn new(base: &str, secret: SecretString) -> Result<Self, EndpointError> {
        Self::of(base, secret, "certification code", None)
    }

    /// Returns an account at Meta with this access token; `base` includes the version.
    ///
    /// # Errors
    /// As [`Endpoint::new`], and when the phone number's id is not made of digits.
    pub fn meta(base: &str, token: SecretString, account: MetaAccount) -> Result<Self, EndpointError> {
        let is_id = |id: &str| !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_digit());
        if !is_id(&account.phone_number_id) {
            return Err(EndpointError::BadPhoneNumberId);
        }
        if account.waba_id.as_deref().is_some_and(|id| !is_id(id)) {
            return Err(EndpointError::BadWabaId);
        }
        Self::of(base, token, "access token", Some(account))
    }

    fn of(
        base: &str,
        secret: SecretString,
        name: &'static str,
        meta: Option<MetaAccount>,
    ) -> Result<Self, EndpointError> {
        let url = parse(base)?;
        let text = secret.expose_secret();
        if text.trim().is_empty() || HeaderValue::from_str(text).is_err() {
            return Err(EndpointError::BadCredential(name));
        }
        Ok(Self { base: url, secret, meta })
    }

    /// Returns the API of the account.
    #[must_use]
    pub fn api(&self) -> ProviderApi {
        if self.meta.is_some() { ProviderApi::Meta } else { ProviderApi::Incs }
    }

    /// Whether both are the same account: the same credential at the same URL, or the same phone number at Meta.
    #[must_use]
    pub fn is_same_account(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }

    /// Returns a fingerprint of the account, under which the store keeps what the provider asked of it. It does not
    /// reveal the credential. At Meta, the phone number's id takes the place of the credential, because a renewed
    /// access token is still the same account.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match &self.meta {
            None => fingerprint_of(&self.base, self.secret.expose_secret()),
            Some(meta) => fingerprint_of(&self.base, &meta.phone_number_id),
        }
    }

    /// Returns the fingerprint of an account at Meta, for which no access token is needed.
    ///
    /// # Errors
    /// When the URL is not HTTPS (except for loopback).
    pub fn meta_fingerprint(base: &str, phone_number_id: &str) -> Result<String, EndpointError> {
        Ok(fingerprint_of(&parse(base)?, phone_number_id))
    }

    /// Returns the id of the sending phone number at Meta; empty for another API.
    pub(super) fn phone_number_id(&self) -> &str {
        self.meta.as_ref().map_or("", |meta| &meta.phone_number_id)
    }

    /// Returns the id of the WhatsApp Business account at Meta, if it is known.
    pub(super) fn waba_id(&self) -> Option<&str> {
        self.meta.as_ref()?.waba_id.as_deref()
    }

    /// Whether messages go through Meta's Marketing Messages API.
    pub(super) fn is_for_marketing(&self) -> bool {
        self.meta.as_ref().is_some_and(|meta| meta.marketing)
    }

    /// Returns the secret of the app at Meta, if it is known.
    pub(super) fn app_secret(&self) -> Option<&SecretString> {
        self.meta.as_ref()?.app_secret.as_ref()
    }

    /// Returns the host of the URL.
    #[must_use]
    pub fn host(&self) -> String {
        self.join("").host_str().unwrap_or_default().to_owned()
    }

    /// Whether the URL is on this machine's loopback.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
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

fn parse(base: &str) -> Result<BaseUrl, EndpointError> {
    BaseUrl::parse(base).map_err(|bad| match bad {
        BadBaseUrl::NotOne => EndpointError::BadUrl(without_password(base)),
        BadBaseUrl::Insecure => EndpointError::Insecure(base.to_owned()),
        BadBaseUrl::Password => EndpointError::Password,
    })
}

/// Returns the fingerprint of the account with this identity at this URL.
fn fingerprint_of(base: &BaseUrl, identity: &str) -> String {
    let hash = Sha256::new().chain_update(base.join("").as_str()).chain_update([0]).chain_update(identity);
    hex(&hash.finalize()[..8])
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

    fn meta(token: &str, id: &str) -> Result<Endpoint, EndpointError> {
        let account = MetaAccount { phone_number_id: id.to_owned(), waba_id: None, marketing: false, app_secret: None };
        Endpoint::meta(META_BASE_URL, SecretString::from(token), account)
    }

    #[test]
    fn at_meta_the_phone_number_is_the_account_and_its_id_is_made_of_digits() {
        let account = meta("token-1", "106540352242922").unwrap();
        assert_eq!(account.api(), ProviderApi::Meta);
        assert!(account.is_same_account(&meta("token-2", "106540352242922").unwrap()));
        assert!(!account.is_same_account(&meta("token-1", "106540352242923").unwrap()));
        assert_eq!(Endpoint::meta_fingerprint(META_BASE_URL, "106540352242922").unwrap(), account.fingerprint());
        for id in ["", "+85268411234", "../me", "1 2"] {
            assert_eq!(meta("token-1", id).unwrap_err(), EndpointError::BadPhoneNumberId, "{id}");
        }
        let account = MetaAccount {
            phone_number_id: "1".into(),
            waba_id: Some("the shop".into()),
            marketing: false,
            app_secret: None,
        };
        let bad = Endpoint::meta(META_BASE_URL, SecretString::from("token-1"), account);
        assert_eq!(bad.unwrap_err(), EndpointError::BadWabaId);
        assert_eq!(meta(" ", "1").unwrap_err(), EndpointError::BadCredential("access token"));
    }

    #[test]
    fn an_empty_credential_is_refused() {
        for text in ["", "  ", "a\nb"] {
            let made = Endpoint::new("https://example.com", SecretString::from(text));
            assert_eq!(made.unwrap_err(), EndpointError::BadCredential("certification code"));
        }
    }
}
