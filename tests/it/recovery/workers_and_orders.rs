//! What people order while several processes send one run, on a PostgreSQL server. The tests are skipped where
//! PostgreSQL is not installed.

use std::time::Duration;

use super::tcp_proxy::TcpProxy;
use crate::support::postgres::{self, TestServer};
use crate::support::rates::max_in_any;
use crate::support::{
    Answer, CampaignFile, Running, Script, ScriptedProvider, Sent, TestEnv, Wire, counts, csv, wait_until,
};

const RUN: [&str; 2] = ["run", "job.yaml"];

/// A run of so many rows at 100 a second, on this server.
fn test_env(server: &str, rows: usize) -> TestEnv {
    TestEnv::on_server(server, &CampaignFile { rate: "100/s", concurrency: 16, ..CampaignFile::default() }, &csv(rows))
}

fn join(env: &TestEnv, provider: &ScriptedProvider) -> Running {
    let joined = env.start(provider, &RUN);
    joined.wait_for_words("another process is working on job-1; joining it");
    joined
}

#[test]
fn a_lower_rate_holds_for_all_and_sending_goes_on() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 300), ScriptedProvider::slow(40));
    let first = env.start(&provider, &RUN);
    provider.wait_for_sends(50);
    let second = join(&env, &provider);
    provider.wait_for_sends(100);
    let done = env.run_offline(&["rate", "job-1", "40/s"]);
    assert_eq!(done.code, 0, "{done}");
    for process in [first, second] {
        let done = process.wait_for(Duration::from_secs(40));
        assert_eq!(done.code, 0, "{done}");
    }
    let times: Vec<_> = provider.received().sends[240..].iter().map(|sent| sent.at).collect();
    let most = max_in_any(&times, Duration::from_secs(1));
    assert!(most <= 42, "{most} in one second");
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", 300)]));
}

#[test]
fn a_worker_stops_at_the_limit_that_a_person_set() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 600), ScriptedProvider::slow(40));
    let first = env.start(&provider, &["run", "job.yaml", "--limit", "300", "--no-wait"]);
    provider.wait_for_sends(50);
    let worker = env.start(&provider, &["work", "--until-idle"]);
    worker.wait_for_words("joining it");
    let done = first.wait();
    assert_eq!(done.code, 4, "{done}");
    let done = worker.wait_for(Duration::from_secs(40));
    assert_eq!((done.code, provider.sends()), (0, 300), "{done}");
    let done = env.run(&provider, &["resume", "job-1"]);
    assert_eq!(done.code, 0, "{done}");
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", 600)]));
}

#[test]
fn a_limit_stays_when_the_process_that_has_it_is_stopped_or_killed() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 600), ScriptedProvider::slow(40));
    let limited = ["run", "job.yaml", "--limit", "300", "--no-wait"];
    let stopped = env.start(&provider, &limited);
    provider.wait_for_sends(20);
    assert_eq!(stopped.stop().code, 4);
    let sends = provider.sends();
    let idle = env.run(&provider, &["work", "--until-idle"]);
    assert!(idle.code == 0 && idle.err.contains("a person limited this run"), "{idle}");
    assert_eq!(provider.sends(), sends);
    let killed = env.start(&provider, &limited);
    provider.wait_for_sends(sends + 20);
    killed.kill();
    let idle = env.run(&provider, &["work", "--until-idle"]);
    assert!(idle.code == 0 && idle.err.contains("a person limited this run"), "{idle}");
    assert!(provider.sends() < sends + 300, "{}", provider.sends());
    let done = env.run(&provider, &["resume", "job-1", "--no-wait"]);
    assert!(done.code == 0 || done.code == 3, "{done}");
    provider.received().assert_nobody_twice();
}

#[test]
fn a_cancelled_run_ends_only_once_nothing_of_any_process_is_in_flight() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 2000), ScriptedProvider::slow(1500));
    let first = env.start(&provider, &["run", "job.yaml", "--no-wait"]);
    provider.wait_for_sends(10);
    let second = join(&env, &provider);
    provider.wait_for_sends(60);
    let cancelled = env.run_offline(&["cancel", "job-1"]);
    assert_eq!(cancelled.code, 0, "{cancelled}");
    for process in [first, second] {
        let done = process.wait_for(Duration::from_secs(40));
        assert_eq!(done.code, 3, "{done}");
    }
    let sends = provider.sends() as u64;
    assert_eq!(env.states("job-1"), counts(&[("cancelled", 2000 - sends), ("read", sends)]));
    assert!(wait_until(Duration::from_secs(1), || provider.sends() as u64 == sends));
}

#[test]
fn rows_that_one_process_has_to_send_again_are_sent_before_the_run_ends() {
    let Some(server) = postgres::url() else { return };
    // "Too early".
    let busy = |sent: &Sent| match (sent.nth, sent.index % 3) {
        (0, 0) => Answer::Refuse(425, String::new()),
        _ => Answer::Accept,
    };
    let latency = Duration::from_millis(40);
    let provider = ScriptedProvider::start(Script { latency, ..Script::answering(busy) });
    let env = test_env(server, 200);
    let first = env.start(&provider, &RUN);
    provider.wait_for_sends(20);
    for process in [join(&env, &provider), join(&env, &provider), first] {
        let done = process.wait_for(Duration::from_secs(60));
        assert_eq!(done.code, 0, "{done}");
    }
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", 200)]));
    env.verify("job-1");
}

#[test]
fn a_process_that_sends_beside_another_takes_its_place_when_that_one_is_stopped() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 500), ScriptedProvider::slow(40));
    let first = env.start(&provider, &RUN);
    provider.wait_for_sends(20);
    let others = [join(&env, &provider), join(&env, &provider)];
    provider.wait_for_sends(200);
    let stopped = first.stop();
    assert_eq!(stopped.code, 4, "{stopped}");
    for process in others {
        let done = process.wait_for(Duration::from_secs(40));
        assert_eq!(done.code, 0, "{done}");
    }
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", 500)]));
    env.verify("job-1");
}

/// Its connections stay open, and what it asked for arrives late: claims and outcomes too.
#[test]
fn a_process_whose_connections_go_silent_doubles_nobody_and_leaves_nothing_in_doubt() {
    let Some(server) = TestServer::start() else { return };
    let (env, provider) = (test_env(&server.url(), 2200), ScriptedProvider::slow(20));
    let proxy = TcpProxy::to(&server.socket().display().to_string());
    let db = env.db_through(&proxy.address);
    // The owner goes silent past its lease; the other one takes over.
    let owner = env.start(&provider, &["run", "job.yaml", "--db", &db]);
    provider.wait_for_sends(50);
    let joined = join(&env, &provider);
    provider.wait_for_sends(200);
    proxy.silence(Duration::from_secs(14));
    joined.wait_for_words("the other process is gone; taking over job-1");
    for process in [owner, joined] {
        let done = process.wait();
        assert_eq!(done.code, 0, "{done}");
    }
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", 2200)]));
    env.verify("job-1");
}

/// Sends a campaign by two processes, of which the second one has these options too.
fn sent_by_two(campaign: &CampaignFile, provider: &ScriptedProvider, options: &[&str]) -> Option<TestEnv> {
    let env = TestEnv::on_server(postgres::url()?, campaign, &csv(300));
    let first = env.start(provider, &RUN);
    provider.wait_for_sends(20);
    let second = env.start(provider, &[&RUN, options].concat());
    second.wait_for_words("joining it");
    for process in [first, second] {
        let done = process.wait();
        assert_eq!(done.code, 0, "{done}");
    }
    provider.received().assert_nobody_twice();
    env.verify("job-1");
    Some(env)
}

#[test]
fn two_processes_send_through_meta() {
    let campaign = CampaignFile { rate: "100/s", concurrency: 16, wire: Wire::Meta, ..CampaignFile::default() };
    let latency = Duration::from_millis(20);
    let provider = ScriptedProvider::start(Script { latency, wire: Wire::Meta, ..Script::default() });
    let Some(env) = sent_by_two(&campaign, &provider, &[]) else { return };
    assert_eq!(env.states("job-1"), counts(&[("accepted", 300)]));
}

#[test]
fn two_processes_send_rows_that_wait_for_a_window() {
    let rest = "timezone: UTC\nwindow: {open: [\"MON-SUN 00:00-24:00\"]}\n".to_owned();
    let campaign = CampaignFile { rate: "100/s", concurrency: 16, rest, ..CampaignFile::default() };
    let provider = ScriptedProvider::slow(20);
    let Some(env) = sent_by_two(&campaign, &provider, &[]) else { return };
    assert_eq!(env.states("job-1"), counts(&[("read", 300)]));
}

#[test]
fn the_lowest_rate_that_a_process_asks_for_counts() {
    let campaign = CampaignFile { rate: "400/s", concurrency: 16, ..CampaignFile::default() };
    let provider = ScriptedProvider::slow(200);
    let Some(env) = sent_by_two(&campaign, &provider, &["--rate", "30/s"]) else { return };
    assert_eq!(env.states("job-1"), counts(&[("read", 300)]));
    let times: Vec<_> = provider.received().sends[200..].iter().map(|sent| sent.at).collect();
    let most = max_in_any(&times, Duration::from_secs(1));
    assert!(most <= 32, "{most} in one second");
}
