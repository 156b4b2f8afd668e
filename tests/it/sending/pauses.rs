//! Pauses that the provider asks for: every run of the account keeps them to the end, also after a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::http::response;
use crate::support::raw_server::RawServer;
use crate::support::{Answer, CampaignFile, SOON, Script, ScriptedProvider, Sent, TestEnv, csv, envelope, wait_until};

const ROWS: usize = 300;

/// Accepts twenty messages, and then asks for a pause.
fn paused_for(seconds: u32) -> ScriptedProvider {
    ScriptedProvider::start(Script::answering(move |sent: &Sent| match sent.index {
        0..20 => Answer::Accept,
        _ => Answer::RefuseWith(429, format!("retry-after: {seconds}"), envelope(429, "slow down")),
    }))
}

#[test]
fn a_pause_of_a_day_ends_the_run_and_is_kept_after_a_restart() {
    let provider = paused_for(86_400);
    let env = TestEnv::with(&CampaignFile { concurrency: 16, ..CampaignFile::default() }, &csv(ROWS));
    let stopped = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!(stopped.code, 4, "{stopped}");
    assert!(stopped.err.contains("after a pause of 24 h") && stopped.err.contains(" resume job-1"), "{stopped}");
    let sent = provider.sends();
    assert!((21..=36).contains(&sent), "{sent}: what was in flight, and no more");
    env.verify("job-1");

    for args in [&["resume", "--no-wait"][..], &["run", "job.yaml", "--no-wait"]] {
        let resumed = env.run(&provider, args);
        assert_eq!(resumed.code, 4, "{resumed}");
        assert!(resumed.err.contains("the provider asked for a pause; nothing will be sent before"), "{resumed}");
    }
    let status = env.run_offline(&["status"]);
    assert!(status.out.contains("the provider asked for a pause until") && !status.out.contains(" left"), "{status}");
    let polls = provider.received().polls.len();
    let asked = env.run(&provider, &["reconcile", "--once"]);
    assert_eq!(asked.code, 4, "{asked}");
    assert!(asked.err.contains("the provider asked for a pause until"), "{asked}");
    assert_eq!((provider.sends(), provider.received().polls.len()), (sent, polls), "no request within the pause");

    // A person may know better.
    let ignored = env.run(&provider, &["resume", "--ignore-pause", "--no-wait"]);
    assert_eq!((ignored.code, provider.sends() > sent), (4, true), "{ignored}");
    let sent = provider.sends();
    assert_eq!(env.run(&provider, &["resume", "--no-wait"]).code, 4);
    assert_eq!(provider.sends(), sent, "it asked again");

    // Another account has nothing to do with it.
    let other = ScriptedProvider::accepting_all();
    let resumed = env.run(&other, &["resume", "--no-wait"]);
    assert_eq!((resumed.code, other.sends()), (0, ROWS - 20), "{resumed}");
}

#[test]
fn a_short_pause_outlives_the_process_that_was_asked_for_it() {
    let provider = paused_for(900);
    let env = TestEnv::with(&CampaignFile { concurrency: 8, ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml", "--no-wait"]);
    running.wait_for_words("after a pause of 15 min");
    // The pause is committed with the outcome that brought it.
    assert!(wait_until(SOON, || !env.states("job-1").contains_key("sending")));
    running.kill();
    let sent = provider.sends();

    let resumed = env.start(&provider, &["resume", "--no-wait"]);
    resumed.wait_for_words("the provider asked for a pause; nothing will be sent before");
    assert!(!wait_until(Duration::from_secs(1), || provider.sends() > sent), "a request within the pause");
    assert_eq!(resumed.stop().code, 4);
    env.verify("job-1");
}

/// Where status requests must pause, what is in flight ends, and so does who asks.
#[test]
fn a_pause_that_a_status_request_is_asked_for_is_kept_and_not_slept_through() {
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let server = RawServer::start(move |number, connection| {
        let request = connection.request().unwrap();
        let answer = if request.method() == "GET" {
            counted.fetch_add(1, Ordering::SeqCst);
            response(429, "retry-after: 86400\r\nconnection: close\r\n", &envelope(429, "slow down"))
        } else {
            let accepted = format!(r#"{{"status":"success","code":200,"data":{{"msg_id":"id-{number}"}}}}"#);
            response(200, "connection: close\r\n", &accepted)
        };
        connection.write(answer);
    });
    let url = server.url();
    let env = TestEnv::with(&CampaignFile::default(), &csv(20));
    let run = env.start_at(Some(&url), &["run", "job.yaml", "--no-wait"]).wait();
    assert!([0, 4].contains(&run.code), "{run}");
    for _ in 0..2 {
        let asked = env.start_at(Some(&url), &["reconcile", "--once"]).wait_for(SOON);
        assert_eq!(asked.code, 4, "{asked}");
        assert!(asked.err.contains("the provider asked for a pause until"), "{asked}");
    }
    assert_eq!(polls.load(Ordering::SeqCst), 1);
    let waits = env.start_at(Some(&url), &["reconcile"]);
    waits.wait_for_words("the provider asked for a pause; nothing will be sent before");
    waits.terminate();
    assert_eq!(waits.wait_for(SOON).code, 4);
}
