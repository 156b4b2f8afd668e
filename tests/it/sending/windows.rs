//! When messages may leave: send windows, times of single rows, deadlines and quotas.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::support::campaign::zone_at_noon;
use crate::support::{Answer, CampaignFile, Script, ScriptedProvider, Sent, TestEnv, counts, csv};

/// Hours of a place at which it is noon.
fn window(hours: &str) -> String {
    format!("timezone: {}\nwindow: \"{hours}\"\n", zone_at_noon())
}

/// An environment with these lines at the end of the usual campaign.
fn with(rest: &str, list: &str) -> TestEnv {
    TestEnv::with(&CampaignFile { rest: rest.to_owned(), ..CampaignFile::default() }, list)
}

/// The usual campaign with this quota, in a zone where it is noon.
fn with_quota(dispatch: &'static str) -> CampaignFile {
    CampaignFile { dispatch, rest: format!("timezone: {}\n", zone_at_noon()), ..CampaignFile::default() }
}

#[test]
fn a_closed_window_lets_nothing_out_and_says_when_it_opens() {
    let provider = ScriptedProvider::accepting_all();
    let env = with(&window("15:00-17:00"), &csv(20));
    let sent = env.run(&provider, &["run", "--no-wait", "job.yaml"]);
    assert_eq!(sent.code, 4, "{sent}");
    assert!(sent.err.contains("20 rows are waiting until ") && sent.err.contains(" resume job-1"), "{sent}");
    assert_eq!(env.states("job-1"), counts(&[("pending", 20)]));
    env.verify("job-1");
    let again = env.run(&provider, &["run", "--no-wait", "job.yaml"]);
    assert_eq!(again.code, 4, "{again}");
    // Without `--no-wait` it stays for the window, and a signal ends that.
    let staying = env.start(&provider, &["resume"]);
    staying.wait_for_words("no remaining row can be sent before");
    let stopped = staying.stop();
    assert_eq!(stopped.code, 4, "{stopped}");
    assert_eq!(provider.sends(), 0);
    assert!(env.run_offline(&["status"]).out.contains("20 rows are waiting until "));
    let cancelled = env.run_offline(&["cancel", "job-1"]);
    assert_eq!(cancelled.code, 0, "{cancelled}");
    assert_eq!(env.states("job-1"), counts(&[("cancelled", 20)]));
    env.verify("job-1");
}

#[test]
fn an_open_window_lets_everyone_out() {
    let provider = ScriptedProvider::accepting_all();
    let env = with(&window("11:00-17:00"), &csv(300));
    let sent = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(sent.code, 0, "{sent}");
    assert_eq!(provider.sends(), 300);
    provider.received().assert_nobody_twice();
    env.verify("job-1");
}

#[test]
fn rows_leave_at_their_own_times_or_expire() {
    let provider = ScriptedProvider::accepting_all();
    // A row waits until then, but for the part of a millisecond that the store does not keep.
    let earliest = Instant::now() + Duration::from_millis(2_999);
    let soon = Timestamp::now() + jiff::Span::new().seconds(3);
    let list = format!(
        "phone,first_name,when,until\n85264000001,Ana,,\n85264000002,Bo,{soon},\n\
         85264000003,Cy,2099-01-01T09:00Z,2020-01-01T09:00+08:00\n85264000004,Di,,2020-01-01T09:00+08:00\n\
         85264000005,Ed,someday,\n"
    );
    let recipients = "{csv: list.csv, to: phone, send_at: when, not_after: until}".to_owned();
    let env = TestEnv::with(&CampaignFile { recipients, ..CampaignFile::default() }, &list);
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert!(
        checked
            .out
            .contains("1 row: column `when`: this is not a valid time [bad_send_at]\n  row 5, line 6 (`someday`)\n"),
        "{checked}"
    );
    assert!(checked.out.contains("row 3") && checked.out.contains("[bad_send_at]"), "{checked}");
    let sent = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(sent.code, 3, "{sent}");
    let sends = provider.received().sends;
    assert_eq!(sends.len(), 2, "{sent}");
    assert!(sends[0].at < earliest && sends[1].at >= earliest, "the second one waited, and it alone");
    let report = env.report("job-1");
    let states: Vec<&str> = report.iter().map(|line| line.state.as_str()).collect();
    assert_eq!(states, ["read", "read", "invalid", "expired", "invalid"]);
    assert_eq!(report[3].code, "expired");
    assert!(report[3].message.starts_with("not sent before its deadline, 2020-01-01T01:00:00Z"), "{:?}", report[3]);
    env.verify("job-1");
    // What is too late stays so.
    let retried = env.run_offline(&["retry", "job-1", "--state", "expired", "--yes"]);
    assert_eq!(retried.code, 2, "{retried}");
}

#[test]
fn a_quota_holds_over_restarts() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&with_quota("quota: 7/day"), &csv(20));
    let limited = env.run(&provider, &["run", "--no-wait", "--limit", "3", "job.yaml"]);
    assert_eq!((limited.code, provider.sends()), (4, 3), "{limited}");
    for _ in 0..2 {
        let sent = env.run(&provider, &["run", "--no-wait", "job.yaml"]);
        assert_eq!(sent.code, 4, "{sent}");
        assert!(sent.err.contains("13 rows are waiting until ") && sent.err.contains(":00:00Z"), "{sent}");
        assert_eq!(provider.sends(), 7, "{sent}");
    }
    let status = env.run_offline(&["status"]);
    assert!(status.out.contains("13 rows are waiting until "), "{status}");
    let output: serde_json::Value = serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap();
    assert_eq!(output["waiting"]["rows"], 13, "{output}");
    env.verify("job-1");
}

#[test]
fn rows_whose_deadline_is_before_the_next_quota_expire_at_once() {
    let provider = ScriptedProvider::accepting_all();
    let quota = with_quota("quota: 7/day");
    let rest = format!("{}not_after: 2h\n", quota.rest);
    let env = TestEnv::with(&CampaignFile { rest, ..quota }, &csv(20));
    let sent = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((sent.code, provider.sends()), (3, 7), "{sent}");
    assert_eq!(env.states("job-1"), counts(&[("read", 7), ("expired", 13)]));
    let report = env.report("job-1");
    assert!(report[19].message.starts_with("cannot be sent before its deadline, 20"), "{:?}", report[19]);
    env.verify("job-1");
}

/// Where the number of requests in flight is the limit, many end and are replaced in the same step.
#[test]
fn a_quota_holds_at_full_speed() {
    let provider = ScriptedProvider::accepting_all();
    let campaign = CampaignFile { concurrency: 64, ..with_quota("quota: 300/day") };
    let env = TestEnv::with(&campaign, &csv(1_000));
    let sent = env.run(&provider, &["run", "--no-wait", "job.yaml"]);
    assert_eq!((sent.code, provider.sends()), (4, 300), "{sent}");
    env.verify("job-1");
}

#[test]
fn two_runs_of_one_campaign_share_its_quota() {
    let odd = |sent: &Sent| match sent.index {
        0..4 => Answer::error(10002, "(#131026) Message undeliverable"),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script { latency: Duration::from_millis(300), ..Script::answering(odd) });
    let campaign = CampaignFile { concurrency: 1, ..with_quota("quota: 12/day") };
    let env = TestEnv::with(&campaign, &csv(8));
    let first = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((first.code, provider.sends()), (3, 8), "{first}");

    // Beside the next one, what the first one did not get through is sent again.
    env.write("list.csv", csv(10));
    let second = env.start(&provider, &["run", "--again", "--no-wait", "job.yaml"]);
    provider.wait_for_sends(9);
    let again = env.run(&provider, &["retry", "job-1", "--state", "rejected", "--yes", "--again", "--no-wait"]);
    let second = second.wait();
    assert!(second.code == 4 && second.err.contains("2 rows are waiting until "), "{second}");
    let words = "another run of `job` uses the same daily quota; waiting for it to finish sending";
    assert!(again.code == 4 && again.err.contains(words) && again.err.contains("4 rows are waiting until "), "{again}");
    assert_eq!(provider.sends(), 4 + 12);
}

#[test]
fn an_unknown_time_zone_is_reported_before_anything_is_sent() {
    let provider = ScriptedProvider::accepting_all();
    let window = "window: {open: \"00:00-24:00\", clock: recipient}\n";
    let list = "phone,first_name\n85264000001,Ana\n80012345678,Bo\n";
    let env = with(window, list);
    let sent = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((sent.code, provider.sends()), (0, 1), "{sent}");
    let report = env.report("job-1");
    assert_eq!((report[1].state.as_str(), report[1].code.as_str()), ("invalid", "no_timezone"));
    drop(env);
    let env = TestEnv::with(
        &CampaignFile { recipients: "{csv: list.csv, to: phone, timezone: zone}".into(), ..CampaignFile::default() },
        list,
    );
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert_eq!(checked.code, 2, "{checked}");
    assert!(checked.err.contains("`recipients.timezone`: the recipients have no column `zone`"), "{checked}");
}
