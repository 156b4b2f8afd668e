//! The configurable faults, as a client sees them.

use std::time::Instant;

use super::*;

#[tokio::test]
async fn an_error_accepts_nothing() {
    let setup = Setup::new(Behaviour { error_rate: 1.0, drop_rate: 1.0, ..Behaviour::default() });
    let refused = refusal(setup.post("whatsapp", TEXT).send().await.unwrap()).await;
    assert_eq!(refused, (500, 500, "server error".into()));
    assert_eq!(setup.simulator.counts(), Counts { errors: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_throttled_send_gets_retry_after() {
    let setup = Setup::new(Behaviour { throttle: Some(2), ..Behaviour::default() });
    let mut accepted = 0;
    let last = loop {
        let response = setup.post("viber", TEXT).send().await.unwrap();
        if !response.status().is_success() {
            break response;
        }
        accepted += 1;
        assert!(accepted < 1_000, "the throttle never refused");
    };
    assert!(accepted >= 2);
    assert_eq!(last.headers()[header::RETRY_AFTER], "1");
    assert_eq!(refusal(last).await, (429, 429, "too many attempts".into()));
    assert_eq!(setup.simulator.counts(), Counts { accepted, throttled: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_dropped_response_is_an_error_to_the_client() {
    let setup = Setup::new(Behaviour { drop_rate: 0.5, seed: 4, ..Behaviour::default() });
    let mut lost = 0;
    for _ in 0..60 {
        match setup.post("whatsapp", TEXT).send().await {
            Ok(response) => assert!(response.status().is_success()),
            Err(error) => {
                assert!(error.is_request() && !error.is_timeout() && !error.is_connect(), "{error:?}");
                lost += 1;
            }
        }
    }
    assert!((20..40).contains(&lost), "{lost}");
    assert_eq!(setup.simulator.counts(), Counts { accepted: 60, dropped: lost, ..Counts::default() });
}

#[tokio::test]
async fn a_hung_send_runs_into_the_clients_timeout() {
    let setup = Setup::new(Behaviour { hang_rate: 1.0, ..Behaviour::default() });
    let error = setup.post("whatsapp", TEXT).timeout(Duration::from_millis(200)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(setup.simulator.counts(), Counts { accepted: 1, hung: 1, ..Counts::default() });
}

#[tokio::test]
async fn sends_wait_for_the_latency_and_polls_do_not_wait() {
    let latency = Duration::from_millis(50);
    let setup = Setup::new(Behaviour { latency, ..Behaviour::default() });
    let start = Instant::now();
    setup.accepted("rcs").await;
    assert!(start.elapsed() >= latency);

    let slow = Setup::new(Behaviour { latency: Duration::from_secs(3600), ..Behaviour::default() });
    tokio::select! {
        _ = slow.post("rcs", TEXT).send() => panic!("a send was answered before its time"),
        poll = slow.get("?message_ids=a") => assert!(poll.status().is_success()),
    }
}
