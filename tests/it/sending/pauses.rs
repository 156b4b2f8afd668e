//! Pauses that the provider asks for: kept to the end, by every run of the account, also after a restart.

use std::io::BufReader;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::commands::untrusted_answers::{request, respond};
use crate::support::scripted_provider::{Answer, Provider, Script, Sent, envelope};
use crate::support::test_env::{Campaign, Workplace, csv, wait_until};

const ROWS: usize = 300;
const SOON: Duration = Duration::from_secs(30);

/// Accepts twenty messages, and then asks for a pause.
fn paused_for(seconds: u32) -> Provider {
    Provider::start(Script::answering(move |sent: &Sent| match sent.index {
        0..20 => Answer::Accept,
        _ => Answer::RefuseWith(429, Box::leak(format!("retry-after: {seconds}").into()), envelope(429, "slow down")),
    }))
}

#[test]
fn a_pause_of_a_day_ends_the_run_and_is_kept_after_a_restart() {
    let provider = paused_for(86_400);
    let work = Workplace::with(&Campaign { concurrency: 16, ..Campaign::default() }, &csv(ROWS));
    let stopped = work.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!(stopped.code, 4, "{stopped}");
    assert!(
        stopped.err.contains("after a pause of 24 h") && stopped.err.contains("campaigner resume job-1"),
        "{stopped}"
    );
    let sent = provider.sends();
    assert!((21..=36).contains(&sent), "{sent}: what was in flight, and no more");
    work.verify("job-1");

    for args in [&["resume", "--no-wait"][..], &["run", "job.yaml", "--no-wait"]] {
        let resumed = work.run(&provider, args);
        assert_eq!(resumed.code, 4, "{resumed}");
        assert!(resumed.err.contains("the provider asked to pause; nothing is sent before"), "{resumed}");
    }
    let status = work.alone(&["status"]);
    assert!(status.out.contains("the provider asked to pause until") && !status.out.contains(" left"), "{status}");
    let polls = provider.book().polls.len();
    let asked = work.run(&provider, &["reconcile", "--once"]);
    assert_eq!(asked.code, 4, "{asked}");
    assert!(asked.err.contains("the provider asked to pause until"), "{asked}");
    assert_eq!((provider.sends(), provider.book().polls.len()), (sent, polls), "no request within the pause");

    // A person may know better.
    let ignored = work.run(&provider, &["resume", "--ignore-pause", "--no-wait"]);
    assert_eq!((ignored.code, provider.sends() > sent), (4, true), "{ignored}");
    let sent = provider.sends();
    assert_eq!(work.run(&provider, &["resume", "--no-wait"]).code, 4);
    assert_eq!(provider.sends(), sent, "it asked again");

    // Another account has nothing to do with it.
    let other = Provider::usual();
    let resumed = work.run(&other, &["resume", "--no-wait"]);
    assert_eq!((resumed.code, other.sends()), (0, ROWS - 20), "{resumed}");
}

#[test]
fn a_short_pause_outlives_the_process_that_was_asked_for_it() {
    let provider = paused_for(900);
    let work = Workplace::with(&Campaign { concurrency: 8, ..Campaign::default() }, &csv(ROWS));
    let running = work.start(&provider, &["run", "job.yaml", "--no-wait"]);
    running.wait_for_words("after a pause of 15 min");
    // The pause is committed with the outcome that brought it.
    assert!(wait_until(SOON, || !work.states("job-1").contains_key("sending")));
    running.kill();
    let sent = provider.sends();

    let resumed = work.start(&provider, &["resume", "--no-wait"]);
    resumed.wait_for_words("the provider asked to pause; nothing is sent before");
    let later = std::time::Instant::now() + Duration::from_secs(1);
    wait_until(SOON, || std::time::Instant::now() >= later);
    assert_eq!(provider.sends(), sent, "no request within the pause");
    resumed.terminate();
    assert_eq!(resumed.wait().code, 4);
    work.verify("job-1");
}

/// Where status requests are told to pause, what is in flight ends, and so does who asks.
#[test]
fn a_pause_that_a_status_request_is_asked_for_is_kept_and_not_slept_through() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut reader = BufReader::new(stream.unwrap());
            if request(&mut reader).starts_with("GET") {
                counted.fetch_add(1, Ordering::SeqCst);
                respond(reader.into_inner(), "retry-after: 86400\r\n", (429, envelope(429, "slow down")));
            } else {
                let id = format!(r#"{{"status":"success","code":200,"data":{{"msg_id":"id-{number}"}}}}"#);
                respond(reader.into_inner(), "", (200, id));
            }
        }
    });
    let work = Workplace::with(&Campaign::default(), &csv(20));
    let run = work.start_at(Some(&url), &["run", "job.yaml", "--no-wait"]).wait();
    assert!([0, 4].contains(&run.code), "{run}");
    for _ in 0..2 {
        let asked = work.start_at(Some(&url), &["reconcile", "--once"]).wait_for(SOON);
        assert_eq!(asked.code, 4, "{asked}");
        assert!(asked.err.contains("the provider asked to pause until"), "{asked}");
    }
    assert_eq!(polls.load(Ordering::SeqCst), 1);
    let waits = work.start_at(Some(&url), &["reconcile"]);
    waits.wait_for_words("the provider asked to pause; nothing is sent before");
    waits.terminate();
    assert_eq!(waits.wait_for(SOON).code, 4);
}
