//! The templates of an account at Meta, in the shapes of its published specification.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::provider::MetaAccount;
use crate::test_server::answering;

/// Returns a client of a server that answers each request line with what `answer` says, and the request lines.
fn client(answer: fn(&str) -> (u16, Value)) -> (MetaTemplates, Arc<Mutex<Vec<String>>>) {
    let (address, lines) = answering(answer);
    (MetaTemplates::new(&endpoint(&format!("http://{address}/v25.0"), Some("200"))).unwrap(), lines)
}

fn endpoint(base: &str, waba_id: Option<&str>) -> Endpoint {
    let waba_id = waba_id.map(str::to_owned);
    let account = MetaAccount { phone_number_id: "106".into(), waba_id, marketing: false, app_secret: None };
    Endpoint::meta(base, SecretString::from("EAAJB-a-token"), account).unwrap()
}

fn entry(id: &str, name: &str, status: &str) -> Value {
    json!({"id": id, "name": name, "language": "en_US", "status": status, "category": "MARKETING", "rejected_reason": "NONE"})
}

#[tokio::test]
async fn a_list_is_read_to_its_last_page() {
    let (client, lines) = client(|line| match line.contains("after=") {
        false => {
            let paging = json!({"cursors": {"before": "A", "after": "B"}, "next": "https://graph.facebook.com/next"});
            let rejected = json!({"id": "3", "name": "no", "language": "de", "status": "REJECTED", "rejected_reason": "PROMOTIONAL"});
            (
                200,
                json!({"data": [entry("1", "sale", "APPROVED"), entry("../2", "odd", "APPROVED"), rejected], "paging": paging}),
            )
        }
        true => (200, json!({"data": [entry("4", "last", "PAUSED")], "paging": {"cursors": {"after": "C"}}})),
    });
    let list = client.list(None).await.unwrap();
    let read: Vec<_> =
        list.iter().map(|it| (it.id.as_str(), it.name.as_str(), it.status.as_str(), it.sendable)).collect();
    let expected = [("1", "sale", "approved", true), ("3", "no", "rejected", false), ("4", "last", "paused", false)];
    assert_eq!(read, expected);
    assert_eq!(list[1].reason.as_ref().map(|reason| reason.original()), Some("PROMOTIONAL"));
    let lines = lines.lock().unwrap().clone();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("GET /v25.0/200/message_templates?fields=id%2Cname") && lines[1].contains("&after=B"));
}

#[tokio::test]
async fn a_template_has_the_parts_that_messages_are_checked_against() {
    let (client, lines) = client(|line| {
        let components = json!([
            {"type": "BODY", "text": "Hi {{1}}", "example": {"body_text": [["Ana"]]}},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Shop", "url": "https://example.com/{{1}}", "example": ["x"]}]},
        ]);
        match line.contains("/v25.0/1?") {
            true => (
                200,
                json!({"id": "1", "name": "sale", "language": "en_US", "category": "MARKETING", "components": components}),
            ),
            false => (200, json!({"data": [entry("1", "sale", "APPROVED")]})),
        }
    });
    let listed = client.list(Some("sale")).await.unwrap().remove(0);
    let shown = client.details(listed).await.unwrap();
    assert_eq!((shown.definition.name.as_str(), shown.definition.components.len(), shown.complete), ("sale", 2, true));
    assert!(lines.lock().unwrap()[0].contains("&name=sale"));
}

#[tokio::test]
async fn what_meta_refuses_is_reported_with_its_code_and_an_account_without_an_id_is_refused() {
    let (client, _) = client(|_| (400, json!({"error": {"message": "(#200) No permission", "code": 200}})));
    let error = client.list(None).await.unwrap_err();
    assert!(matches!(&error, Error::Refused { code, .. } if code == "200"), "{error}");
    let without = MetaTemplates::new(&endpoint("http://127.0.0.1:9/v25.0", None)).unwrap_err();
    assert!(without.to_string().contains("META_WABA_ID"), "{without}");
}
