//! `serve`: what is due runs once, whatever dies meanwhile, and people can watch and control it over HTTP.

use std::fs;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::support::campaign::{schedule, zone_at_noon};
use crate::support::service::{ROWS, SERVE, WITH_TOKEN, ask, connect, due, service};
use crate::support::{CampaignFile, Running, SOON, ScriptedProvider, TestEnv, counts, csv, wait_until};

fn all_read(env: &TestEnv) -> bool {
    wait_until(SOON, || env.states("job-1") == counts(&[("read", ROWS as u64)]))
}

fn post(service: &Running, path: &str, body: &str) -> (u16, String) {
    ask(service, "POST", path, WITH_TOKEN, body)
}

#[test]
fn what_is_due_runs_to_its_reports_and_the_service_ends_when_it_is_asked_to() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(2, "400/s", ""));
    let service = service(&env, &provider);
    assert!(wait_until(SOON, || provider.sends() == ROWS), "{}", service.stderr());
    assert!(all_read(&env));
    assert!(wait_until(SOON, || env.path("reports/job-1/summary.json").exists()));
    service.wait_for_words("run finished run=job-1");
    let ended = service.stop();
    assert_eq!(ended.code, 0, "{ended}");
    provider.received().assert_nobody_twice();
    env.verify("job-1");
    let explained = env.run_offline(&["schedule", "explain", "job.yaml"]);
    assert!(explained.out.contains("started job-1, finished"), "{explained}");

    // It is decided, and stays so.
    let again = self::service(&env, &provider);
    again.wait_for_words("campaign read");
    assert!(!wait_until(Duration::from_secs(3), || provider.sends() > ROWS));
    assert_eq!(again.stop().code, 0);
}

#[test]
fn of_two_services_on_one_store_one_runs_what_is_due_and_nobody_is_messaged_twice() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(4, "40/s", ""));
    let two = [service(&env, &provider), service(&env, &provider)];
    provider.wait_for_sends(ROWS);
    assert!(all_read(&env));
    for service in two {
        let ended = service.stop();
        assert_eq!(ended.code, 0, "{ended}");
    }
    provider.received().assert_nobody_twice();
    assert_eq!(provider.sends(), ROWS);
    assert_eq!(env.run_offline(&["status", "--all"]).out.lines().count(), 1);
    env.verify("job-1");
}

#[test]
fn a_service_that_is_killed_in_an_occurrence_goes_on_with_it_when_it_is_back() {
    let (provider, env) = (ScriptedProvider::slow(20), due(0, "40/s", ""));
    let first = service(&env, &provider);
    assert!(wait_until(SOON, || provider.sends() >= 20), "{}", first.stderr());
    first.kill();
    let second = service(&env, &provider);
    let settled = |states: &std::collections::BTreeMap<String, u64>| {
        states.get("read").copied().unwrap_or(0) + states.get("uncertain").copied().unwrap_or(0) == ROWS as u64
    };
    assert!(wait_until(SOON, || settled(&env.states("job-1"))), "{}\n{:?}", second.stderr(), env.states("job-1"));
    assert_eq!(second.stop().code, 0);
    provider.received().assert_nobody_twice();
    assert!(env.states("job-1").get("uncertain").copied().unwrap_or(0) <= 16);
    env.verify("job-1");
}

#[cfg(debug_assertions)] // in other builds there are no crash points
#[test]
fn a_service_that_dies_while_it_reads_the_list_reads_it_again() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(-1, "400/s", ""));
    env.crash(&provider, "rows committed", &["serve", "--no-http"]);
    assert_eq!(provider.sends(), 0);
    // Nothing was sent, so the list may still be fixed.
    env.write("list.csv", csv(ROWS).replace("Name1,", "Ana,"));
    let service = service(&env, &provider);
    assert!(all_read(&env), "{}", service.stderr());
    assert_eq!(service.stop().code, 0);
    provider.received().assert_nobody_twice();
    assert_eq!(env.run_offline(&["status", "--all"]).out.lines().count(), 1);
    env.verify("job-1");
}

#[cfg(debug_assertions)]
#[test]
fn what_was_cut_off_before_anything_was_sent_does_not_start_when_it_is_too_late() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(-45, "400/s", ", not_after: 1m"));
    let too_late = Timestamp::now() + SignedDuration::from_secs(17);
    env.crash(&provider, "plan committed", &["serve", "--no-http"]);
    assert!(wait_until(SOON, || Timestamp::now() > too_late));
    let service = service(&env, &provider);
    service.wait_for_words("interrupted before it sent anything");
    assert_eq!(service.stop().code, 0);
    assert_eq!(provider.sends(), 0);
    assert_eq!(env.states("job-1"), counts(&[("cancelled", ROWS as u64)]));
    let explained = env.run_offline(&["schedule", "explain", "job.yaml"]);
    assert!(explained.out.contains("skipped: job-1 was interrupted"), "{explained}");
}

#[test]
fn what_was_missed_by_more_than_not_after_is_skipped_and_says_so() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(-7200, "400/s", ", not_after: 1h"));
    let service = service(&env, &provider);
    service.wait_for_words("occurrence skipped");
    assert!(service.stderr().contains("2 h late; `not_after` allows 1 h"), "{}", service.stderr());
    assert_eq!(service.stop().code, 0);
    assert_eq!(provider.sends(), 0);
    let explained = env.run_offline(&["schedule", "explain", "job.yaml"]);
    assert!(explained.out.contains("skipped: 2 h late"), "{explained}");
}

#[test]
fn a_list_that_is_missing_is_waited_for_as_long_as_it_may_be_late() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(-1, "400/s", ""));
    std::fs::rename(env.path("list.csv"), env.path("later.csv")).unwrap();
    let waits = env.run_offline(&["schedule", "explain", "job.yaml"]);
    assert!(waits.out.contains("`campaigner serve` starts it at once"), "{waits}");
    let service = service(&env, &provider);
    service.wait_for_words("cannot start yet");
    std::fs::rename(env.path("later.csv"), env.path("list.csv")).unwrap();
    assert!(wait_until(SOON, || provider.sends() == ROWS), "{}", service.stderr());
    assert_eq!(service.stop().code, 0);
}

#[test]
fn what_a_person_had_run_by_hand_does_not_run_once_more_when_it_is_due() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(2, "400/s", ""));
    let by_hand = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(by_hand.code, 0, "{by_hand}");
    let service = service(&env, &provider);
    service.wait_for_words("the same content has already run");
    assert_eq!(service.stop().code, 0);
    assert_eq!(provider.sends(), ROWS);
}

/// Someone corrects the list after the run and sets a new time.
#[test]
fn a_person_is_asked_before_what_runs_once_messages_the_same_people_again() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(-1, "400/s", ""));
    let by_hand = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(by_hand.code, 0, "{by_hand}");
    env.write("list.csv", csv(ROWS + 5));
    let words = "job-1 has already sent messages, and a campaign with `at` runs once";
    for command in [&["schedule", "list"][..], &["schedule", "explain", "job.yaml"]] {
        let shown = env.run_offline(command);
        assert!(shown.out.contains(&format!("will not start: {words}")), "{shown}");
    }
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert!(checked.code == 0 && checked.err.contains(words) && !checked.err.contains("has ended"), "{checked}");
    let service = service(&env, &provider);
    service.wait_for_words("due campaign cannot start yet: job-1 has already sent messages");
    assert_eq!(provider.sends(), ROWS);
    // This says whom to leave out.
    let skipping = env.read("job.yaml").replace("to: phone", "to: phone, skip_sent_within: 7d");
    env.write("job.yaml", skipping);
    assert!(wait_until(SOON, || provider.sends() == ROWS + 5), "{}", service.stderr());
    assert_eq!(service.stop().code, 0);
    provider.received().assert_nobody_twice();
    let explained = env.run_offline(&["schedule", "explain", "job.yaml"]);
    assert!(explained.out.contains("nothing: the schedule has ended"), "{explained}");
}

#[test]
fn no_time_is_promised_for_what_runs_once_and_has_run() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(7200, "400/s", ""));
    let listed = || env.run_offline(&["schedule", "list", "--json"]).out;
    assert!(listed().contains("\"ran_before\":null") && listed().contains("\"next\":[{"), "{}", listed());
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "5", "--no-wait"]).code, 4);
    assert!(listed().contains("\"ran_before\":\"job-1\"") && listed().contains("\"next\":[]"), "{}", listed());
    let explained = env.run_offline(&["schedule", "explain", "job.yaml"]).out;
    assert!(explained.contains("will not start") && !explained.contains("finish sending"), "{explained}");
    assert!(explained.contains("To send the rest of it: campaigner resume job-1."), "{explained}");
}

#[test]
fn a_weekly_campaign_that_leaves_out_whom_it_reached_a_week_ago_is_warned_about() {
    let env = due(7200, "400/s", "");
    let weekly = |skip: &str| {
        let schedule = "schedule: {cron: '0 9 * * MON', timezone: UTC}\n";
        let once =
            env.read("job.yaml").lines().filter(|line| !line.starts_with("schedule")).collect::<Vec<_>>().join("\n");
        let once = once.replace("to: phone}", &format!("to: phone, skip_sent_within: {skip}}}"));
        env.write("weekly.yaml", once + "\n" + schedule);
        env.run_offline(&["check", "weekly.yaml"])
    };
    let warned = weekly("7d");
    assert!(warned.code == 0 && warned.out.contains("`skip_sent_within` is 7 d"), "{warned}");
    assert!(!weekly("6d").out.contains("skip_sent_within"), "{}", weekly("6d"));
}

#[test]
fn a_campaign_that_cannot_start_is_explained() {
    let (_, env) = (ScriptedProvider::accepting_all(), due(7200, "400/s", ""));
    let explained = || env.run_offline(&["schedule", "explain", "job.yaml"]).out;
    assert!(explained().contains("the run will finish sending at about"), "{}", explained());
    env.write("copy.yml", env.read("job.yaml"));
    assert!(explained().contains("will not run: ./copy.yml has the same `name`"), "{}", explained());
    assert!(!explained().contains("finish sending"), "{}", explained());
    fs::remove_file(env.path("copy.yml")).unwrap();
    fs::remove_file(env.path("list.csv")).unwrap();
    assert!(explained().contains("with the files as they are now, it could not start then: "), "{}", explained());
}

#[test]
fn over_http_everybody_may_look_and_the_token_allows_to_pause_resume_and_change_the_rate() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(0, "30/min", ""));
    let service = service(&env, &provider);
    assert!(wait_until(SOON, || provider.sends() >= 1), "{}", service.stderr());
    let get = |path: &str| ask(&service, "GET", path, "", "");
    assert_eq!(get("/healthz").0, 200);
    let (status, runs) = get("/runs");
    assert!(status == 200 && runs.contains("\"run\":\"job-1\"") && runs.contains("\"work\":\"sending\""), "{runs}");
    assert!(!runs.contains("85264"), "no numbers: {runs}");
    let (status, metrics) = get("/metrics");
    assert!(status == 200 && metrics.contains("campaigner_account_rate{provider=\"incs\"} 0.5"), "{metrics}");
    assert!(metrics.contains("campaigner_unfinished_runs{stage=\"sending\"} 1"), "{metrics}");
    assert_eq!(get("/runs/job-9").0, 404);
    assert_eq!(get("/elsewhere").0, 404);
    // A page from elsewhere whose name leads here has its own name asked for.
    let elsewhere = "Host: evil.example:8088\r\n";
    assert_eq!(ask(&service, "GET", "/runs", elsewhere, "").0, 401);
    assert_eq!(ask(&service, "GET", "/runs", &format!("{elsewhere}{WITH_TOKEN}"), "").0, 200);
    for here in ["127.0.0.1:8088", "[::1]", "localhost:8088"] {
        assert_eq!(ask(&service, "GET", "/live", &format!("Host: {here}\r\n"), "").0, 200, "{here}");
    }

    let pause = "/runs/job-1/pause";
    assert_eq!(ask(&service, "POST", pause, "", "").0, 401);
    assert_eq!(ask(&service, "POST", pause, "Authorization: Bearer wrong-horse-battery\r\n", "").0, 401);
    let (status, paused) = post(&service, pause, "");
    assert!(status == 200 && paused.contains("\"stage\":\"paused\""), "{paused}");
    assert_eq!(post(&service, "/runs/job-1/rate", "{\"rate\": \"5\"}").0, 400);
    let (status, rated) = post(&service, "/runs/job-1/rate", "{\"rate\": \"400/s\"}");
    assert_eq!(status, 200, "{rated}");
    service.wait_for_words("job-1 is paused");
    let sent = provider.sends();
    assert!(sent < ROWS && !wait_until(Duration::from_secs(3), || provider.sends() > sent + 1));
    assert_eq!(post(&service, "/runs/job-1/resume", "").0, 200);
    assert!(all_read(&env), "{}", service.stderr());
    assert_eq!(post(&service, pause, "").0, 409, "nothing is left to send");
    // Whoever never ends their request holds nobody up.
    let _half = connect(&service, "GET /runs HTTP/1.1\r\nHo");
    assert_eq!(service.stop().code, 0);
    provider.received().assert_nobody_twice();
}

#[test]
fn a_run_that_a_person_gave_to_the_service_is_continued_after_a_restart() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(7200, "400/s", ""));
    let by_hand =
        env.read("job.yaml").lines().filter(|line| !line.starts_with("schedule")).collect::<Vec<_>>().join("\n");
    env.write("job.yaml", by_hand.replace("400/s", "2/s"));
    let run = env.start(&provider, &["run", "job.yaml"]);
    assert!(wait_until(SOON, || provider.sends() >= 2), "{}", run.stderr());
    run.kill();
    let first = service(&env, &provider);
    let sent = provider.sends();
    assert!(!wait_until(Duration::from_secs(3), || provider.sends() > sent), "it is a person's run");
    assert_eq!(post(&first, "/runs/job-1/resume", "").0, 200);
    assert!(wait_until(SOON, || provider.sends() > sent), "{}", first.stderr());
    first.kill();
    let second = service(&env, &provider);
    assert_eq!(post(&second, "/runs/job-1/rate", "{\"rate\": \"400/s\"}").0, 200);
    assert!(wait_until(SOON, || provider.sends() >= ROWS - 2), "{}", second.stderr());
    assert_eq!(second.stop().code, 0);
    provider.received().assert_nobody_twice();
}

#[test]
fn without_a_token_nothing_is_changed_and_nobody_beyond_this_machine_is_let_in() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(7200, "400/s", ""));
    let open = env.run(&provider, &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(open.code, 2, "{open}");
    assert!(open.err.contains("CAMPAIGNER_TOKEN"), "{open}");
    let service = env.start(&provider, &SERVE);
    assert_eq!(post(&service, "/runs/job-1/cancel", "").0, 403);
    assert_eq!(ask(&service, "GET", "/runs", "Host: evil.example\r\n", "").0, 403);
    assert_eq!(service.stop().code, 0);
    let elsewhere = env.run(&provider, &["serve", "job.yaml"]);
    assert_eq!(elsewhere.code, 2, "{elsewhere}");
}

#[test]
fn whom_an_earlier_run_reached_is_left_out_where_the_campaign_says_so() {
    let provider = ScriptedProvider::accepting_all();
    let recipients = "{csv: list.csv, to: phone, skip_sent_within: 7d}".to_owned();
    let env = TestEnv::with(&CampaignFile { recipients, ..CampaignFile::default() }, &csv(10));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    env.write("list.csv", csv(15));
    let second = env.run(&provider, &["run", "job.yaml", "--again", "--progress", "none"]);
    assert_eq!(second.code, 0, "{second}");
    assert!(second.err.contains("left out 10 rows") && !second.err.contains("sending"), "{second}");
    assert_eq!(env.states("job-2"), counts(&[("read", 5), ("suppressed", 10)]));
    let report = env.report("job-2");
    assert_eq!(report[0].code, "sent_recently");
    assert!(report[0].message.starts_with("already messaged by job-1 at 20"), "{:?}", report[0]);
    provider.received().assert_nobody_twice();
    env.verify("job-2");
}

/// A run whose rows all wait for its window was not tried: what comes due meanwhile must not message the same people
/// once more when the window opens.
#[test]
fn an_occurrence_waits_for_a_run_whose_window_is_closed() {
    let provider = ScriptedProvider::accepting_all();
    let env = due(0, "400/s", "");
    // Closed now, in a time zone in which it is noon or soon after.
    let window = format!("timezone: {}\nwindow: \"15:00-17:00\"\n", zone_at_noon());
    let scheduled = env.read("job.yaml") + &window;
    let (by_hand, _) = scheduled.split_once("schedule:").unwrap();
    env.write("job.yaml", format!("{by_hand}{window}"));
    let by_hand = env.run(&provider, &["run", "--no-wait", "job.yaml"]);
    assert!(by_hand.code == 4 && by_hand.err.contains("60 rows are waiting until"), "{by_hand}");
    env.write("list.csv", csv(ROWS + 1));
    env.write("job.yaml", scheduled);
    let explained = env.run_offline(&["schedule", "explain", "job.yaml"]);
    assert!(explained.out.contains("blocked: job-1"), "{explained}");
    let service = service(&env, &provider);
    service.wait_for_words("job-1 has not been sent yet");
    let stage = || -> String {
        let json: serde_json::Value =
            serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap_or_default();
        json["stage"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(stage(), "stopped", "a person started it, so the service does not send it when its window opens");
    let (code, answer) = ask(&service, "POST", "/runs/job-1/resume", WITH_TOKEN, "");
    assert!(code < 300, "{code} {answer}");
    assert!(wait_until(SOON, || stage() == "waiting"), "now the service sends it then: {}", stage());
    assert_eq!(service.stop().code, 0);
    assert_eq!(stage(), "stopped");
    assert_eq!(env.run_offline(&["status", "--all"]).out.lines().count(), 1, "there is no second run");
    assert_eq!(provider.sends(), 0);
}

#[test]
fn what_is_to_come_is_listed_in_both_time_zones() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let env = due(7200, "400/s", "");
    env.write("wrong.yaml", "name: x\n");
    let listed = env.start_with_prelude("export TZ=Europe/Berlin", None, &["schedule", "list", "--next", "2"]).wait();
    assert_eq!(listed.code, 2, "{listed}");
    assert!(listed.out.contains("job: once, at ") && listed.out.contains(" in UTC (./job.yaml)"), "{listed}");
    assert!(listed.out.contains("+00:00   ") && listed.out.contains(" here   in 1 h 59 min"), "{listed}");
    assert!(listed.out.contains("+01:00 here") || listed.out.contains("+02:00 here"), "{listed}");
    assert!(listed.err.contains("wrong.yaml"), "{listed}");
    // Of two with one name neither would be run.
    env.write("wrong.yaml", env.read("job.yaml"));
    let twice = env.run_offline(&["schedule", "list"]);
    assert_eq!((twice.code, twice.out.as_str()), (2, ""), "{twice}");
    assert!(
        twice.err.contains("./job.yaml: 2 files have `name: job`") && twice.err.contains("2 files will not run"),
        "{twice}"
    );
    fs::remove_file(env.path("wrong.yaml")).unwrap();
    let explained = env.run_offline(&["schedule", "explain", "job.yaml"]);
    assert!(explained.out.contains("60 messages at 400/s"), "{explained}");
    assert!(explained.out.contains("the store store.db does not exist yet"), "{explained}");
    drop(env);
    let late = due(0, "400/s", "");
    let output = |args: &[&str]| late.run_offline(args).out;
    assert!(wait_until(SOON, || output(&["schedule", "list", "--json"]).contains("\"due_since\":\"20")));
    assert!(output(&["schedule", "list"]).contains("due since 20"));
}

/// A campaign that is due now, with these lines, on a clock that shows noon.
fn due_at_noon(dispatch: &'static str, rest: &str) -> TestEnv {
    let rest = format!("{}timezone: {}\n{rest}", schedule(0, ""), zone_at_noon());
    TestEnv::with(&CampaignFile { dispatch, rest, ..CampaignFile::default() }, &csv(ROWS))
}

fn json_of(service: &Running, path: &str) -> serde_json::Value {
    serde_json::from_str(&ask(service, "GET", path, WITH_TOKEN, "").1).unwrap()
}

#[test]
fn the_statuses_of_a_run_that_waits_for_tomorrow_are_collected_and_its_cancellation_reaches_its_reports() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due_at_noon("quota: 20/day", ""));
    let service = service(&env, &provider);
    service.wait_for_words("rows waiting for their time");
    let read = |states: &serde_json::Value| states["read"] == 20;
    assert!(wait_until(SOON, || read(&json_of(&service, "/runs/job-1")["states"])), "{}", service.stderr());
    assert_eq!(json_of(&service, "/runs/job-1")["stage"], "waiting");
    let metric = |state: &str| format!("campaigner_run_rows{{run=\"job-1\",state=\"{state}\"}} ");
    let metrics = ask(&service, "GET", "/metrics", WITH_TOKEN, "").1;
    assert!(metrics.contains(&format!("{}20", metric("read"))), "{metrics}");
    assert_eq!(env.run_offline(&["cancel", "job-1", "--yes"]).code, 0);
    let summary = || serde_json::from_str::<serde_json::Value>(&env.read("reports/job-1/summary.json")).unwrap();
    let cancelled = ROWS - 20;
    assert!(wait_until(SOON, || summary()["states"]["cancelled"] == cancelled), "{}\n{}", summary(), service.stderr());
    assert!(wait_until(SOON, || !ask(&service, "GET", "/metrics", WITH_TOKEN, "").1.contains(&metric("pending"))));
    assert_eq!((service.stop().code, provider.sends()), (0, 20));
}

#[test]
fn a_run_outside_its_window_waits_with_all_its_rows() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due_at_noon("", "window: 01:00-02:00\n"));
    let service = service(&env, &provider);
    service.wait_for_words("rows waiting for their time");
    let status = json_of(&service, "/runs/job-1");
    assert_eq!((&status["stage"], &status["waiting"]["rows"]), (&"waiting".into(), &ROWS.into()), "{status}");
    let shown = env.run_offline(&["status", "job-1"]);
    assert!(shown.out.contains("waiting for the send window") && !shown.out.contains("stopped"), "{shown}");
    assert_eq!((service.stop().code, provider.sends()), (0, 0));
}

/// It is not known then how late it may start.
#[cfg(debug_assertions)]
#[test]
fn what_was_cut_off_before_anything_was_sent_waits_while_its_file_is_not_valid() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(-1, "400/s", ""));
    env.crash(&provider, "plan committed", &["serve", "--no-http"]);
    let right = env.read("job.yaml");
    env.write("job.yaml", right.replace("channel:", "chanel:"));
    let service = service(&env, &provider);
    service.wait_for_words("not a valid campaign");
    assert!(!wait_until(Duration::from_secs(3), || provider.sends() > 0));
    env.write("job.yaml", right);
    assert!(wait_until(SOON, || provider.sends() == ROWS), "{}", service.stderr());
    assert_eq!(service.stop().code, 0);
}
