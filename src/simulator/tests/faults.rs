//! The faults that can be ordered, as a client sees them.

use std::time::Instant;

use super::*;

#[tokio::test]
async fn ordered_errors_accept_nothing() {
    let pair = Pair::new(Behaviour { error_rate: 1.0, drop_rate: 1.0, ..Behaviour::default() });
    let refused = refusal(pair.post("whatsapp", TEXT).send().await.unwrap()).await;
    assert_eq!(refused, (500, 500, "server error".into()));
    assert_eq!(pair.simulator.counts(), Counts { errors: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_throttled_send_is_told_when_to_come_again() {
    let pair = Pair::new(Behaviour { throttle: Some(2), ..Behaviour::default() });
    let mut accepted = 0;
    let last = loop {
        let response = pair.post("viber", TEXT).send().await.unwrap();
        if !response.status().is_success() {
            break response;
        }
        accepted += 1;
        assert!(accepted < 1_000, "the throttle never bites");
    };
    assert!(accepted >= 2);
    assert_eq!(last.headers()[header::RETRY_AFTER], "1");
    assert_eq!(refusal(last).await, (429, 429, "too many attempts".into()));
    assert_eq!(pair.simulator.counts(), Counts { accepted, throttled: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_dropped_answer_is_an_error_to_the_client() {
    let pair = Pair::new(Behaviour { drop_rate: 0.5, seed: 4, ..Behaviour::default() });
    let mut lost = 0;
    for _ in 0..60 {
        match pair.post("whatsapp", TEXT).send().await {
            Ok(response) => assert!(response.status().is_success()),
            Err(error) => {
                assert!(error.is_request() && !error.is_timeout() && !error.is_connect(), "{error:?}");
                lost += 1;
            }
        }
    }
    assert!((20..40).contains(&lost), "{lost}");
    assert_eq!(pair.simulator.counts(), Counts { accepted: 60, dropped: lost, ..Counts::default() });
}

#[tokio::test]
async fn an_answer_that_never_comes_is_waited_for_in_vain() {
    let pair = Pair::new(Behaviour { hang_rate: 1.0, ..Behaviour::default() });
    let error = pair.post("whatsapp", TEXT).timeout(Duration::from_millis(200)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(pair.simulator.counts(), Counts { accepted: 1, hung: 1, ..Counts::default() });
}

#[tokio::test]
async fn sends_wait_for_the_latency_and_polls_do_not_wait() {
    let latency = Duration::from_millis(50);
    let pair = Pair::new(Behaviour { latency, ..Behaviour::default() });
    let start = Instant::now();
    pair.accepted("rcs").await;
    assert!(start.elapsed() >= latency);

    let slow = Pair::new(Behaviour { latency: Duration::from_secs(3600), ..Behaviour::default() });
    tokio::select! {
        _ = slow.post("rcs", TEXT).send() => panic!("a send was answered before its time"),
        poll = slow.get("?message_ids=a") => assert!(poll.status().is_success()),
    }
}
