//! One of two processes that send a run together is killed at each step of its work: the other one finishes the run.
//! Skipped where PostgreSQL is not installed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use campaigner::crash_point::Point;

use crate::support::postgres;
use crate::support::{ABORTED, Answer, CampaignFile, Script, ScriptedProvider, Sent, TestEnv, crash_at, csv};

const ROWS: usize = 240;
const IN_FLIGHT: u64 = 8;
/// Beside each other: most of the time they wait.
const PLAYERS: usize = 8;
const RUN: [&str; 2] = ["run", "job.yaml"];

/// Who dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dies {
    Owner,
    Joined,
}

use Dies::{Joined, Owner};

/// Where a process dies: the step, and how often it is passed before.
const CASES: [(Point, usize, Dies); 21] = [
    (Point::Joined, 1, Joined),
    (Point::StepWritten, 12, Owner),
    (Point::StepWritten, 12, Joined),
    (Point::ClaimCommitted, 20, Owner),
    (Point::ClaimCommitted, 20, Joined),
    (Point::RequestReady, 60, Owner),
    (Point::RequestReady, 40, Joined),
    (Point::AnswerRead, 60, Owner),
    (Point::AnswerRead, 40, Joined),
    (Point::OutcomeQueued, 60, Owner),
    (Point::OutcomeQueued, 40, Joined),
    (Point::OutcomeCommitted, 20, Owner),
    (Point::OutcomeCommitted, 20, Joined),
    (Point::SendingOver, 1, Owner),
    (Point::SendingRecorded, 1, Owner),
    (Point::PollReady, 3, Owner),
    (Point::StatusCommitted, 3, Owner),
    (Point::StatusesOver, 1, Owner),
    (Point::ReportStarted, 1, Owner),
    (Point::ReportsDone, 1, Owner),
    (Point::EndRecorded, 1, Owner),
];

fn env(server: &str) -> TestEnv {
    let campaign = CampaignFile { rate: "100/s", concurrency: IN_FLIGHT as usize, ..CampaignFile::default() };
    TestEnv::on_server(server, &campaign, &csv(ROWS))
}

fn play(server: &str, point: Point, time: usize, dies: Dies) {
    let (env, provider) = (env(server), ScriptedProvider::slow(20));
    let prelude = crash_at(&format!("{}:{time}", point.name()));
    let start = |who: Dies| env.start_for(if who == dies { &prelude } else { "" }, &provider, &RUN);
    let owner = start(Owner);
    provider.wait_for_sends(5);
    let joined = start(Joined);
    let (dying, other) = if dies == Owner { (owner, joined) } else { (joined, owner) };
    let died = dying.wait();
    assert_eq!(died.code, ABORTED, "it was not passed: {died}");
    let done = other.wait();
    // The run may already be over when the other one starts to join it.
    assert!([0, 3].contains(&done.code) || point == Point::EndRecorded, "{done}");
    provider.received().assert_nobody_twice();
    let states = env.states("job-1");
    let uncertain = states.get("uncertain").copied().unwrap_or_default();
    assert!(uncertain <= IN_FLIGHT, "{states:?}");
    assert_eq!(states["read"] + uncertain, ROWS as u64, "{states:?}");
    env.verify("job-1");
}

#[test]
fn wherever_one_of_two_processes_dies_the_other_finishes_the_run() {
    let Some(server) = postgres::url() else { return };
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                while let Some((point, time, dies)) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(AssertUnwindSafe(|| play(server, *point, *time, *dies))).is_err() {
                        failed.lock().unwrap().push(format!("{}:{time}, {dies:?}", point.name()));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), CASES.len());
}

/// The rows of a process that was ended are settled also if who ended it dies right then.
#[test]
fn a_process_dies_right_after_it_ended_another() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (env(server), ScriptedProvider::slow(20));
    let owner = env.start(&provider, &RUN);
    provider.wait_for_sends(20);
    let joined = env.start_for(&crash_at(Point::ProcessEnded.name()), &provider, &RUN);
    joined.wait_for_words("joining it");
    owner.kill();
    let died = joined.wait();
    assert_eq!(died.code, ABORTED, "{died}");
    let done = env.run(&provider, &RUN);
    assert!([0, 3].contains(&done.code), "{done}");
    provider.received().assert_nobody_twice();
    let states = env.states("job-1");
    let uncertain = states.get("uncertain").copied().unwrap_or_default();
    assert_eq!(states["read"] + uncertain, ROWS as u64, "{states:?}");
    assert!(uncertain <= 2 * IN_FLIGHT, "{states:?}");
    env.verify("job-1");
}

/// It stopped the run for all before it died.
#[test]
fn a_process_dies_right_after_it_met_a_problem() {
    let Some(server) = postgres::url() else { return };
    let env = env(server);
    let refuse = |sent: &Sent| if sent.index < 100 { Answer::Accept } else { Answer::error(10_001, "invalid") };
    let latency = Duration::from_millis(20);
    let provider = ScriptedProvider::start(Script { latency, ..Script::answering(refuse) });
    let prelude = crash_at(Point::Halted.name());
    let processes: Vec<_> = (0..2)
        .map(|_| {
            let process = env.start_for(&prelude, &provider, &RUN);
            provider.wait_for_sends(5);
            process
        })
        .collect();
    let codes: Vec<_> = processes.into_iter().map(|process| process.wait().code).collect();
    assert!(codes.contains(&ABORTED) && codes.iter().all(|code| [ABORTED, 4].contains(code)), "{codes:?}");
    let sends = provider.sends();
    // Nobody continues it but a person.
    let worked = env.run(&provider, &["work", "--until-idle"]);
    assert_eq!((worked.code, provider.sends()), (0, sends), "{worked}");
    env.verify("job-1");
}
