//! NXLink's signature: the MD5 of the signed headers, the exact body and the secret.

use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};

/// The fixed header `bizType` for WhatsApp.
pub(super) const BIZ_TYPE: &str = "2";
/// The fixed header `action` for templates.
pub(super) const ACTION: &str = "mt";

/// Returns the header `sign`, in lower-case hexadecimal. `headers` are `accessKey`, `action`, `bizType` and `ts`, in
/// this order; `body` is the exact text, or `None` if there is none or it is multipart.
#[must_use]
pub fn sign(headers: &[(&str, &str); 4], body: Option<&[u8]>, secret: &SecretString) -> String {
    let mut hash = Md5::new();
    for (index, (name, value)) in headers.iter().enumerate() {
        if index > 0 {
            hash.update(b"&");
        }
        hash.update(name.as_bytes());
        hash.update(b"=");
        hash.update(value.as_bytes());
    }
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        hash.update(b"&body=");
        hash.update(body);
    }
    hash.update(b"&accessSecret=");
    hash.update(secret.expose_secret().as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NXCloud's published examples.
    #[test]
    fn the_published_signatures_come_out() {
        let secret = SecretString::from("abciiiko2k3");
        let headers = [("accessKey", "fme2na3kdi3ki"), ("action", "send"), ("bizType", "1"), ("ts", "1655710885431")];
        for (body, signature) in [
            (r#"{"id":10001,"name":"牛小信"}"#, "7750759da06333f20d0640be09355e34"),
            (r#"{"name":"牛小信","id":10001}"#, "87c3560d3331ae23f1021e2025722354"),
            (r#"{"id": 10001, "name": "牛小信"}"#, "d0c24a9886c629330d7f3f2056c65bc2"),
        ] {
            assert_eq!(sign(&headers, Some(body.as_bytes()), &secret), signature);
        }
        assert_eq!(sign(&headers, None, &secret), sign(&headers, Some(b""), &secret));
    }
}
