//! `pause`, `resume` and `rate` from a second process, while a run sends.

use std::time::{Duration, Instant};

use crate::support::rates::max_in_any;
use crate::support::{CampaignFile, SOON, ScriptedProvider, TestEnv, counts, csv, wait_until};

const ROWS: usize = 120;
/// Longer than it takes to look for orders, and for what is in flight to land.
const A_WHILE: Duration = Duration::from_secs(4);

fn test_env(rate: &'static str) -> TestEnv {
    TestEnv::with(&CampaignFile { rate, ..CampaignFile::default() }, &csv(ROWS))
}

#[test]
fn a_pause_stops_the_sending_and_not_the_statuses_and_resume_lets_it_go_on() {
    let (provider, env) = (ScriptedProvider::accepting_all(), test_env("40/s"));
    let run = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(20);
    let paused = env.run_offline(&["pause", "job-1"]);
    assert_eq!(paused.code, 0, "{paused}");
    let [before, _] = paused.err.split(" resume job-1").collect::<Vec<_>>()[..] else { panic!("{paused}") };
    assert!(before.contains("To continue: campaigner --db "), "{paused}");
    provider.wait_for_silence(Duration::from_secs(2));
    let sent = provider.sends();
    assert!(sent < ROWS, "{sent}");
    run.wait_for_words("job-1 is paused");
    assert!(wait_until(SOON, || env.states("job-1").get("read") == Some(&(sent as u64))), "statuses go on");
    let status = env.run_offline(&["status", "job-1"]);
    assert!(status.out.contains("· paused"), "{status}");

    let resumed = env.run_offline(&["resume", "job-1"]);
    assert_eq!(resumed.code, 0, "{resumed}");
    assert!(resumed.err.contains("the process that is working on it continues"), "{resumed}");
    let run = run.wait();
    assert_eq!(run.code, 0, "{run}");
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_paused_run_stays_paused_over_a_crash_until_a_person_resumes_it() {
    let (provider, env) = (ScriptedProvider::accepting_all(), test_env("40/s"));
    let run = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(20);
    assert_eq!(env.run_offline(&["pause", "job-1"]).code, 0);
    provider.wait_for_silence(Duration::from_secs(2));
    run.kill();
    let sent = provider.sends();
    let again = env.start(&provider, &["run", "job.yaml"]);
    again.wait_for_words("job-1 is paused");
    assert!(!wait_until(A_WHILE, || provider.sends() > sent));
    assert_eq!(again.stop().code, 4);
    let resumed = env.run(&provider, &["resume", "job-1"]);
    assert_eq!(resumed.code, 0, "{resumed}");
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
}

/// What left at the higher rate fills the first minute, so nothing can leave.
#[test]
fn after_the_rate_is_lowered_no_row_waits_in_flight_and_a_pause_holds() {
    let (provider, env) = (ScriptedProvider::accepting_all(), test_env("40/s"));
    let run = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(20);
    assert_eq!(env.run_offline(&["rate", "job-1", "3/min"]).code, 0);
    provider.wait_for_silence(Duration::from_secs(2));
    assert!(wait_until(SOON, || !env.states("job-1").contains_key("sending")), "{:?}", env.states("job-1"));
    assert_eq!(env.run_offline(&["pause", "job-1"]).code, 0);
    run.kill();
    let sent = provider.sends() as u64;
    assert_eq!(env.run_offline(&["resume", "job-1"]).code, 1, "{:?}", env.states("job-1"));
    assert_eq!(env.states("job-1").get("uncertain"), None);
    assert_eq!(env.states("job-1")["pending"] + sent, ROWS as u64);
}

/// Nobody waits for statuses, and nothing may be sent: there is nothing to hold the run for.
#[test]
fn a_paused_run_that_nobody_waits_for_ends_at_once() {
    let (provider, env) = (ScriptedProvider::accepting_all(), test_env("5000/s"));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "20", "--no-wait"]).code, 4);
    assert_eq!(env.run_offline(&["pause", "job-1"]).code, 0);
    let run = env.start(&provider, &["run", "job.yaml", "--no-wait"]).wait_for(A_WHILE);
    assert_eq!((run.code, provider.sends()), (4, 20), "{run}");
    assert!(run.err.contains("job-1 has been paused since 20"), "{run}");
    let resumed = env.run(&provider, &["resume", "job-1", "--no-wait"]);
    assert_eq!((resumed.code, provider.sends()), (0, ROWS), "{resumed}");
}

#[test]
fn a_run_goes_at_another_rate_within_a_second_or_two_and_keeps_it() {
    let (provider, env) = (ScriptedProvider::accepting_all(), test_env("10/min"));
    let run = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(1);
    let rated = env.run_offline(&["rate", "job-1", "40/s"]);
    let rated_at = Instant::now();
    assert_eq!(rated.code, 0, "{rated}");
    assert!(rated.err.contains("the rate of job-1 is now 40/s"), "{rated}");
    let run = run.wait();
    assert_eq!(run.code, 0, "{run}");
    let times: Vec<Instant> = provider.received().sends.iter().map(|sent| sent.at).collect();
    assert_eq!(times.len(), ROWS);
    // At the old rate, the second message leaves six seconds after the first.
    let waited = times[1].saturating_duration_since(rated_at);
    assert!(waited < Duration::from_secs(3), "{waited:?} until the new rate");
    let most = max_in_any(&times, Duration::from_millis(975));
    let took = times[ROWS - 1] - times[1];
    assert!(most <= 40 && took < Duration::from_secs(5), "{most} in one second, {took:?} for all");
}

#[test]
fn a_command_that_nobody_can_follow_is_refused() {
    let (provider, env) = (ScriptedProvider::accepting_all(), test_env("400/s"));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    for (order, words) in [
        (&["pause", "job-1"][..], "nothing left to send"),
        (&["rate", "job-1", "5/s"], "nothing left to send"),
        (&["rate", "job-1", "5"], "write `5/s` or `5/min`"),
        (&["pause", "job-7"], "job-7"),
    ] {
        let refused = env.run_offline(order);
        assert_eq!(refused.code, 2, "{refused}");
        assert!(refused.err.contains(words), "{refused}");
    }
}
