//! What is happening with a run, as `status`, `status --all` and `status --json` show it.

use serde_json::Value;

use crate::support::campaign::zone_at_noon;
use crate::support::{Answer, CampaignFile, Script, ScriptedProvider, TestEnv, csv};

/// Checks the stage that all three show, and the words of `status`.
fn assert_shown(env: &TestEnv, stage: &str, words: &[&str]) {
    let json: Value = serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap();
    assert_eq!(json["stage"], stage, "{json}");
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
    let (provider, env) = slow(200);
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(3);
    assert_shown(&env, "sending", &[]);
    running.kill();
    assert_shown(
        &env,
        "stopped",
        &["stopped: its process ended before the run was finished; to continue: ", "resume job-1"],
    );
    let again = env.start(&provider, &["resume"]);
    provider.wait_for_sends(8);
    assert_shown(&env, "sending", &[]);
    let stopped = again.stop();
    assert_eq!(stopped.code, 4, "{stopped}");
    assert_shown(&env, "stopped", &["stopped at ", ": its process received a stop signal; to continue: "]);

    let paused = env.run_offline(&["pause", "job-1"]);
    assert_eq!(paused.code, 0, "{paused}");
    assert_shown(&env, "paused", &["paused by ", " since ", "to continue: "]);
    let cancelled = env.run_offline(&["cancel", "job-1"]);
    assert_eq!(cancelled.code, 0, "{cancelled}");
    assert_shown(&env, "cancelled", &["cancelled by ", "the remaining rows will not be sent"]);
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
    assert_shown(&env, "waiting", &["\n  waiting until "]);
    assert_eq!(staying.stop().code, 4);
    assert_shown(&env, "stopped", &["its process received a stop signal"]);
    let left = env.run(&provider, &["resume", "--no-wait"]);
    assert_eq!(left.code, 4, "{left}");
    assert_shown(&env, "stopped", &["the next row is due at "]);

    drop(env);
    let rest = format!("timezone: {zone}\n");
    let env = TestEnv::with(&CampaignFile { dispatch: "quota: 7/day", rest, ..CampaignFile::default() }, &csv(20));
    let staying = env.start(&provider, &["run", "job.yaml"]);
    staying.wait_for_words("no remaining row can be sent before");
    assert_shown(&env, "waiting", &["13 rows are waiting until "]);
    assert_eq!(staying.stop().code, 4);
}
