//! Processes that send one run together, on a PostgreSQL server. The tests are skipped where PostgreSQL is not
//! installed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::support::postgres::{self, TestServer};
use crate::support::rates::max_in_any;
use crate::support::{Answer, CampaignFile, Running, Script, ScriptedProvider, Sent, TestEnv, counts, csv, wait_until};

const RUN: [&str; 2] = ["run", "job.yaml"];

/// A run of so many rows at 100 a second, on this server.
fn test_env(server: &str, rows: usize) -> TestEnv {
    TestEnv::on_server(server, &campaign(), &csv(rows))
}

fn campaign() -> CampaignFile {
    CampaignFile { rate: "100/s", concurrency: 16, ..CampaignFile::default() }
}

/// Starts a process, and so many others beside it once it sends.
fn start(env: &TestEnv, provider: &ScriptedProvider, others: usize) -> Vec<Running> {
    let mut running = vec![env.start(provider, &RUN)];
    provider.wait_for_sends(5);
    running.extend((0..others).map(|_| join(env, provider)));
    running
}

fn join(env: &TestEnv, provider: &ScriptedProvider) -> Running {
    let joined = env.start(provider, &RUN);
    joined.wait_for_words("another process is working on job-1; joining it");
    joined
}

/// The workers that `workers --json` lists.
fn workers(env: &TestEnv) -> Vec<Value> {
    let listed = env.run_offline(&["workers", "--json"]);
    assert_eq!(listed.code, 0, "{listed}");
    listed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn three_processes_send_one_run_together_at_its_one_rate() {
    let Some(server) = postgres::url() else { return };
    let mut env = TestEnv::alone_on_this_machine();
    env.write("job.yaml", campaign().yaml());
    env.write("list.csv", csv(900));
    env.use_server(server);
    let provider = ScriptedProvider::slow(40);
    let running = start(&env, &provider, 2);
    provider.wait_for_sends(500);
    let at_work = workers(&env);
    assert_eq!(
        at_work.iter().map(|worker| worker["owner"].as_bool().unwrap()).collect::<Vec<_>>(),
        [true, false, false]
    );
    let processes: BTreeSet<_> = at_work.iter().map(|worker| worker["pid"].as_u64().unwrap().to_string()).collect();
    assert_eq!(processes, running.iter().map(Running::id).collect());
    assert!(at_work.iter().all(|worker| worker["sent"].as_u64() > Some(20)), "{at_work:?}");
    let shown = env.run_offline(&["workers"]);
    assert!(shown.code == 0 && shown.out.contains("(owner)") && shown.out.contains("(joined)"), "{shown}");
    for process in running {
        let done = process.wait();
        assert_eq!(done.code, 0, "{done}");
    }
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", 900)]));
    let times: Vec<_> = provider.received().sends.iter().map(|sent| sent.at).collect();
    let most = max_in_any(&times, Duration::from_secs(1));
    // Requests may arrive closer together than they left.
    assert!(most <= 102, "{most} in one second");
    let took = times[times.len() - 1].duration_since(times[0]);
    assert!(took < Duration::from_secs(12), "900 messages at 100 a second took {took:?}");
    env.verify("job-1");
    assert_eq!(workers(&env), Vec::<Value>::new());
}

#[test]
fn whoever_cannot_join_a_run_through_the_embedded_simulator_learns_why() {
    let Some(server) = postgres::url() else { return };
    let env = TestEnv::on_server(server, &CampaignFile { rate: "10/s", ..CampaignFile::default() }, &csv(300));
    let run = ["run", "job.yaml", "--provider", "simulator"];
    let owner = env.start_at(None, &run);
    owner.wait_for_words(" of 300 accepted");
    let refused = env.run_offline(&run);
    assert_eq!(refused.code, 1, "{refused}");
    for words in
        ["cannot join job-1: ", "the embedded simulator, and each process has its own", "`campaigner simulator`"]
    {
        assert!(refused.err.contains(words), "{words}: {refused}");
    }
    assert_eq!(owner.stop().code, 4);
    env.verify("job-1");
}

#[test]
fn killed_processes_lose_nobody_and_leave_in_doubt_only_what_they_had_in_flight() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 1200), ScriptedProvider::slow(40));
    let mut running = start(&env, &provider, 2);
    let kills = 4;
    for kill in 0..kills {
        provider.wait_for_sends(100 + 200 * kill);
        // The owner is the oldest.
        running.remove(kill % 2).kill();
        running.push(env.start(&provider, &RUN));
    }
    for process in running {
        let done = process.wait();
        assert!([0, 3].contains(&done.code), "{done}");
    }
    provider.received().assert_nobody_twice();
    let states = env.states("job-1");
    let uncertain = states.get("uncertain").copied().unwrap_or_default();
    assert!(uncertain <= 16 * kills as u64, "{states:?}");
    assert_eq!(states["read"] + uncertain, 1200, "{states:?}");
    env.verify("job-1");
}

#[test]
fn two_of_three_processes_asleep_past_their_lease_double_nobody_and_leave_nothing_in_doubt() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 2200), ScriptedProvider::slow(40));
    let running = start(&env, &provider, 2);
    provider.wait_for_sends(200);
    let asleep = &running[..2];
    asleep.iter().for_each(|process| process.signal("STOP"));
    let before = provider.sends();
    // Their lines end when they were not heard of for ten seconds.
    assert!(wait_until(Duration::from_secs(20), || workers(&env).len() == 1));
    let meanwhile = provider.sends() - before;
    assert!(meanwhile > 400, "the third sent only {meanwhile} meanwhile");
    asleep.iter().for_each(|process| process.signal("CONT"));
    for process in running {
        let done = process.wait();
        assert_eq!(done.code, 0, "{done}");
    }
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", 2200)]));
    env.verify("job-1");
}

#[test]
fn a_server_that_crashes_under_two_workers_is_waited_for() {
    let Some(mut server) = TestServer::start() else { return };
    let (env, provider) = (test_env(&server.url(), 700), ScriptedProvider::slow(30));
    let running = start(&env, &provider, 1);
    for sends in [100, 250, 400] {
        provider.wait_for_sends(sends);
        server.crash();
    }
    for process in running {
        let done = process.wait_for(Duration::from_secs(120));
        assert_eq!(done.code, 0, "{done}");
    }
    provider.received().assert_nobody_twice();
    assert_eq!((provider.sends(), env.states("job-1")), (700, counts(&[("read", 700)])));
    env.verify("job-1");
}

#[test]
fn a_problem_that_one_worker_meets_stops_them_all() {
    let Some(server) = postgres::url() else { return };
    let refuse = |sent: &Sent| match sent.index {
        ..500 => Answer::Accept,
        _ => Answer::error(10001, "certification-code is invalid"),
    };
    let latency = Duration::from_millis(40);
    let provider = ScriptedProvider::start(Script { latency, ..Script::answering(refuse) });
    let env = test_env(server, 900);
    for process in start(&env, &provider, 2) {
        let done = process.wait();
        assert!(done.code == 4 && done.err.contains("certification-code is invalid"), "{done}");
    }
    assert!(provider.sends() < 700, "{}", provider.sends());
    // A worker without a person does not go on either.
    let sends = provider.sends();
    let worked = env.run(&provider, &["work", "--until-idle"]);
    assert!(worked.code == 0 && provider.sends() == sends, "{worked}");
}

#[test]
fn a_worker_finishes_what_a_killed_process_left() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 400), ScriptedProvider::slow(40));
    let first = env.start(&provider, &RUN);
    provider.wait_for_sends(50);
    let worker = env.start(&provider, &["work", "--until-idle"]);
    assert!(wait_until(Duration::from_secs(20), || workers(&env).len() == 2));
    first.kill();
    let worked = worker.wait();
    assert_eq!(worked.code, 0, "{worked}");
    provider.received().assert_nobody_twice();
    let states = env.states("job-1");
    let uncertain = states.get("uncertain").copied().unwrap_or_default();
    assert!(uncertain <= 16 && states["read"] + uncertain == 400, "{states:?}");
    assert!(env.path("reports/job-1/recipients.csv").exists());
    env.verify("job-1");
}

#[test]
fn who_cannot_send_beside_another_process_says_why() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 600), ScriptedProvider::slow(40));
    let first = start(&env, &provider, 0).remove(0);
    let other = ScriptedProvider::slow(1);
    let refused = env.run(&other, &["resume", "job-1"]);
    assert!(refused.code == 1 && refused.err.contains("sent through another account"), "{refused}");
    assert_eq!(other.sends(), 0);
    let done = first.wait();
    assert_eq!(done.code, 0, "{done}");
    let in_a_file = env.run_offline(&["workers", "--db", "store.db"]);
    assert!(in_a_file.code != 0, "{in_a_file}");
}

#[test]
fn a_run_goes_on_through_another_account_only_if_a_person_says_so() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server, 400), ScriptedProvider::slow(40));
    let first = env.start(&provider, &RUN);
    provider.wait_for_sends(50);
    let second = env.start(&provider, &["work"]);
    assert!(wait_until(Duration::from_secs(20), || workers(&env).len() == 2));
    first.signal("TERM");
    let stopped = first.wait();
    assert!(stopped.code == 4 && stopped.err.contains("are still sending job-1; to stop them:"), "{stopped}");
    second.signal("TERM");
    assert_eq!(second.wait().code, 0);
    let other = ScriptedProvider::slow(1);
    let worker = env.start(&other, &["work"]);
    worker.wait_for_words("sent through another account");
    worker.signal("TERM");
    assert_eq!((worker.wait().code, other.sends()), (0, 0));
    let resumed = env.run(&other, &["resume", "--limit", "10", "--no-wait"]);
    assert!(resumed.err.contains("earlier messages of job-1 went through another account"), "{resumed}");
    assert_eq!((resumed.code, other.sends()), (4, 10), "{resumed}");
}

#[test]
fn a_stop_is_heeded_while_the_server_is_away() {
    let Some(server) = TestServer::start() else { return };
    let (env, provider) = (test_env(&server.url(), 2000), ScriptedProvider::slow(30));
    let running = start(&env, &provider, 1);
    provider.wait_for_sends(200);
    drop(server);
    provider.wait_for_silence(Duration::from_secs(2));
    running.iter().for_each(Running::terminate);
    for process in running {
        let stopped = process.wait();
        assert!(stopped.code != 0, "{stopped}");
    }
    provider.received().assert_nobody_twice();
}
