//! Killed at each step of the work and run again: nobody is messaged twice, nobody is missing, and no file is left
//! over.
//!
//! The test goes through the list of all crash points, so a new one cannot be forgotten. Each has to be passed, so none
//! goes stale.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use campaigner::crash_point::Point;
use serde_json::Value;

use crate::support::meta::{META_SERVE, call_back_all, call_back_until_it_dies};
use crate::support::{
    ABORTED, Answer, CampaignFile, ReportLine, SOON, Script, ScriptedProvider, Sent, TestEnv, Wire, crash_at, csv,
    parse_report, phone, wait_until,
};

const GOOD: usize = 60;
const IN_FLIGHT: usize = 8;
/// Behind the good ones: the same number again, and one that is none.
const BAD: [(&str, &str); 2] = [("85264000007,Again,1%\n", "duplicate"), ("12,Nobody,1%\n", "invalid")];
/// Beside each other: most of the time they wait.
const PLAYERS: usize = 4;

/// What is going on when the process dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Story {
    /// `run`, and `run` again.
    Run,
    /// `run`, and `resume`.
    Resume,
    /// A list of which the store takes two chunks, and so does what is found double in it.
    LongList,
    /// One message has to be tried twice, and it is then.
    SecondTry,
    /// Two deaths in a row.
    Twice,
    /// After an import that broke off, `run` with another list.
    OtherList,
    /// `retry` of a rejected row.
    Retry,
    /// `cancel` after a death while sending.
    Cancel,
    /// `suppress add`, before anything else.
    Suppress,
    /// A campaign with a window, whose rows are scheduled before anything is sent.
    Windowed,
    /// After a death while sending and `run` again, `serve --webhook` dies while webhooks come.
    Webhooks,
}

/// When to die at a point: the times it is passed, and what is going on.
fn cases(point: Point, wire: Wire) -> Vec<(usize, Story)> {
    let mut cases = of_a_command(point);
    if wire == Wire::Meta {
        match point {
            // Meta cannot be asked.
            Point::PollReady | Point::PollAnswered | Point::StatusCommitted => cases.clear(),
            // The service ends the run.
            Point::EndRecorded => cases = vec![(1, Story::Webhooks)],
            Point::WebhooksWritten | Point::WebhooksCommitted => {
                cases.extend([(1, Story::Webhooks), (3, Story::Webhooks)]);
            }
            Point::RunTakenOver
            | Point::StatusesOver
            | Point::ReportStarted
            | Point::ReportSynced
            | Point::ReportsDone => cases.push((1, Story::Webhooks)),
            Point::ReportReplaced => cases.push((2, Story::Webhooks)),
            _ => {}
        }
    }
    cases
}

fn of_a_command(point: Point) -> Vec<(usize, Story)> {
    use Story::*;
    match point {
        Point::StoreFileCreated
        | Point::MigrationWritten
        | Point::MigrationCommitted
        | Point::MarkWritten
        | Point::MarkCommitted
        | Point::RunWritten
        | Point::RunCommitted
        | Point::InputOpened
        | Point::PlanWritten
        | Point::ReportStarted
        | Point::ReportsDone => vec![(1, Run)],
        Point::PlanCommitted
        | Point::SendingStarted
        | Point::SendingOver
        | Point::SendingRecorded
        | Point::StatusesOver => {
            vec![(1, Run), (1, Resume), (1, Windowed)]
        }
        // Taken up for the import, and for the sending.
        Point::RunTakenOver => vec![(1, Run), (2, Run), (2, Resume)],
        Point::RowsScheduled => vec![(1, Windowed)],
        Point::RowsWritten | Point::RowsCommitted | Point::DuplicatesMarked => vec![(1, Run), (2, LongList)],
        Point::ClaimCommitted | Point::OutcomeCommitted => {
            vec![(1, Run), (7, Resume), (1, Windowed), (5, Windowed)]
        }
        Point::StepWritten => vec![(1, Run), (2, Resume), (3, Windowed)],
        Point::RequestReady | Point::AnswerRead | Point::OutcomeQueued => {
            vec![(1, Run), (7, Resume), (GOOD + 1, SecondTry), (9, Windowed)]
        }
        Point::PollReady | Point::PollAnswered | Point::StatusCommitted => vec![(1, Run), (2, Resume)],
        Point::ReportRow => vec![(1, Run), (GOOD, Run)],
        Point::ReportSynced | Point::ReportReplaced => vec![(1, Run), (2, Resume), (3, Run)],
        // `run` would refuse to do it all again.
        Point::EndRecorded | Point::LogFolded => vec![(1, Resume)],
        Point::UncertainCommitted => vec![(1, Twice)],
        Point::ImportStarted => vec![(1, Run), (1, OtherList)],
        Point::ImportAbandoned => vec![(1, OtherList)],
        Point::RequeueWritten | Point::RequeueCommitted => vec![(1, Retry)],
        Point::CancelRecorded | Point::WaitingCancelled => vec![(1, Cancel)],
        Point::Suppressed => vec![(1, Suppress)],
        // INCS's are in `webhook`: nobody sends there.
        Point::WebhooksWritten | Point::WebhooksCommitted => Vec::new(),
        // These are passed with several workers only: see `dying_workers`.
        Point::Joined | Point::Halted | Point::ProcessEnded => Vec::new(),
        // In `commands::purge`: the run is over.
        Point::PurgeMarked | Point::PurgeCounted | Point::PurgeDeleted => Vec::new(),
    }
}

/// How many requests may be in flight at a point when it is passed.
fn in_flight(point: Point) -> RangeInclusive<usize> {
    match point {
        Point::ClaimCommitted | Point::RequestReady | Point::AnswerRead | Point::OutcomeQueued => 1..=IN_FLIGHT,
        Point::StepWritten
        | Point::OutcomeCommitted
        | Point::PollReady
        | Point::PollAnswered
        | Point::StatusCommitted
        // After a death while sending.
        | Point::CancelRecorded => 0..=IN_FLIGHT,
        _ => 0..=0,
    }
}

fn list(story: Story) -> String {
    let mut list = csv(GOOD);
    list.extend(BAD.map(|(line, _)| line));
    if story == Story::LongList {
        list.extend((0..1_200).map(|_| BAD[0].0));
    }
    list
}

fn provider(story: Story, wire: Wire) -> ScriptedProvider {
    let refuse = move |sent: &Sent| match (story, sent.index, wire) {
        (Story::SecondTry, 9, Wire::Incs) => Answer::error(10_003, "(#131016) Service unavailable"),
        (Story::SecondTry, 9, Wire::Meta) => Answer::meta_error(500, 131_016, "Service unavailable"),
        (Story::Retry, 9, Wire::Incs) => Answer::error(422, "the number cannot be reached"),
        (Story::Retry, 9, Wire::Meta) => Answer::meta_error(400, 131_026, "Message undeliverable"),
        _ => Answer::Accept,
    };
    let statuses = |_: &str| vec![(Duration::ZERO, "sent"), (Duration::from_millis(400), "read")];
    ScriptedProvider::start(Script {
        send: Box::new(refuse),
        statuses: Box::new(statuses),
        latency: Duration::from_millis(3),
        wire,
    })
}

/// Crashes the process at this point, resumes the run to its end, and checks everything.
fn play(point: Point, time: usize, story: Story, wire: Wire) {
    let provider = provider(story, wire);
    let rest = match story {
        Story::Windowed => "timezone: UTC\nwindow: {open: [\"MON-SUN 00:00-24:00\"]}\n".to_owned(),
        _ => String::new(),
    };
    let campaign = CampaignFile { concurrency: IN_FLIGHT, rest, wire, ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, &list(story));
    let yaml = env.read("job.yaml").replace("{after: 200ms, every: 300ms,", "{after: 50ms, every: 100ms,");
    env.write("job.yaml", yaml);
    let at = format!("{}:{time}", point.name());

    let (run, resume): (&[&str], &[&str]) = (&["run", "job.yaml"], &["resume"]);
    let mut sending = Vec::new();
    let (args, again): (&[&str], _) = match story {
        Story::Run | Story::LongList | Story::SecondTry | Story::Windowed => (run, run),
        Story::Resume => (run, resume),
        Story::Twice => {
            env.crash(&provider, "request ready:7", run);
            sending = assert_requests_are_recorded(&env, &provider);
            (resume, run)
        }
        Story::OtherList => {
            env.write("list.csv", csv(GOOD - 1));
            env.crash(&provider, "rows committed", run);
            env.write("list.csv", list(story));
            (run, run)
        }
        Story::Retry => {
            assert_eq!(env.run(&provider, run).code, 3);
            (&["retry", "job-1", "--state", "rejected", "--yes"], resume)
        }
        Story::Cancel => {
            env.crash(&provider, "request ready:7", run);
            sending = assert_requests_are_recorded(&env, &provider);
            (&["cancel", "job-1"], resume)
        }
        Story::Suppress => (&["suppress", "add", "85264000003"], run),
        Story::Webhooks => {
            env.crash(&provider, "request ready:7", run);
            sending = assert_requests_are_recorded(&env, &provider);
            assert_eq!(env.run(&provider, run).code, 3);
            (&META_SERVE, resume)
        }
    };
    if story == Story::Webhooks {
        let dying = env.start_for(&crash_at(&at), &provider, args);
        assert_eq!(call_back_until_it_dies(dying, &provider.webhooks(time as u64, |_| true)), ABORTED);
    } else {
        env.crash(&provider, &at, args);
    }
    let still_sending = assert_requests_are_recorded(&env, &provider);
    assert!(in_flight(point).contains(&still_sending.len()), "{} in flight", still_sending.len());
    sending = if sending.is_empty() { still_sending } else { sending };

    if story == Story::Retry && point == Point::RequeueWritten {
        // Nothing was stored, so nothing is requeued automatically.
        assert_eq!(env.run(&provider, again).code, 3);
        assert_eq!(env.run(&provider, args).code, 0);
    } else if story != Story::Webhooks {
        if point == Point::RequeueCommitted {
            let asked = env.run(&provider, args);
            assert!(asked.code == 4 && asked.err.contains("still has 1 row to send"), "{asked}");
        }
        let done = env.run(&provider, again);
        assert_eq!(done.code, if sending.is_empty() { 0 } else { 3 }, "{done}");
    }
    let name = if story == Story::OtherList { "job-2" } else { "job-1" };
    // Nobody goes on with a run that was given up, or that a dying service finished.
    let is_abandoned = story == Story::OtherList || (point, story) == (Point::EndRecorded, Story::Webhooks);
    let uncertain = |report: &[ReportLine]| -> Vec<u64> {
        report.iter().filter(|line| line.state == "uncertain").map(|line| line.row).collect()
    };
    if wire == Wire::Meta {
        if story != Story::Webhooks {
            let report = env.report(name);
            assert_eq!(uncertain(&report), sending, "no webhook came, so those in flight are uncertain");
            assert_all_rows_are_right(story, &report, &provider, "accepted");
            assert_nothing_lies_about(&env, name, is_abandoned);
        }
        webhooks_come(&env, &provider, name, time as u64);
        // Which of them Meta has is known now.
        let accepted = provider.received().accepted();
        sending.retain(|row| !accepted.contains_key(&phone(*row as usize)));
    }
    env.verify(name);
    let report = env.report(name);
    assert_all_rows_are_right(story, &report, &provider, "read");
    assert_eq!(uncertain(&report), sending, "those in flight are uncertain, and no others");
    assert_nothing_lies_about(&env, name, is_abandoned);
}

/// All webhooks come, in some order and some twice, to a service that finishes the run.
fn webhooks_come(env: &TestEnv, provider: &ScriptedProvider, run: &str, seed: u64) {
    let service = env.start(provider, &META_SERVE);
    call_back_all(&service, &provider.webhooks(seed, |_| true));
    let is_over = || {
        let status: Value = serde_json::from_str(&env.run_offline(&["status", run, "--json"]).out).unwrap();
        !status["finished_at"].is_null()
    };
    let is_settled = || is_over() && env.report(run).iter().all(|line| line.state != "accepted");
    assert!(wait_until(SOON, is_settled), "{}", service.stderr());
    assert_eq!(service.stop().code, 0);
}

/// Right after the process died: whatever arrived at the provider has its intent in the store. Gives the rows that
/// have one and no outcome.
fn assert_requests_are_recorded(env: &TestEnv, provider: &ScriptedProvider) -> Vec<u64> {
    let report = env.run_offline(&["report", "job-1"]);
    let report = if report.code == 0 { parse_report(&report.out) } else { Vec::new() };
    let tried = |to: &str| report.iter().any(|line| line.to == to && (line.state != "pending" || line.attempts > 0));
    let unrecorded: Vec<_> = provider.received().sends.into_iter().filter(|sent| !tried(&sent.to)).collect();
    assert!(unrecorded.is_empty(), "{unrecorded:?}");
    report.iter().filter(|line| line.state == "sending").map(|line| line.row).collect()
}

/// Every row has its one line, with what the provider knows of it; those that were sent are in the state `sent`.
fn assert_all_rows_are_right(story: Story, report: &[ReportLine], provider: &ScriptedProvider, sent: &str) {
    let received = provider.received();
    received.assert_nobody_twice();
    assert!(received.offences.is_empty(), "{:?}", received.offences);
    let accepted = received.accepted();
    assert_eq!(report.len(), list(story).lines().count() - 1);
    let mut requests: BTreeMap<&str, usize> = BTreeMap::new();
    for request in &received.sends {
        *requests.entry(&request.to).or_default() += 1;
    }
    for (index, line) in report.iter().enumerate() {
        let asked = requests.get(line.to.as_str()).copied().unwrap_or_default();
        assert_eq!(line.row, index as u64 + 1);
        match line.state.as_str() {
            state if state == sent => {
                assert!(accepted.contains_key(&line.to) && line.attempts as usize == asked, "{line:?}")
            }
            "uncertain" => assert!(line.code == "interrupted" && line.attempts as usize >= asked, "{line:?}"),
            "cancelled" => assert!(story == Story::Cancel && asked == 0, "{line:?}"),
            "suppressed" => assert!(story == Story::Suppress && asked == 0 && line.to == phone(3), "{line:?}"),
            state => assert_eq!(state, BAD[usize::from(index == GOOD + 1)].1, "{line:?}"),
        }
        assert_eq!(index >= GOOD, matches!(line.state.as_str(), "duplicate" | "invalid"), "{line:?}");
    }
    let second_tries = usize::from(matches!(story, Story::SecondTry | Story::Retry));
    assert!(requests.values().filter(|times| **times > 1).count() <= second_tries, "{requests:?}");
}

/// The reports are whole and say what the store says, and no other file is left.
fn assert_nothing_lies_about(env: &TestEnv, run: &str, has_abandoned_lock: bool) {
    for (format, file) in [("csv", "recipients.csv"), ("json", "summary.json"), ("html", "report.html")] {
        let fresh = env.run_offline(&["report", run, "--format", format]);
        assert!(env.read(&format!("reports/{run}/{file}")) == fresh.out, "{file} is not what the store says");
    }
    let names = |folder: &str| {
        let entries = std::fs::read_dir(env.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        // What the commands said, what SQLite keeps next to its file, the empty lock file of a service, and that of a
        // run that nobody goes on with.
        let mut expected = vec![".out", ".err", ".db-wal", ".db-shm", ".serve.lock"];
        expected.extend(has_abandoned_lock.then_some(".job-1.lock"));
        names.retain(|name| !expected.iter().any(|end| name.ends_with(end)));
        names.sort();
        names
    };
    assert_eq!(names(&format!("reports/{run}")), ["recipients.csv", "report.html", "summary.json"]);
    let mut expected = vec!["job.yaml", "list.csv", "reports"];
    expected.extend(env.has_file().then_some(["store.db", "store.db-mark"]).into_iter().flatten());
    assert_eq!(names("."), expected);
}

#[test]
fn wherever_the_process_dies_the_records_are_consistent_in_the_end() {
    play_all(Wire::Incs);
}

/// Through Meta too, whose webhooks then leave only those rows uncertain that it never accepted.
#[test]
fn wherever_the_process_dies_metas_webhooks_settle_what_was_accepted() {
    play_all(Wire::Meta);
}

/// Whether a point is about the files of a store.
fn is_about_files(point: Point) -> bool {
    matches!(
        point,
        Point::StoreFileCreated
            | Point::MigrationWritten
            | Point::MigrationCommitted
            | Point::MarkWritten
            | Point::MarkCommitted
            | Point::LogFolded
    )
}

fn play_all(wire: Wire) {
    let has_file = TestEnv::new().has_file();
    let cases: Vec<_> = Point::ALL
        .iter()
        .filter(|point| has_file || !is_about_files(**point))
        .flat_map(|point| cases(*point, wire).into_iter().map(|(time, story)| (*point, time, story)))
        .collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                while let Some((point, time, story)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(AssertUnwindSafe(|| play(*point, *time, *story, wire))).is_err() {
                        failed.lock().unwrap().push(format!("{}:{time}, {story:?}", point.name()));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), cases.len());
}
