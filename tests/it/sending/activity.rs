//! What is happening with a run, as `status`, `status --all` and `status --json` show it.

use serde_json::Value;

use crate::support::campaign::zone_at_noon;
use crate::support::service::{SERVE, address};
use crate::support::{Answer, CampaignFile, SOON, Script, ScriptedProvider, TestEnv, csv, wait_until};

/// Checks the stage that all three show, and the words of `status`.
fn assert_shown(env: &TestEnv, stage: &str, words: &[&str]) {
    let json = || -> Value { serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap() };
    // A process may show something before the store has it.
    assert!(wait_until(SOON, || json()["stage"] == stage), "{}", json());
    let json = json();
    let all = env.run_offline(&["status", "--all"]).out;
    assert!(all.contains(stage), "{stage}: {all}");
    let shown = env.run_offline(&["status"]).out;
    let title = shown.lines().next().unwrap_or_default();
    assert!(title.ends_with(&format!("· {stage}")), "{stage}: {shown}");
    for words in words {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let sends = stage == "sending";
    assert!(sends || json["eta_seconds"].is_null() && !shown.contains(" left\n"), "nobody sends: {shown}");
}

fn slow(rows: usize) -> (ScriptedProvider, TestEnv) {
    let env = TestEnv::with(&CampaignFile { rate: "20/s", ..CampaignFile::default() }, &csv(rows));
    (ScriptedProvider::slow(20), env)
}

#[test]
fn a_run_is_sending_only_while_a_process_sends() {
    let (provider, env) = slow(600);
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(3);
    assert_shown(&env, "sending", &[]);
    running.kill();
    assert_shown(
        &env,
        "stopped",
        &["stopped: its process ended before the run was finished", "; to continue: ", "resume job-1"],
    );
    let again = env.start(&provider, &["resume"]);
    provider.wait_for_sends(8);
    assert_shown(&env, "sending", &[]);
    let stopped = again.stop();
    assert_eq!(stopped.code, 4, "{stopped}");
    assert_shown(&env, "stopped", &["stopped at ", ": its process received a stop signal; to continue: "]);

    let paused = env.run_offline(&["pause", "job-1"]);
    assert_eq!(paused.code, 0, "{paused}");
    assert_shown(&env, "paused", &["paused since ", "to continue: "]);
    let cancelled = env.run_offline(&["cancel", "job-1"]);
    assert_eq!(cancelled.code, 0, "{cancelled}");
    assert_shown(&env, "cancelled", &["cancelled at ", "the remaining rows will not be sent"]);
}

#[test]
fn what_stopped_a_run_is_said() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(12));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "5"]).code, 4);
    assert_shown(&env, "stopped", &["the limit set by `--limit` was reached"]);
    assert_eq!(env.run(&provider, &["resume", "--no-wait"]).code, 0);
    assert_shown(&env, "awaiting statuses", &["no process is collecting the statuses", "reconcile job-1"]);
    assert_eq!(env.run(&provider, &["reconcile"]).code, 0);
    assert_shown(&env, "finished", &[]);

    drop(env);
    let broken = ScriptedProvider::start(Script::answering(|_| Answer::Refuse(502, "<h1>Bad Gateway</h1>".into())));
    let env = TestEnv::with(&CampaignFile::default(), &csv(60));
    assert_eq!(env.run(&broken, &["run", "job.yaml"]).code, 4);
    assert_shown(&env, "stopped", &["20 consecutive rows are uncertain", "to continue: "]);
}

#[test]
fn rows_that_wait_for_their_time_are_not_being_sent() {
    let provider = ScriptedProvider::accepting_all();
    let zone = zone_at_noon();
    let campaign = |rest: String| TestEnv::with(&CampaignFile { rest, ..CampaignFile::default() }, &csv(20));
    let env = campaign(format!("timezone: {zone}\nwindow: \"15:00-17:00\"\n"));
    let staying = env.start(&provider, &["run", "job.yaml"]);
    staying.wait_for_words("no remaining row can be sent before");
    assert_shown(
        &env,
        "waiting",
        &["\n  waiting until ", ": the remaining rows are waiting for the send window or their next attempt; sending"],
    );
    assert_eq!(staying.stop().code, 4);
    assert_shown(&env, "stopped", &["its process received a stop signal"]);
    let left = env.run(&provider, &["resume", "--no-wait"]);
    assert_eq!(left.code, 4, "{left}");
    assert_shown(&env, "stopped", &["the next row is due at "]);
    // A service does not continue a run that a person started and stopped.
    let service = env.start(&provider, &SERVE);
    address(&service);
    assert_shown(&env, "stopped", &["the next row is due at "]);

    drop(env);
    let rest = format!("timezone: {zone}\n");
    let env = TestEnv::with(&CampaignFile { dispatch: "quota: 7/day", rest, ..CampaignFile::default() }, &csv(20));
    let staying = env.start(&provider, &["run", "job.yaml"]);
    staying.wait_for_words("no remaining row can be sent before");
    assert_shown(&env, "waiting", &["13 rows are waiting until ", "today's quota of 7 messages is used up"]);
    assert_eq!(staying.stop().code, 4);
}

/// Accepts everything, and never has a status.
fn silent(latency: u64) -> ScriptedProvider {
    let latency = std::time::Duration::from_millis(latency);
    ScriptedProvider::start(Script { statuses: Box::new(|_| Vec::new()), latency, ..Script::default() })
}

#[test]
fn a_process_that_only_collects_statuses_does_not_send() {
    let provider = silent(20);
    let env = TestEnv::with(&CampaignFile { rate: "20/s", ..CampaignFile::default() }, &csv(60));
    let limited = env.start(&provider, &["run", "job.yaml", "--limit", "5"]);
    limited.wait_for_words("sent so far: 5 of 60");
    let first_stop = "stop the process that is collecting the statuses of the run, then run: ";
    let collecting =
        ["the limit set by `--limit` was reached; to continue, ", first_stop, "statuses are collected for up to 1 min"];
    assert_shown(&env, "stopped", &collecting);
    assert_eq!(limited.stop().code, 4);
    assert_shown(&env, "stopped", &["the limit set by `--limit` was reached; to continue: "]);

    let sends = provider.sends();
    let killed = env.start(&provider, &["resume"]);
    provider.wait_for_sends(sends + 3);
    killed.kill();
    assert_shown(&env, "stopped", &["stopped: its process ended before the run was finished"]);
    let collecting = env.start(&provider, &["reconcile"]);
    collecting.wait_for_words("statuses: ");
    assert_shown(&env, "stopped", &["its process ended before all rows were sent; to continue, ", first_stop]);
    assert_eq!(collecting.stop().code, 4);
}

#[test]
fn a_killed_process_leaves_what_was_in_flight_in_doubt() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = silent(20_000);
    let env = TestEnv::with(&CampaignFile { rate: "20/s", ..CampaignFile::default() }, &csv(60));
    let killed = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(2);
    killed.kill();
    let shown = env.run_offline(&["status"]).out;
    let json: Value = serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap();
    let in_flight = json["states"]["sending"].as_u64().unwrap();
    let words = match in_flight {
        1 => "; 1 message was in flight and may have been accepted; to continue: ".to_owned(),
        n => format!("; {n} messages were in flight and may have been accepted; to continue: "),
    };
    assert!(in_flight > 0 && shown.contains(&words), "{shown}");
}

#[test]
fn the_figures_add_up_and_every_view_quotes_the_same_row() {
    // Odd rows are refused, each in its own words, of which the first row's sort last.
    let provider = ScriptedProvider::start(Script {
        send: Box::new(|sent| match sent.to.as_bytes().last() {
            Some(b'1') => Answer::error(10002, "(#132012) zeta: parameter format does not match"),
            Some(b'3') => Answer::error(10002, "(#132012) alpha: parameter format does not match"),
            _ => Answer::Accept,
        }),
        statuses: Box::new(|to| match to.as_bytes().last() {
            Some(b'2') => vec![(std::time::Duration::ZERO, "failed")],
            Some(b'4') => Vec::new(),
            _ => vec![(std::time::Duration::ZERO, "delivered")],
        }),
        ..Script::default()
    });
    let env = TestEnv::with(&CampaignFile { horizon: "2s", ..CampaignFile::default() }, &csv(8));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    let shown = env.run_offline(&["status"]).out;
    for words in [&run.out, &shown] {
        let number = |name: &str| -> u64 {
            let line = words.lines().find(|line| line.split_whitespace().next() == Some(name));
            line.and_then(|line| line.split_whitespace().nth(1)).map_or(0, |rows| rows.parse().unwrap())
        };
        assert_eq!(number("accepted"), number("delivered") + number("failed") + number("unreported"), "{words}");
        assert_eq!(number("rows"), number("accepted") + number("rejected"), "{words}");
        assert!(number("unreported") > 0 && number("failed") > 0 && number("rejected") > 1, "{words}");
        assert!(words.contains("of accepted; nothing was reported within 2 s"), "{words}");
        assert!(words.contains("zeta") && !words.contains("alpha"), "{words}");
    }
    let summary: Value = serde_json::from_str(&env.read("reports/job-1/summary.json")).unwrap();
    assert!(summary["errors"].to_string().contains("zeta"), "{summary}");
    assert!(summary["unreported"].as_u64() > Some(0) && summary["unreported_waited_seconds"] == 2, "{summary}");
    let html = env.read("reports/job-1/report.html");
    assert!(html.contains("zeta") && !html.contains("alpha"));
    assert!(html.contains("neither a delivery nor a failure was reported within 2 s"));
    // A message that was accepted later does not shorten the wait.
    assert_eq!(env.run(&provider, &["retry", "job-1", "--state", "failed", "--yes"]).code, 3);
    let summary: Value = serde_json::from_str(&env.read("reports/job-1/summary.json")).unwrap();
    assert_eq!(summary["unreported_waited_seconds"], 2, "{summary}");
}
