//! Stopped by a signal, gently or not, and resumed.

use std::time::{Duration, Instant};

use crate::support::{
    Answer, CampaignFile, SOON, Script, ScriptedProvider, Sent, TestEnv, counts, csv, envelope, wait_until,
};

const ROWS: usize = 300;
/// Far less than the campaigns' timeout, far more than a slow machine needs.
const PROMPTLY: Duration = Duration::from_secs(8);

#[test]
fn a_signal_stops_gently_and_resume_goes_on_from_the_store_alone() {
    let provider = ScriptedProvider::slow(50);
    let env = TestEnv::with(&CampaignFile { rate: "200/s", ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(60);
    running.terminate();
    let stopped = running.wait_for(PROMPTLY);
    assert_eq!(stopped.code, 4, "{stopped}");
    assert!(stopped.err.contains(" resume job-1"), "{stopped}");
    let states = env.states("job-1");
    assert!(!states.contains_key("uncertain") && !states.contains_key("sending"), "{states:?}");
    assert!(states["pending"] > 0);
    env.verify("job-1");

    std::fs::remove_file(env.path("job.yaml")).unwrap();
    std::fs::remove_file(env.path("list.csv")).unwrap();
    let resumed = env.run(&provider, &["resume"]);
    assert_eq!(resumed.code, 0, "{resumed}");
    assert_eq!(provider.sends(), ROWS);
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_second_signal_aborts_at_once_and_what_hangs_is_uncertain_the_next_time() {
    const HANGING: usize = 16;
    let hang = |sent: &Sent| match sent.index {
        50..66 => Answer::AcceptAndHang,
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(hang));
    let env = TestEnv::with(&CampaignFile { concurrency: HANGING, ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml"]);
    assert!(wait_until(SOON, || provider.sends() == 50 + HANGING));
    running.terminate();
    running.wait_for_words("stopping");
    running.terminate();
    let aborted = running.wait_for(PROMPTLY);
    assert_eq!(aborted.code, 4, "{aborted}");

    let resumed = env.run(&provider, &["resume"]);
    assert_eq!(resumed.code, 3, "{resumed}");
    provider.received().assert_nobody_twice();
    let states = counts(&[("read", (ROWS - HANGING) as u64), ("uncertain", HANGING as u64)]);
    assert_eq!(env.states("job-1"), states);
    env.verify("job-1");
}

#[test]
fn a_signal_is_heard_while_the_provider_has_asked_for_a_long_pause() {
    let throttle = |sent: &Sent| match sent.index {
        0..20 => Answer::Accept,
        _ => Answer::RefuseWith(429, "retry-after: 60".into(), envelope(429, "slow down")),
    };
    let provider = ScriptedProvider::start(Script::answering(throttle));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml"]);
    running.wait_for_words("slow");
    // Statuses of the accepted ones come due meanwhile, and wait for the end of the pause too.
    let polls = provider.received().polls.len();
    assert!(!wait_until(Duration::from_secs(1), || provider.received().polls.len() > polls));
    running.terminate();
    let stopped = running.wait_for(PROMPTLY);
    assert_eq!(stopped.code, 4, "{stopped}");
    env.verify("job-1");
}

/// What lies in the sockets when the process is woken came in time, whatever the clock says.
#[test]
fn answers_that_came_while_the_process_was_stopped_are_read() {
    const IN_FLIGHT: usize = 16;
    const TIMEOUT: Duration = Duration::from_secs(1);
    let script = Script { latency: Duration::from_millis(300), ..Script::default() };
    let provider = ScriptedProvider::start(script);
    let campaign = CampaignFile { concurrency: IN_FLIGHT, timeout: "1s", ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml", "--no-wait"]);
    for stops in 1..=3 {
        provider.wait_for_sends(stops * 2 * IN_FLIGHT);
        running.signal("STOP");
        let stopped_at = Instant::now();
        assert!(wait_until(SOON, || stopped_at.elapsed() > 2 * TIMEOUT));
        running.signal("CONT");
    }
    let run = running.wait();
    assert_eq!((run.code, provider.sends()), (0, ROWS), "{run}");
    let states = env.states("job-1");
    assert!(!states.contains_key("uncertain"), "{states:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_closed_terminal_stops_gently() {
    let provider = ScriptedProvider::slow(50);
    let env = TestEnv::with(&CampaignFile { rate: "200/s", ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(60);
    running.signal("HUP");
    running.wait_for_words("stopping");
    // Another one, of the session, does not ask for an abort.
    running.signal("HUP");
    assert_eq!(running.wait_for(PROMPTLY).code, 4);
    let states = env.states("job-1");
    assert!(!states.contains_key("uncertain") && states["pending"] > 0, "{states:?}");
}

#[test]
fn a_process_that_is_to_survive_its_terminal_does() {
    let provider = ScriptedProvider::slow(50);
    let env = TestEnv::with(&CampaignFile { rate: "200/s", ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start_with_prelude("trap '' HUP", Some(&provider.url()), &["run", "job.yaml"]);
    provider.wait_for_sends(60);
    running.signal("HUP");
    let done = running.wait();
    assert!(done.code == 0 && provider.sends() == ROWS, "{done}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_log_that_cannot_be_written_stops_nothing() {
    for options in ["-vvv", "-v --log-format json", "--progress plain"] {
        let provider = ScriptedProvider::accepting_all();
        let env = TestEnv::with(&CampaignFile::default(), &csv(20));
        let args: Vec<&str> = options.split(' ').chain(["run", "job.yaml"]).collect();
        // Every write fails, as on a full disk or after the reader of a pipe has ended.
        let done = env.start_with_prelude("exec 2> /dev/full", Some(&provider.url()), &args).wait_for(PROMPTLY);
        assert_eq!((done.code, provider.sends()), (0, 20), "{options}: {done}");
        assert_eq!(env.states("job-1"), counts(&[("read", 20)]));
    }
}
