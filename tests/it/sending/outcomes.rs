//! What each answer or failure of the provider makes of a row. What may have been accepted is never sent again
//! automatically; what was surely not accepted is not given up early.

use std::time::Duration;

use crate::support::raw_server::free_address;
use crate::support::{
    Answer, CampaignFile, SOON, Script, ScriptedProvider, Sent, TestEnv, counts, csv, envelope, phone, wait_until,
};

const ROWS: usize = 20;

/// One run in which the first numbers get these answers, one each, at every try, and all others are accepted. Fails
/// unless each of them ends in `state` with its code after so many tries, and all others are read.
fn assert_first_rows(answers: Vec<(Answer, &str)>, campaign: &CampaignFile, state: &str, tries: usize) {
    let script: Vec<Answer> = answers.iter().map(|(answer, _)| answer.clone()).collect();
    let answer = move |sent: &Sent| {
        let of_row = (1..).zip(&script).find(|(row, _)| sent.to == phone(*row));
        of_row.map_or(Answer::Accept, |(_, answer)| answer.clone())
    };
    let provider = ScriptedProvider::start(Script::answering(answer));
    let env = TestEnv::with(campaign, &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    env.verify("job-1");
    let received = provider.received();
    received.assert_nobody_twice();
    let report = env.report("job-1");
    for ((answer, code), line) in answers.iter().zip(&report) {
        let seen = received.sends.iter().filter(|sent| sent.to == line.to).count();
        assert_eq!((line.state.as_str(), line.code.as_str(), seen), (state, *code, tries), "{answer:?}: {line:?}");
        assert_eq!(line.attempts as usize, tries, "{answer:?}");
        assert!(!line.message.is_empty() && line.message_id.is_empty(), "{answer:?}: {line:?}");
    }
    assert!(report[answers.len()..].iter().all(|line| line.state == "read"), "{run}");
}

#[test]
fn what_may_have_been_accepted_is_uncertain_and_never_sent_again() {
    let answers = vec![
        (Answer::Refuse(500, "<h1>oops</h1>".into()), "http_500"),
        (Answer::Refuse(502, String::new()), "http_502"),
        (Answer::Refuse(200, "{}".into()), "http_200"),
        (Answer::Refuse(200, r#"{"status":"success","code":200,"data":{}}"#.into()), "no_message_id"),
        (Answer::error(500, "internal error"), "500"),
        (Answer::error(10003, "Message failed \u{2013} detailed reason unknown"), "10003"),
        (Answer::AcceptAndClose, "connection_lost"),
        (Answer::AcceptAndHang, "timeout"),
    ];
    assert_first_rows(answers, &CampaignFile { timeout: "1s", ..CampaignFile::default() }, "uncertain", 1);
}

#[test]
fn what_was_accepted_without_an_id_is_never_sent_again_whatever_the_campaign_says() {
    let success =
        |id: &str| Answer::Refuse(200, format!(r#"{{"status":"success","code":200,"data":{{"msg_id":"{id}"}}}}"#));
    let answers = vec![
        (success(""), "no_message_id"),
        (success(&"x".repeat(3_000)), "bad_message_id"),
        (success("\u{200e}1"), "bad_message_id"),
    ];
    assert_first_rows(answers, &CampaignFile { uncertain: "resend", ..CampaignFile::default() }, "uncertain", 1);
}

#[test]
fn what_the_provider_refuses_for_good_is_rejected_with_its_code() {
    let parameters = "(#132012) Parameter format does not match format in the created template";
    let custom = "Template with the code [x] and bot [y] received with insufficient custom params";
    let answers = vec![(Answer::error(10002, parameters), "132012"), (Answer::error(10004, custom), "10004")];
    assert_first_rows(answers, &CampaignFile::default(), "rejected", 1);
}

#[test]
fn tries_that_were_surely_not_accepted_are_used_up_in_the_end() {
    let campaign = CampaignFile { attempts: 2, ..CampaignFile::default() };
    let answers = vec![(Answer::error(10002, "(#131016) Service unavailable"), "131016")];
    assert_first_rows(answers, &campaign, "exhausted", 2);
}

#[test]
fn a_throttled_row_is_tried_again_and_uses_up_no_try() {
    let throttled = |sent: &Sent| match (sent.to == phone(3), sent.nth) {
        (true, 0..3) => Answer::RefuseWith(429, "retry-after: 1".into(), envelope(429, "too many requests")),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(throttled));
    // Were tries used up, two would not be enough.
    let env = TestEnv::with(&CampaignFile { attempts: 2, ..CampaignFile::default() }, &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 0, "{run}");
    let received = provider.received();
    received.assert_nobody_twice();
    let third: Vec<_> = received.sends.iter().filter(|sent| sent.to == phone(3)).map(|sent| sent.at).collect();
    assert_eq!(third.len(), 4);
    let waits = third.windows(2).map(|pair| pair[1].duration_since(pair[0]));
    assert!(waits.min().unwrap() >= Duration::from_secs(1), "the provider's wish is heard");
    let report = env.report("job-1");
    assert_eq!((report[2].state.as_str(), report[2].attempts, report[2].code.as_str()), ("read", 4, ""));
    env.verify("job-1");
}

#[test]
fn a_provider_that_is_not_there_yet_is_tried_until_it_is() {
    let address = free_address();
    // No try is used up where nothing was sent.
    let env = TestEnv::with(&CampaignFile { attempts: 1, ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start_at(Some(&format!("http://{address}")), &["run", "job.yaml"]);
    let refused = || env.run_offline(&["status", "--json"]).out.contains("\"code\":\"connect\"");
    assert!(wait_until(SOON, refused));
    let provider = ScriptedProvider::start_at(address, Script::default());
    let run = running.wait();
    assert_eq!(run.code, 0, "{run}");
    assert!(run.err.contains("cannot reach the provider") && run.err.contains("is reachable again"), "{run}");
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    assert!(env.report("job-1").iter().all(|line| line.attempts == 1), "no other request left");
    env.verify("job-1");
}

#[test]
fn a_refused_account_stops_the_run_at_once_and_resume_continues_once_it_is_fixed() {
    const MANY: usize = 300;
    let refuse = |_: &Sent| Answer::error(10001, "certification-code is invalid");
    let refusing = ScriptedProvider::start(Script { latency: Duration::from_millis(20), ..Script::answering(refuse) });
    let campaign = CampaignFile { concurrency: 8, ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, &csv(MANY));
    let stopped = env.run(&refusing, &["run", "job.yaml"]);
    assert_eq!(stopped.code, 4, "{stopped}");
    assert!(stopped.err.contains("10001") && stopped.err.contains(" resume job-1"), "{stopped}");
    assert_eq!(refusing.sends(), 1);
    assert_eq!(env.states("job-1"), counts(&[("pending", MANY as u64)]));
    env.verify("job-1");

    let fixed = ScriptedProvider::accepting_all();
    let resumed = env.run(&fixed, &["resume"]);
    assert_eq!((resumed.code, fixed.sends()), (0, MANY), "{resumed}");
    fixed.received().assert_nobody_twice();
    env.verify("job-1");
}

#[test]
fn a_wrong_credential_of_ours_never_becomes_a_message() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let toml = format!(
        "[providers.incs]\nkind = \"incs\"\nbase_url = \"{}\"\ncertification_code = \"other\"\n",
        provider.url()
    );
    env.write("campaigner.toml", toml);
    let stopped = env.run_offline(&["run", "job.yaml"]);
    assert_eq!((stopped.code, provider.sends()), (4, 0), "{stopped}");
    assert!(!stopped.err.contains("other"), "{stopped}");
}

#[test]
fn an_id_that_the_provider_repeats_is_its_mistake_and_no_damaged_store() {
    let same = r#"{"status": "success", "code": 200, "message": "", "data": {"msg_id": "same"}, "error": {}}"#;
    let provider = ScriptedProvider::start(Script::answering(|_| Answer::Refuse(200, same.to_owned())));
    let env = TestEnv::with(&CampaignFile::default(), &csv(2));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    let verified = env.run_offline(&["verify"]);
    assert_eq!(verified.code, 1, "{verified}");
    assert!(
        verified.err.contains("gave several messages the same id") && !verified.err.contains("backup"),
        "{verified}"
    );
}
