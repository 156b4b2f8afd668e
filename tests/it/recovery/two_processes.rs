//! Two processes with one store at the same moment: one works, the other says so and ends. Nobody is messaged twice.

use std::fs;
use std::time::Duration;

use crate::support::{
    Answer, CampaignFile, Running, Script, ScriptedProvider, Sent, TestEnv, counts, csv, envelope, phone,
};

const ROWS: usize = 300;

fn test_env() -> TestEnv {
    TestEnv::with(&CampaignFile { rate: "300/s", ..CampaignFile::default() }, &csv(ROWS))
}

/// A run in the middle of its work.
fn running(env: &TestEnv, provider: &ScriptedProvider) -> Running {
    let running = env.start(provider, &["run", "job.yaml"]);
    provider.wait_for_sends(30);
    running
}

/// All rows are read, each by one message.
fn assert_all_once(env: &TestEnv, provider: &ScriptedProvider) {
    provider.received().assert_nobody_twice();
    assert_eq!(provider.sends(), ROWS);
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn of_two_runs_of_one_file_at_the_same_moment_one_sends_and_the_other_says_so() {
    for _ in 0..3 {
        let (provider, env) = (ScriptedProvider::slow(20), test_env());
        let two = [env.start(&provider, &["run", "job.yaml"]), env.start(&provider, &["run", "job.yaml"])];
        let [first, second] = two.map(Running::wait);
        let mut codes = [first.code, second.code];
        codes.sort_unstable();
        assert_eq!(codes, [0, 5], "{first}\n{second}");
        let other = if first.code == 5 { first } else { second };
        assert!(other.err.contains("another process is working on job-1"), "{other}");
        assert_all_once(&env, &provider);
    }
}

/// Somebody removes the lock file of a run that is sent, and has another process go on with it.
/// `CAMPAIGNER_TEST_ROUNDS=100` makes a hundred of the few rounds.
#[test]
fn a_second_process_that_takes_a_run_over_messages_nobody_twice_and_the_first_one_stops() {
    let rounds = std::env::var("CAMPAIGNER_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    for round in 0..rounds {
        let (provider, env) = (ScriptedProvider::slow(20), test_env());
        let first = running(&env, &provider);
        let sent = provider.sends() + round % 50;
        provider.wait_for_sends(sent);
        fs::remove_file(env.path("store.db.job-1.lock")).unwrap();
        let second = env.run(&provider, &["resume"]);
        let first = first.wait();
        assert_eq!(first.code, 5, "{first}");
        assert!(first.err.contains("another process took over job-1"), "{first}");
        assert_eq!(second.code, 0, "{second}");
        assert_all_once(&env, &provider);
    }
}

#[test]
fn while_a_run_sends_nobody_else_works_on_it_and_everybody_may_look() {
    let (provider, env) = (ScriptedProvider::slow(20), test_env());
    let run = running(&env, &provider);
    for command in [
        &["run", "job.yaml"][..],
        &["resume"],
        &["resume", "job-1", "--no-wait"],
        &["reconcile"],
        &["reconcile", "--once"],
        &["retry", "job-1", "--state", "uncertain,rejected", "--yes"],
    ] {
        let other = env.run(&provider, command);
        assert_eq!(other.code, 5, "{other}");
        assert!(other.err.contains("another process is working on job-1"), "{other}");
    }
    for command in [&["status"][..], &["report"], &["verify"], &["suppress", "list"]] {
        let other = env.run_offline(command);
        assert_eq!(other.code, 0, "{other}");
    }
    let run = run.wait();
    assert_eq!(run.code, 0, "{run}");
    assert_all_once(&env, &provider);
}

#[test]
fn two_that_resume_at_the_same_moment_message_nobody_twice() {
    let (provider, env) = (ScriptedProvider::slow(20), test_env());
    running(&env, &provider).kill();
    let in_doubt_at_most = 16;
    let two = [env.start(&provider, &["resume"]), env.start(&provider, &["run", "job.yaml"])];
    let codes = two.map(|other| other.wait().code);
    assert!(codes.contains(&5), "{codes:?}");
    provider.received().assert_nobody_twice();
    let states = env.states("job-1");
    let doubtful = states.get("uncertain").copied().unwrap_or(0);
    assert!(doubtful <= in_doubt_at_most, "{states:?}");
    assert_eq!(states["read"] + doubtful, ROWS as u64, "{states:?}");
    env.verify("job-1");
}

#[test]
fn a_run_that_is_cancelled_by_another_process_stops_and_its_records_are_consistent() {
    let provider = ScriptedProvider::slow(20);
    let env = TestEnv::with(&CampaignFile { rate: "60/s", ..CampaignFile::default() }, &csv(ROWS));
    let run = running(&env, &provider);
    let cancelled = env.run_offline(&["cancel", "job-1"]);
    assert_eq!(cancelled.code, 0, "{cancelled}");
    assert!(cancelled.err.contains("stops within about two seconds"), "{cancelled}");
    let run = run.wait();
    assert_eq!(run.code, 3, "{run}");
    provider.received().assert_nobody_twice();
    let states = env.states("job-1");
    assert_eq!(states["read"], provider.sends() as u64, "{states:?}");
    assert_eq!(states["read"] + states["cancelled"], ROWS as u64, "{states:?}");
    env.verify("job-1");
}

#[test]
fn rows_are_put_back_by_one_process_only() {
    let refuse = |sent: &Sent| match sent.nth {
        0 if sent.to == phone(1) => Answer::Refuse(422, envelope(422, "to is not valid")),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script { latency: Duration::from_millis(20), ..Script::answering(refuse) });
    let env = test_env();
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 3);
    let retry = ["retry", "job-1", "--state", "rejected", "--yes"];
    let two = [env.start(&provider, &retry), env.start(&provider, &retry)];
    let codes = two.map(|other| other.wait().code);
    // The second comes while the first holds the run, or finds nothing left to do.
    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 5].contains(code)), "{codes:?}");
    assert_eq!(provider.sends(), ROWS + 1);
    provider.received().assert_nobody_twice();
    env.verify("job-1");
}

#[test]
fn a_link_to_the_store_is_the_same_store() {
    let (provider, env) = (ScriptedProvider::slow(20), test_env());
    let run = running(&env, &provider);
    fs::create_dir(env.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(env.path("store.db"), env.path("elsewhere/link.db")).unwrap();
    let link = format!("export CAMPAIGNER_DB={}", env.path("elsewhere/link.db").display());
    let other = env.start_with_prelude(&link, Some(&provider.url()), &["resume"]).wait();
    assert_eq!(other.code, 5, "{other}");
    assert_eq!(run.wait().code, 0);
    assert_all_once(&env, &provider);
}

#[test]
fn from_a_copy_made_while_the_run_sends_nobody_is_messaged_a_second_time() {
    let (provider, env) = (ScriptedProvider::slow(20), test_env());
    let run = running(&env, &provider);
    // With its log or without, as people may copy it.
    for (with_log, name) in [(true, "with.db"), (false, "without.db")] {
        fs::copy(env.path("store.db"), env.path(name)).unwrap();
        if with_log {
            fs::copy(env.path("store.db-wal"), env.path(&format!("{name}-wal"))).unwrap();
        }
        let copy = format!("export CAMPAIGNER_DB={}", env.path(name).display());
        let sends_of_other = ScriptedProvider::accepting_all();
        let other = env.start_with_prelude(&copy, Some(&sends_of_other.url()), &["resume"]).wait();
        // Without its log there may be no run in it at all, or no readable store.
        assert!([1, 2].contains(&other.code), "{other}");
        assert!(!with_log || other.err.contains("--moved") || other.err.contains("damaged"), "{other}");
        assert_eq!(sends_of_other.sends(), 0);
    }
    assert_eq!(run.wait().code, 0);
    assert_all_once(&env, &provider);
}
