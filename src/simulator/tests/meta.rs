//! Meta's wire and its faults, as a client and a receiver of webhooks see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::*;
use crate::text::hex;

const NUMBER: &str = "106540352242922";

impl Setup {
    /// Sends a message with the template `sale`; returns the HTTP status and the answer.
    async fn template(&self, serial: usize) -> (u16, Value) {
        self.post_to_meta(&json!({
            "messaging_product": "whatsapp", "to": format!("+852640{serial:05}"), "type": "template",
            "template": {"name": "sale", "language": {"code": "en_US"}}, "biz_opaque_callback_data": serial.to_string(),
        }))
        .await
        .expect("an answer")
    }

    /// Posts a message; `None` if there was no answer.
    async fn post_to_meta(&self, body: &Value) -> Option<(u16, Value)> {
        let url = format!("http://{}/v25.0/{NUMBER}/messages", self.simulator.address());
        let request = self.client.post(url).bearer_auth("any").header(header::CONTENT_TYPE, "application/json");
        let answer = request.body(body.to_string()).send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.unwrap()))
    }

    async fn template_status(&self) -> Value {
        let url = format!("http://{}/v25.0/1/message_templates?name=sale", self.simulator.address());
        let answer: Value = self.client.get(url).bearer_auth("any").send().await.unwrap().json().await.unwrap();
        answer["data"][0]["status"].clone()
    }
}

/// The statuses and the reports about templates that a receiver got, in the order of their arrival.
type Got = Arc<Mutex<Vec<Value>>>;

/// Starts a receiver of webhooks, which believes none without the right signature; returns its URL.
async fn receiver(got: &Got) -> String {
    async fn take(State(got): State<Got>, headers: HeaderMap, body: String) -> StatusCode {
        let mut mac = Hmac::<Sha256>::new_from_slice(Simulator::META_APP_SECRET.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let expected = format!("sha256={}", hex(&mac.finalize().into_bytes()));
        if headers.get("x-hub-signature-256").is_none_or(|given| given != expected.as_str()) {
            return StatusCode::UNAUTHORIZED;
        }
        let body: Value = serde_json::from_str(&body).unwrap();
        for change in body["entry"][0]["changes"].as_array().unwrap() {
            if change["field"] == "message_template_status_update" {
                got.lock().unwrap().push(change["value"].clone());
                continue;
            }
            assert_eq!(change["value"]["metadata"]["phone_number_id"], NUMBER);
            got.lock().unwrap().extend(change["value"]["statuses"].as_array().cloned().unwrap_or_default());
        }
        StatusCode::OK
    }
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/hook", post(take)).with_state(got.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// Waits until a receiver has so many events.
async fn wait_for(got: &Got, statuses: usize) -> Vec<Value> {
    wait_until(got, |got| got.len() >= statuses).await
}

async fn wait_until(got: &Got, are_enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let start = Instant::now();
    while !are_enough(&got.lock().unwrap()) {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", got.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    got.lock().unwrap().clone()
}

/// Returns what a message's statuses say, each once: some come twice.
fn words(statuses: &[Value]) -> Vec<&str> {
    let words: BTreeSet<&str> = statuses.iter().map(|status| status["status"].as_str().unwrap()).collect();
    words.into_iter().collect()
}

#[tokio::test]
async fn errors_the_throttle_and_lost_answers_are_those_of_meta() {
    let text = json!({"messaging_product": "whatsapp", "to": "+85264000001", "type": "text", "text": {"body": "Hi"}});
    let setup = Setup::new(Behaviour { error_rate: 1.0, ..Behaviour::default() });
    let (status, answer) = setup.post_to_meta(&text).await.unwrap();
    assert_eq!((status, &answer["error"]["code"]), (500, &json!(131_000)), "{answer}");
    assert_eq!(setup.simulator.counts(), Counts { errors: 1, ..Counts::default() });

    let setup = Setup::new(Behaviour { throttle: Some(0), ..Behaviour::default() });
    let (status, answer) = setup.post_to_meta(&text).await.unwrap();
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(130_429)), "{answer}");
    assert_eq!(setup.simulator.counts(), Counts { throttled: 1, ..Counts::default() });

    let setup = Setup::new(Behaviour { drop_rate: 1.0, ..Behaviour::default() });
    assert_eq!(setup.post_to_meta(&text).await, None);
    assert_eq!(setup.simulator.counts(), Counts { accepted: 1, dropped: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_held_message_is_accepted_and_released_or_dropped_later() {
    for (failing, expected) in [(0.0, vec!["delivered", "read", "sent"]), (1.0, vec!["failed"])] {
        let got = Got::default();
        let webhook = Some(receiver(&got).await);
        let pace = Duration::from_millis(20);
        let setup = Setup::new(Behaviour { held: 1.0, failing, pace, webhook, ..instant() });
        let (status, answer) = setup.template(1).await;
        let message = &answer["messages"][0];
        assert_eq!((status, &message["message_status"]), (200, &json!("held_for_quality_assessment")), "{answer}");
        assert_eq!(setup.simulator.counts().held, 1);
        let statuses = wait_until(&got, |got| words(got).len() >= expected.len()).await;
        assert_eq!(words(&statuses), expected);
        for status in &statuses {
            assert_eq!((&status["id"], &status["biz_opaque_callback_data"]), (&message["id"], &json!("1")));
            assert_eq!(status["errors"][0]["code"] == 132_015, failing == 1.0, "{status}");
        }
    }
}

#[tokio::test]
async fn a_template_is_paused_after_so_many_messages_until_the_reviewer_approves_it() {
    let got = Got::default();
    let webhook = Some(receiver(&got).await);
    // No status comes but `sent`.
    let stuck = Behaviour { failing: 0.0, unread: 0.0, stuck: 1.0, ..Behaviour::default() };
    let setup = Setup::new(Behaviour { paused_after: Some(3), webhook, ..stuck });
    for round in 0..2 {
        for serial in 0..3 {
            assert_eq!(setup.template(serial).await.0, 200, "round {round}");
        }
        assert_eq!(setup.template_status().await, "APPROVED");
        for _ in 0..2 {
            let (status, answer) = setup.template(3).await;
            assert_eq!((status, &answer["error"]["code"]), (400, &json!(132_015)), "{answer}");
        }
        assert_eq!(setup.template_status().await, "PAUSED");
        let review = format!("http://{}/review/sale/APPROVED", setup.simulator.address());
        assert!(setup.client.get(review).send().await.unwrap().status().is_success());
    }
    let counts = setup.simulator.counts();
    assert_eq!((counts.accepted, counts.refused), (6, 4), "what is refused was not sent");
    let events = wait_for(&got, 8).await;
    let reports: Vec<_> = events.iter().filter(|event| event["event"] == "PAUSED").collect();
    assert_eq!(reports.len(), 2, "each pause is reported once: {events:?}");
    assert_eq!(
        (&reports[0]["message_template_name"], &reports[0]["message_template_language"]),
        (&json!("sale"), &json!("en_US"))
    );
    let text = json!({"messaging_product": "whatsapp", "to": "+85264000001", "type": "text", "text": {"body": "Hi"}});
    let setup = Setup::new(Behaviour { paused_after: Some(0), ..Behaviour::default() });
    assert_eq!(setup.post_to_meta(&text).await.unwrap().0, 200, "a text has no template");
}

#[tokio::test]
async fn signed_webhooks_come_out_of_order_and_some_again_after_later_ones() {
    const MESSAGES: usize = 200;
    let got = Got::default();
    let webhook = Some(receiver(&got).await);
    let setup = Setup::new(Behaviour { pace: Duration::from_millis(10), webhook, replies: 0.0, ..instant() });
    let mut ids = HashSet::new();
    for serial in 0..MESSAGES {
        ids.insert(setup.template(serial).await.1["messages"][0]["id"].as_str().unwrap().to_owned());
    }
    // One message in sixteen has three more.
    let statuses = wait_for(&got, 3 * MESSAGES + 3).await;
    let mut by_message: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for status in &statuses {
        by_message.entry(status["id"].as_str().unwrap()).or_default().push(status["status"].as_str().unwrap());
    }
    assert!(by_message.keys().all(|id| ids.contains(*id)));
    let rank = |word: &&str| ["sent", "delivered", "read"].iter().position(|known| known == word).unwrap();
    assert!(by_message.values().any(|words| words.len() > 3), "some are repeated");
    assert!(by_message.values().any(|words| !words.is_sorted_by_key(rank)), "some are out of order");
}
