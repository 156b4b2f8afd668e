//! Alibaba Cloud's signature version 3 (ACS3-HMAC-SHA256), for requests to the path `/`.

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::text::hex;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The signed parts of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method in capitals.
    pub method: &'a str,
    /// The query parameters, not encoded.
    pub query: &'a [(String, String)],
    /// The signed headers, with lower-case names and without `x-acs-content-sha256`.
    pub headers: &'a [(String, String)],
    /// The body as it is sent.
    pub body: &'a [u8],
}

/// The headers `x-acs-content-sha256` and `authorization` for a request.
#[must_use]
pub fn sign(request: &Request<'_>, key: &str, secret: &SecretString) -> (String, String) {
    let payload = hex(&Sha256::digest(request.body));
    let mut headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.trim())).collect();
    headers.push(("x-acs-content-sha256", &payload));
    headers.sort_unstable();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!("{}\n/\n{}\n{lines}\n{names}\n{payload}", request.method, encode(request.query));
    let to_sign = format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let signature = match Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) {
        Ok(mut mac) => {
            mac.update(to_sign.as_bytes());
            hex(&mac.finalize().into_bytes())
        }
        // A key of any length is taken.
        Err(_) => String::new(),
    };
    let authorization = format!("{ALGORITHM} Credential={key},SignedHeaders={names},Signature={signature}");
    (payload, authorization)
}

/// Parameters as a query or form has them, sorted by their encoded names.
pub(super) fn encode(parameters: &[(String, String)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let mut pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.sort_unstable();
    pairs.join("&")
}
