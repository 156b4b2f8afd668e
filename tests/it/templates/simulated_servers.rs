//! How strict the simulated providers of templates are: signatures, times, nonces, shapes, and the number of calls.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use campaigner::model::Millis;
use campaigner::provider::{cams, nxlink};
use campaigner::simulator::{Behaviour, Simulator};
use secrecy::SecretString;
use serde_json::Value;

use crate::support::http::exchange;
use crate::support::{SOON, wait_until};

type Pairs<'p> = Vec<(&'p str, String)>;

fn simulator() -> Simulator {
    Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour::default()).unwrap()
}

/// The JSON of an answer.
fn ask(address: SocketAddr, line: &str, headers: &Pairs<'_>, body: &str) -> Value {
    let mut request = format!("{line} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
    let (_, body) = exchange(address, &format!("{request}\r\n{body}"));
    serde_json::from_str(&body).unwrap()
}

/// The value of a header, put in place of the one there is; an empty one takes it out.
fn set(pairs: &mut Pairs<'_>, name: &str, value: &str) {
    pairs.iter_mut().filter(|(key, _)| *key == name).for_each(|(_, old)| *old = value.to_owned());
    pairs.retain(|(_, value)| !value.is_empty());
}

const TEMPLATE: &str = r#"{"tenant_id":1,"name":"a","language":"en","category_type":2,"content":"Hi 你好"}"#;

/// The headers that NXLink wants for a body, `ts` off by some milliseconds.
fn nxlink_headers(body: &str, off: i64) -> Pairs<'static> {
    let (key, secret) = Simulator::NXLINK_ACCOUNT;
    let ts = (Millis::now().0 + off).to_string();
    let signing = [("accessKey", key), ("action", "mt"), ("bizType", "2"), ("ts", ts.as_str())];
    let signed = (!body.is_empty()).then_some(body.as_bytes());
    let sign = nxlink::sign(&signing, signed, &SecretString::from(secret));
    let mut headers: Pairs<'static> = signing.map(|(name, value)| (name, value.to_owned())).into();
    headers.extend([("sign", sign), ("content-type", "application/json".to_owned())]);
    headers
}

#[test]
fn the_simulated_nxlink_takes_what_is_signed_and_in_time_and_whole() {
    let simulator = simulator();
    let create = |headers: &Pairs<'_>, body: &str| {
        ask(simulator.address(), "POST /saas/wa/template/85268411234", headers, body)["code"].as_i64().unwrap()
    };
    let right = || nxlink_headers(TEMPLATE, 0);
    for (name, value, code) in [
        ("sign", "", 1001),
        ("accessKey", "", 1001),
        ("bizType", "1", 1002),
        ("action", "send", 1002),
        ("sign", "6e9506557d1f289501d333ee2c365826", 1003),
        ("content-type", "text/plain", 1003),
        ("accessKey", "somebody", 1005),
    ] {
        let mut headers = right();
        set(&mut headers, name, value);
        assert_eq!(create(&headers, TEMPLATE), code, "{name}: {value}");
    }
    assert_eq!(create(&nxlink_headers(TEMPLATE, -61_000), TEMPLATE), 1004);
    assert_eq!(create(&nxlink_headers(TEMPLATE, 62_000), TEMPLATE), 1004);
    assert_eq!(create(&right(), &TEMPLATE.replace("Hi", "Ha")), 1003, "another body than was signed");
    for (part, other) in [
        ("\"tenant_id\"", "\"tenant_id \""),
        ("\"category_type\":2", "\"category_type\":3"),
        ("\"name\":\"a\"", "\"name\":\"\""),
        ("\"language\":\"en\",", ""),
        ("}", ",\"buttonComponents\":[{\"type\":\"URL\",\"text\":\"a\"}]}"),
        ("}", ",\"buttonComponents\":[{\"type\":\"CATALOG\",\"text\":\"a\"}]}"),
    ] {
        let body = TEMPLATE.replace(part, other);
        assert_eq!(create(&nxlink_headers(&body, 0), &body), 22072, "{body}");
    }
    assert_eq!(create(&nxlink_headers(TEMPLATE, -50_000), TEMPLATE), 0);
    assert_eq!(create(&right(), TEMPLATE), 22072, "a second one of the name and language");

    let list = |rest: &str| {
        let line = format!("GET /saas/wa/template/85268411234?{rest}");
        ask(simulator.address(), &line, &nxlink_headers("", 0), "")["code"].as_i64().unwrap()
    };
    assert_eq!(list("page_number=1&page_size=10&tenant_id=1"), 0);
    for wrong in ["page_number=0&page_size=10&tenant_id=1", "page_number=1&tenant_id=1", "page_number=1&page_size=10"] {
        assert_eq!(list(wrong), 22072, "{wrong}");
    }
}

/// A call of CAMS; `change` may change the headers after the signature.
fn call(
    address: SocketAddr,
    action: &str,
    nonce: &str,
    off: i64,
    (signed_body, body): (&str, &str),
    change: impl FnOnce(&mut Pairs<'_>),
) -> String {
    let (key, secret) = Simulator::CAMS_ACCOUNT;
    let mut headers: Pairs<'_> = vec![
        ("host", address.to_string()),
        ("x-acs-action", action.to_owned()),
        ("x-acs-version", "2020-06-06".to_owned()),
        ("x-acs-date", Millis(Millis::now().0 + off).to_string()),
        ("x-acs-signature-nonce", nonce.to_owned()),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
    ];
    let signing: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let request = cams::Request { method: "POST", query: &[], headers: &signing, body: signed_body.as_bytes() };
    let (payload, authorization) = cams::sign(&request, key, &SecretString::from(secret));
    headers.extend([("x-acs-content-sha256", payload), ("authorization", authorization)]);
    change(&mut headers);
    ask(address, "POST /", &headers, body)["Code"].as_str().unwrap().to_owned()
}

#[test]
fn the_simulated_cams_takes_what_is_signed_and_in_time_and_a_nonce_once() {
    let simulator = simulator();
    let address = simulator.address();
    let page = "Page=%7B%22Index%22%3A1%2C%22Size%22%3A10%7D";
    let list = |nonce: &str, off| call(address, "ListChatappTemplate", nonce, off, (page, page), |_| {});
    assert_eq!(list("1", 0), "OK");
    assert_eq!(list("1", 0), "SignatureNonceUsed");
    assert_eq!(list("2", 14 * 60_000), "OK");
    assert_eq!(list("3", -16 * 60_000), "InvalidTimeStamp.Expired");
    assert_eq!(list("4", 16 * 60_000), "InvalidTimeStamp.Expired");
    let other = page.replace("10", "11");
    let refused = call(address, "ListChatappTemplate", "5", 0, (page, &other), |_| {});
    assert_eq!(refused, "SignatureDoesNotMatch", "another body than was signed");
    // What was refused for its signature has not used its nonce up.
    assert_eq!(list("5", 0), "OK");
    for (name, value, code) in [
        ("authorization", "", "IncompleteSignature"),
        (
            "authorization",
            "ACS3-HMAC-SHA256 Credential=somebody,SignedHeaders=host,Signature=0",
            "InvalidAccessKeyId.NotFound",
        ),
        ("x-acs-date", "yesterday", "InvalidTimeStamp.Expired"),
        ("x-acs-action", "DeleteChatappTemplate", "SignatureDoesNotMatch"),
        ("x-acs-version", "2019-01-01", "UnsupportedHTTPMethod"),
    ] {
        let changed = call(address, "ListChatappTemplate", "6", 0, (page, page), |headers| set(headers, name, value));
        assert_eq!(changed, code, "{name}: {value}");
    }
    let unsigned = |headers: &mut Pairs<'_>| headers.push(("x-acs-security-token", "mine".to_owned()));
    assert_eq!(call(address, "ListChatappTemplate", "7", 0, (page, page), unsigned), "IncompleteSignature");
    assert_eq!(call(address, "EatChatappTemplate", "8", 0, ("", ""), |_| {}), "InvalidAction.NotFound");
    assert_eq!(call(address, "ListChatappTemplate", "9", 0, ("", ""), |_| {}), "InvalidParameter.PageInvalid");

    // Fifty calls a second; more are turned away, and use no nonce up.
    let begun = Instant::now();
    let answers: Vec<String> = (0..120).map(|n| list(&format!("many {n}"), 0)).collect();
    let windows = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    let taken = answers.iter().filter(|code| *code == "OK").count();
    // Some of the first fifty were used up above.
    assert!((30..=50 * windows).contains(&taken), "{taken} in {windows}");
    if let Some(refused) = answers.iter().position(|code| code == "Throttling.User") {
        assert!(wait_until(SOON, || list(&format!("many {refused}"), 0) == "OK"), "its nonce was used up");
    }
    assert!(answers.iter().all(|code| code == "OK" || code == "Throttling.User"), "{answers:?}");
}
