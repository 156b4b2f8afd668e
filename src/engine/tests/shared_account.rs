//! Two runs that share an account.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::sync::Notify;

use super::week_of_windows::planned;
use crate::engine::{Job, RunMode};
use crate::model::{Millis, ProviderApi};
use crate::provider::Endpoint;
use crate::rate_limit::{AccountLimiter, Use};

const CAMPAIGN: &str = r#"
name: paused
provider: incs
channel: viber
recipients: {csv: list.csv, to: phone}
message: {type: text, text: Hello}
dispatch: {concurrency: 2, rate: 1/s}
"#;

/// The run waits for its turn when the pause comes, and an answer that comes before this turn ends the wait.
#[tokio::test]
async fn a_paused_run_does_not_hold_up_the_others_of_its_account() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.csv"), "phone\n85264000001\n85264000002\n85264000003\n").unwrap();
    let (requests, second) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let arrived = second.clone();
    let send = post(move || async move {
        let number = requests.fetch_add(1, Ordering::Relaxed);
        if number == 1 {
            arrived.notify_one();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        (StatusCode::OK, format!(r#"{{"status":"success","code":200,"data":{{"msg_id":"m{number}"}}}}"#))
    });
    let routes = Router::new().route("/external/messages/viber", send);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let endpoint = Endpoint::new(&base, "secret".into()).unwrap();

    let (store, run, campaign) = planned(folder.path(), CAMPAIGN, ProviderApi::Incs).await;
    let lock = Arc::new(store.lock(&run.id).await.unwrap());
    let account = AccountLimiter::new();
    let rate = (campaign.dispatch.rate, campaign.dispatch.per);
    let of_run = account.add_run(rate, Use::Sending);
    let job = Job::new(&store, &run, &campaign, &endpoint, 2, of_run, &lock).unwrap();
    let stop = job.stop.clone();
    let paused = async {
        second.notified().await;
        store.pause(run.key, "a test", Millis::now()).await.unwrap();
        stop.pause(true);
        // The second answer comes meanwhile.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let of_other = account.add_run(rate, Use::Sending);
        let reserved = tokio::time::timeout(Duration::from_secs(5), of_other.reserve()).await;
        assert!(reserved.is_ok(), "the other run waits for the paused one");
        stop.stop(crate::engine::Reason::Signal);
    };
    let (ended, ()) = tokio::join!(crate::engine::run(job, RunMode::Send), paused);
    assert_eq!(ended.unwrap().tally.accepted(), 2);
}
