//! A row in doubt is sent again only after `resend_after`, and only while webhooks arrive that could have said what
//! became of it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;

use super::week_of_windows::{job, planned};
use crate::engine::{Clock, RunMode, RunResult};
use crate::model::{Millis, ProviderApi, State};
use crate::provider::{Endpoint, MetaAccount};

const CAMPAIGN: &str = r#"
name: doubt
provider: meta
channel: whatsapp
recipients: {csv: list.csv, to: phone}
message: {type: text, text: Hello}
dispatch: {concurrency: 1, rate: 60000/s, uncertain: resend, resend_after: 1h}
"#;

const START: Millis = Millis(1_800_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// Starts a provider that counts its requests, and gives no clear answer to the first `unclear` of them.
pub(super) async fn provider(requests: Arc<AtomicU32>, unclear: u32) -> Endpoint {
    let send = post(move || async move {
        match requests.fetch_add(1, Ordering::Relaxed) {
            n if n < unclear => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
            n => (StatusCode::OK, format!(r#"{{"messages":[{{"id":"wamid.{n}"}}]}}"#)),
        }
    });
    let routes = Router::new().route("/v25.0/1065/messages", send);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/v25.0", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let account = MetaAccount { phone_number_id: "1065".to_owned(), app_secret: None, waba_id: None, marketing: false };
    Endpoint::meta(&base, "a-token".into(), account).unwrap()
}

#[tokio::test]
async fn a_row_in_doubt_is_sent_again_only_while_webhooks_arrive() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.csv"), "phone\n85264000001\n").unwrap();
    let requests = Arc::new(AtomicU32::new(0));
    let endpoint = provider(requests.clone(), 1).await;
    let (store, run, campaign) = planned(folder.path(), CAMPAIGN, ProviderApi::Meta).await;
    let clock = Clock::set(START);
    let send = async || -> RunResult {
        crate::engine::run(job(&store, &run, &campaign, &endpoint, &clock).await, RunMode::Send).await.unwrap()
    };
    let first = send().await;
    assert_eq!(first.waiting.unwrap().first.since(START), HOUR, "a webhook may still tell");
    assert_eq!((first.tally.of(State::Pending), requests.load(Ordering::Relaxed)), (1, 1));

    clock.go_on(HOUR);
    let silent = send().await;
    assert!(silent.waiting.is_some() && silent.tally.of(State::Pending) == 1);
    assert_eq!(requests.load(Ordering::Relaxed), 1, "without webhooks, its outcome is not known");

    clock.go_on(HOUR);
    store.note_webhook(&endpoint.fingerprint(), clock.now()).await.unwrap();
    clock.go_on(HOUR / 2);
    let done = send().await;
    assert_eq!((done.tally.accepted(), requests.load(Ordering::Relaxed)), (1, 2));
    for finding in store.verify(&run).await.unwrap() {
        assert_eq!(finding.broken, 0, "{}", finding.rule);
    }
}
