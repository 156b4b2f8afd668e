//! One person over all runs: what was sent, what became of it, and why nothing was.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, CampaignFile, Script, ScriptedProvider, Sent, TestEnv, csv, phone};

/// Two runs of one campaign: in the first row 2 is tried twice and read, in the second its number is suppressed.
fn two_runs() -> (ScriptedProvider, TestEnv) {
    let answer = |sent: &Sent| match (sent.to == phone(2), sent.nth) {
        (true, 0) => Answer::error(10_002, "(#131016) try again"),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(answer));
    let env = TestEnv::with(&CampaignFile::default(), &csv(4));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 0, "{run}");
    let suppressed = env.run_offline(&["suppress", "add", &format!("+{}", phone(2)), "--reason", "asked by phone"]);
    assert_eq!(suppressed.code, 0, "{suppressed}");
    let run = env.run(&provider, &["run", "job.yaml", "--again"]);
    assert_eq!(run.code, 0, "{run}");
    (provider, env)
}

#[test]
fn a_person_is_found_in_every_run_with_every_attempt() {
    let (_provider, env) = two_runs();
    let found = env.run_offline(&["find", &format!("+{}", phone(2))]);
    assert_eq!(found.code, 0, "{found}");
    let parts = [
        "gets no messages; on the suppression list since 2",
        ": asked by phone\njob-1, row 2: read\n",
        "job-2, row 2: suppressed\n",
    ];
    for part in parts.into_iter().chain([
        "attempt 1: to be retried; started 2",
        "131016: ",
        "attempt 2: read; started 2",
        ", accepted 2",
    ]) {
        assert!(found.out.contains(part), "{part}: {found}");
    }
    let found: Value = serde_json::from_str(&env.run_offline(&["find", &phone(2), "--json"]).out).unwrap();
    assert_eq!((&found["to"], &found["suppressed"]["reason"]), (&json!(phone(2)), &json!("asked by phone")));
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{found}");
    assert_eq!((&rows[0]["run"], &rows[0]["row"], &rows[0]["state"]), (&json!("job-1"), &json!(2), &json!("read")));
    assert_eq!((&rows[1]["state"], &rows[1]["error_code"]), (&json!("suppressed"), &json!("suppressed")));
    let attempts = rows[0]["attempts"].as_array().unwrap();
    assert_eq!((&attempts[0]["outcome"], &attempts[0]["error_code"]), (&json!("try_again"), &json!("131016")));
    assert_eq!((&attempts[1]["outcome"], &attempts[1]["message_id"]), (&json!("read"), &rows[0]["message_id"]));
    assert_eq!(rows[1]["attempts"], json!([]));
}

#[test]
fn a_number_is_read_as_people_write_it_and_a_wrong_one_says_what_is_wrong() {
    let (_provider, env) = two_runs();
    let number = phone(1);
    let (code, rest) = number.split_at(3);
    let spaced = env.run_offline(&["find", &format!("+{code}"), rest]);
    let national = env.run_offline(&["find", "--region", "HK", rest]);
    assert!(spaced.code == 0 && spaced.out.contains("job-2, row 1: read"), "{spaced}");
    assert_eq!(spaced.out, national.out);
    let nobody = env.run_offline(&["find", "+4915112345678"]);
    assert!(nobody.code == 0 && nobody.out.contains("not found in any run in this store"), "{nobody}");
    let wrong = env.run_offline(&["find", "0151/2345678"]);
    assert!(wrong.code == 2 && wrong.out.is_empty() && wrong.err.contains("--region"), "{wrong}");
    assert!(!wrong.err.contains("recipients.region"), "{wrong}");
}

#[test]
fn a_person_whose_number_has_two_spellings_is_recognised_by_either() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), "phone,first_name,discount\n+5491123456789,Ana,5%\n");
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    let found = env.run_offline(&["find", "+54", "11", "2345", "6789"]);
    assert!(found.code == 0 && found.out.contains("job-1, row 1 (+5491123456789): read"), "{found}");
    let retry = env.run(&provider, &["retry", "job-1", "--to", "+541123456789", "--yes"]);
    assert!(retry.code == 0 && retry.err.contains("row 1 is `read`"), "{retry}");

    env.write("list.csv", "phone,first_name,discount\n+541123456789,Ana,5%\n");
    let nobody = env.run(&provider, &["run", "job.yaml", "--only-new"]);
    assert_eq!((nobody.code, provider.sends()), (0, 1), "{nobody}");
    // Mexico's old spelling is no valid number, but WhatsApp still shows it.
    let found = env.run_offline(&["find", "+5215512345678"]);
    assert!(found.code == 0 && found.out.contains("not found in any run"), "{found}");
}

#[test]
fn the_message_is_shown_as_it_was_sent_although_the_files_have_changed() {
    let (provider, env) = two_runs();
    env.write("job.yaml", "");
    env.write("list.csv", "");
    let number = phone(2);
    let plain = env.run_offline(&["find", &number]);
    assert!(!plain.out.contains("message: {"), "{plain}");
    let found: Value = serde_json::from_str(&env.run_offline(&["find", &number, "--message", "--json"]).out).unwrap();
    let sent = provider.received().sends.into_iter().find(|sent| sent.to == number).unwrap();
    assert_eq!(found["rows"][0]["message"], sent.body);
    assert_eq!(found["rows"][1]["message"], Value::Null, "it was suppressed");
    let text = env.run_offline(&["find", &number, "--message"]);
    assert_eq!(text.out.matches("\n  message: {").count(), 1, "{text}");
}

#[test]
fn what_was_polled_alone_has_no_reason_and_every_view_says_that_webhooks_bring_it() {
    let failing = |to: &str| match to == phone(2) {
        true => vec![(Duration::ZERO, "failed")],
        false => vec![(Duration::ZERO, "read")],
    };
    let provider = ScriptedProvider::start(Script { statuses: Box::new(failing), ..Script::default() });
    let env = TestEnv::with(&CampaignFile::default(), &csv(3));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    let find = env.run_offline(&["find", &phone(2)]);
    let status = env.run_offline(&["status"]);
    let html = env.read("reports/job-1/report.html");
    let summary = env.read("reports/job-1/summary.json");
    for view in [&run.out, &find.out, &status.out, &html, &summary] {
        assert!(view.contains("without a reason") && view.contains("polled statuses have none"), "{view}");
    }
    let retry = env.run(&provider, &["retry", "job-1", "--to", &format!("+{}", phone(2)), "--yes", "--no-wait"]);
    let words = "the provider gave no reason why 1 row failed; it may fail again. Webhooks include the reason: ";
    assert!(retry.code == 0 && retry.err.contains(words), "{retry}");
}

#[test]
fn a_retry_of_one_person_neither_lifts_a_pause_nor_hides_how_many_it_sends() {
    let answer = |sent: &Sent| match sent.to == phone(1) {
        true => Answer::error(10_002, "(#131026) undeliverable"),
        false => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(answer));
    let env = TestEnv::with(&CampaignFile::default(), &csv(30));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "10", "--no-wait"]).code, 4);
    let retry = ["retry", "job-1", "--to", &format!("+{}", phone(1)), "--no-wait"];
    let asked = env.run(&provider, &retry);
    assert!(asked.code == 2 && asked.err.contains("and send the 20 rows not sent yet?"), "{asked}");
    assert_eq!(env.run_offline(&["pause", "job-1"]).code, 0);
    let refused = env.run(&provider, &[&retry[..], &["--yes"]].concat());
    assert!(refused.code == 4 && refused.err.contains("job-1 has been paused since"), "{refused}");
    assert_eq!(provider.sends(), 10);
}

#[test]
fn a_retry_of_one_person_says_why_nothing_is_sent() {
    let (provider, env) = two_runs();
    let sends = provider.sends();
    let retry = |run: &str, to: &str| env.run(&provider, &["retry", run, "--to", &format!("+{to}"), "--yes"]);
    let read = retry("job-1", &phone(2));
    let words =
        "  row 2 is `read`: an accepted message is not sent again; to send to this person anyway, use a campaign";
    assert!(read.code == 0 && read.err.contains(words), "{read}");
    let suppressed = retry("job-2", &phone(2));
    let words = "  row 2 is `suppressed` (suppressed): this row will not be sent; the report shows why";
    assert!(suppressed.err.contains(words), "{suppressed}");
    let nobody = retry("job-1", &phone(99));
    assert!(nobody.err.contains(&format!("  +{} is not in job-1", phone(99))), "{nobody}");
    let row = env.run(&provider, &["retry", "job-1", "--row", "77", "--yes"]);
    assert!(row.err.contains("  job-1 has no row 77"), "{row}");
    assert_eq!(provider.sends(), sends);
}
