//! The simulated provider over HTTP, as a client sees it.

use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};

use super::*;

mod faults;
mod meta;

const TEXT: &str = r#"{"to":"85268411234","type":"text","text":"Hello"}"#;

/// A running simulator and a client.
struct Setup {
    simulator: Simulator,
    client: Client,
}

impl Setup {
    fn new(behaviour: Behaviour) -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { simulator: Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), behaviour).unwrap(), client }
    }

    fn url(&self, rest: &str) -> String {
        format!("http://{}/external/messages/{rest}", self.simulator.address())
    }

    fn post(&self, channel: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client
            .post(self.url(channel))
            .header("certification-code", "af92196e-0d07-3c1d-a631-a71c00000000")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
    }

    /// Sends a text that is accepted, and returns its id.
    async fn accepted(&self, channel: &str) -> String {
        let answer: Value = self.post(channel, TEXT).send().await.unwrap().json().await.unwrap();
        answer["data"]["msg_id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, query: &str) -> Response {
        let request = self.client.get(self.url(&format!("status{query}")));
        request.header("certification-code", "any").send().await.unwrap()
    }

    /// Returns the entries of the status answer for these ids.
    async fn statuses(&self, ids: &[String]) -> Vec<Value> {
        let ids: Vec<_> = ids.iter().map(|id| utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()).collect();
        let answer: Value = self.get(&format!("?message_ids={}", ids.join(","))).await.json().await.unwrap();
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"]["data"].as_array().unwrap().clone()
    }
}

/// Returns HTTP status, code and message of a refusal, whose other fields must match the documents.
async fn refusal(response: Response) -> (u16, u64, String) {
    let http = response.status().as_u16();
    let envelope: Value = response.json().await.unwrap();
    let (code, message) = (envelope["code"].as_u64().unwrap(), envelope["message"].as_str().unwrap().to_owned());
    assert_eq!(envelope, json!({"status": "error", "code": code, "message": message, "data": {}, "error": {}}));
    (http, code, message)
}

/// Messages reach their final status at once.
fn instant() -> Behaviour {
    Behaviour { pace: Duration::ZERO, failing: 0.0, stuck: 0.0, unread: 0.0, seed: 1, ..Behaviour::default() }
}

#[tokio::test]
async fn accepts_with_the_documented_envelope() {
    let setup = Setup::new(Behaviour::default());
    for (channel, start) in [("whatsapp", "wamid.HBgL"), ("viber", "0"), ("rcs", "0")] {
        let response = setup.post(channel, TEXT).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        let text = response.text().await.unwrap();
        let id = text
            .strip_prefix(r#"{"status":"success","code":200,"message":"","data":{"msg_id":""#)
            .and_then(|rest| rest.strip_suffix(r#""},"error":{}}"#))
            .unwrap_or_else(|| panic!("{text}"));
        assert!(id.starts_with(start), "{id}");
    }
    assert_eq!(setup.simulator.counts(), Counts { accepted: 3, ..Counts::default() });
}

#[tokio::test]
async fn ids_are_unique_even_with_one_seed() {
    let setups = [Setup::new(instant()), Setup::new(instant())];
    let mut ids = HashSet::new();
    for _ in 0..50 {
        for setup in &setups {
            assert!(ids.insert(setup.accepted("viber").await));
            assert!(ids.insert(setup.accepted("whatsapp").await));
        }
    }
}

#[tokio::test]
async fn answers_statuses_as_documented() {
    let setup = Setup::new(instant());
    let mut ids = Vec::new();
    for channel in ["whatsapp", "viber", "rcs"].into_iter().cycle().take(30) {
        ids.push(setup.accepted(channel).await);
    }
    let entries = setup.statuses(&ids).await;
    assert_eq!(entries.len(), 30);
    for (entry, id) in entries.iter().zip(&ids) {
        let time = |key: &str| entry[key].as_i64().unwrap();
        assert_eq!((&entry["message_id"], &entry["message_status"]), (&json!(id), &json!("read")));
        assert_eq!(entry.as_object().unwrap().len(), 5);
        assert!(time("created_at") > 1_700_000_000 && time("created_at") < 100_000_000_000, "{entry}");
        assert!(time("delivered_at") == 0 || time("delivered_at") >= time("created_at"), "{entry}");
        assert!(time("read_at") >= time("created_at"), "{entry}");
    }
    assert!(entries.iter().any(|entry| entry["delivered_at"] == 0), "some read messages have no delivery time");

    let one = setup.get(&format!("?message_ids={}", ids[1])).await.text().await.unwrap();
    let head = r#"{"status":"success","code":200,"message":"","error":{},"data":{"data":[{"message_id":""#;
    assert!(one.starts_with(head), "{one}");
}

#[tokio::test]
async fn another_simulator_reports_the_same_statuses() {
    let first = Setup::new(Behaviour { seed: 9, failing: 0.3, stuck: 0.2, ..instant() });
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(first.accepted("whatsapp").await);
    }
    let reported = first.statuses(&ids).await;
    first.simulator.stop();

    let statuses: HashSet<_> = reported.iter().map(|entry| entry["message_status"].as_str().unwrap()).collect();
    assert_eq!(statuses, HashSet::from(["sent", "failed", "read"]));
    let second = Setup::new(Behaviour { pace: Duration::from_secs(900), unread: 1.0, ..instant() });
    assert_eq!(second.statuses(&ids).await, reported);
}

#[tokio::test]
async fn a_message_is_sent_before_it_is_anything_else() {
    let setup = Setup::new(Behaviour { pace: Behaviour::MAX_PACE, ..instant() });
    let id = setup.accepted("rcs").await;
    let entry = &setup.statuses(&[id]).await[0];
    let shown = [&entry["message_status"], &entry["delivered_at"], &entry["read_at"]];
    assert_eq!(shown, [&json!("sent"), &json!(0), &json!(0)]);
}

#[tokio::test]
async fn ids_are_decoded_as_in_every_query() {
    let setup = Setup::new(instant());
    let mut id = setup.accepted("whatsapp").await;
    while !id.contains('+') {
        id = setup.accepted("whatsapp").await;
    }
    let known = setup.statuses(&[id.clone(), "wamid.unknown".into(), String::new(), "ü".into()]).await;
    assert_eq!(known.len(), 1, "unknown ids are left out: {known:?}");

    let found = async |query: String| {
        let answer: Value = setup.get(&query).await.json().await.unwrap();
        answer["data"]["data"].as_array().unwrap().len()
    };
    let encoded = utf8_percent_encode(&id, NON_ALPHANUMERIC).to_string();
    assert_eq!(found(format!("?other=1&message_ids={encoded}%2C{encoded}")).await, 2);
    assert_eq!(found(format!("?message_ids={id}")).await, 0, "a raw + is a space");
}

#[tokio::test]
async fn a_status_request_has_between_one_and_a_hundred_ids() {
    let setup = Setup::new(instant());
    let id = setup.accepted("viber").await;
    assert_eq!(setup.statuses(&vec![id.clone(); 100]).await.len(), 100);
    let too_many = format!("?message_ids={}", vec![id; 101].join(","));
    for query in ["", "?", "?message_ids=", "?ids=1", "?message_ids=%FF", &too_many] {
        let (http, code, message) = refusal(setup.get(query).await).await;
        assert_eq!((http, code), (422, 422), "{query}: {message}");
    }
    let counts = setup.simulator.counts();
    assert_eq!((counts.polls, counts.ids_polled, counts.refused), (1, 100, 6));
}

#[tokio::test]
async fn a_credential_is_required() {
    let setup = Setup::new(Behaviour::default());
    for request in [setup.client.post(setup.url("whatsapp")).body(TEXT), setup.client.get(setup.url("status"))] {
        for request in [request.try_clone().unwrap(), request.header("certification-code", " ")] {
            let refused = refusal(request.send().await.unwrap()).await;
            assert_eq!(refused, (200, 10001, "certification code is invalid".into()));
        }
    }
    assert_eq!(setup.simulator.counts(), Counts { refused: 4, ..Counts::default() });
}

#[tokio::test]
async fn an_unknown_path_or_method_is_404() {
    let setup = Setup::new(Behaviour::default());
    for request in [
        setup.post("sms", TEXT),
        setup.post("status", TEXT),
        setup.post("whatsapp/", TEXT),
        setup.client.get(setup.url("whatsapp")),
        setup.client.put(setup.url("viber")),
        setup.client.get(format!("http://{}/", setup.simulator.address())),
    ] {
        let (http, code, _) = refusal(request.send().await.unwrap()).await;
        assert_eq!((http, code), (404, 404));
    }
}

#[tokio::test]
async fn a_code_below_1000_is_the_http_status_and_others_are_200() {
    let setup = Setup::new(Behaviour::default());
    let long = format!(r#"{{"to":"1","type":"text","text":"{}"}}"#, "x".repeat(2 << 20));
    for (request, expected) in [
        (setup.post("whatsapp", "{"), (422, 422)),
        (setup.post("whatsapp", r#"{"to":"+852","type":"text","text":"a"}"#), (422, 422)),
        (setup.post("whatsapp", long), (422, 422)),
        (setup.post("whatsapp", r#"{"to":"852","type":"image","image":{}}"#), (200, 10002)),
        (setup.post("viber", r#"{"to":"852","type":"image","image":{}}"#), (200, 10003)),
        (setup.post("rcs", r#"{"to":"852","type":"image","image":{}}"#), (200, 10004)),
    ] {
        let (http, code, message) = refusal(request.send().await.unwrap()).await;
        assert_eq!((http, code), expected, "{message}");
    }
    for (media_type, expected) in
        [("text/plain", false), ("application/jsonp", false), ("Application/JSON; charset=utf-8", true)]
    {
        let request = setup.client.post(setup.url("viber")).header("certification-code", "any").body(TEXT);
        let response = request.header(header::CONTENT_TYPE, media_type).send().await.unwrap();
        assert_eq!(response.status().is_success(), expected, "{media_type}");
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_results() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let setup = Setup::new(Behaviour { error_rate: 0.3, failing: 0.4, ..instant() });
        let mut run = Vec::new();
        for _ in 0..40 {
            let answer: Value = setup.post("viber", TEXT).send().await.unwrap().json().await.unwrap();
            run.push(match answer["data"]["msg_id"].as_str() {
                Some(id) => setup.statuses(&[id.to_owned()]).await[0]["message_status"].to_string(),
                None => answer["code"].to_string(),
            });
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0].iter().collect::<HashSet<_>>().len(), 3);
}

#[tokio::test]
async fn a_stopped_simulator_is_gone_and_its_port_is_free() {
    let setup = Setup::new(Behaviour { hang_rate: 1.0, ..Behaviour::default() });
    let address = setup.simulator.address();
    // A request in flight must not delay the stop.
    let in_flight = tokio::spawn(setup.post("whatsapp", TEXT).send());
    while setup.simulator.counts().hung == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(setup.simulator.stop().accepted, 1);
    assert!(in_flight.await.unwrap().is_err());
    assert!(setup.client.get(format!("http://{address}/")).send().await.unwrap_err().is_connect());
    drop(Simulator::start(address, Behaviour::default()).unwrap());
}

#[test]
fn refuses_other_addresses_and_invalid_shares() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = Simulator::start(address.parse().unwrap(), Behaviour::default()).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("not a loopback address"), "{error}");
    }
    let loopback = (Ipv4Addr::LOCALHOST, 0).into();
    let error = Simulator::start(loopback, Behaviour { drop_rate: 2.0, ..Behaviour::default() }).err().unwrap();
    assert!(error.to_string().contains("drop_rate"), "{error}");

    let first = Simulator::start(loopback, Behaviour::default()).unwrap();
    let error = Simulator::start(first.address(), Behaviour::default()).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}");
}
