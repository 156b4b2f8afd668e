//! `campaigner test`: one message to a number of one's own, outside every run.

use serde_json::Value;

use crate::support::{Answer, CampaignFile, Script, ScriptedProvider, TestEnv, csv, phone};

const MINE: &str = "+852 6999 0000";

fn test<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["test", "job.yaml", "--to", MINE], more].concat()
}

#[test]
fn a_test_is_delivered_to_ones_own_number_and_no_run_knows_it() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(3));
    let sent = env.run(&provider, &test(&["--row", "2"]));
    assert_eq!(sent.code, 0, "{sent}");
    assert!(sent.out.contains("row 2 of job as a test: accepted 20") && sent.out.contains("after"), "{sent}");
    let received = provider.received();
    assert_eq!(received.sends[0].to, "85269990000");
    assert_eq!(without_to(received.sends[0].body.clone()), previewed(&env, &provider, 2));

    assert_eq!(env.run_offline(&["status", "--all"]).out, "", "a test is no run");
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((run.code, provider.sends()), (0, 4), "{run}");
    let found = env.run_offline(&["find", MINE]);
    assert!(found.out.contains("not in any run of this store") && found.out.contains("test of job, row 2:"), "{found}");
    let json: Value = serde_json::from_str(&env.run_offline(&["find", MINE, "--json"]).out).unwrap();
    assert_eq!((&json["tests"][0]["campaign"], &json["tests"][0]["row"]), (&"job".into(), &2.into()), "{json}");
    env.verify("job-1");
}

/// A row's message, as `preview` shows it.
fn previewed(env: &TestEnv, provider: &ScriptedProvider, row: u64) -> Value {
    let body = env.run(provider, &["preview", "job.yaml", "--row", &row.to_string()]).out;
    without_to(serde_json::from_str(&body).unwrap())
}

fn without_to(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("to").unwrap();
    body
}

#[test]
fn a_second_test_sends_a_second_message_and_says_so() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    assert_eq!(env.run(&provider, &test(&[])).code, 0);
    let second = env.run(&provider, &test(&["--json"]));
    assert!(second.err.contains("an earlier test of `job` to this number, at 20"), "{second}");
    assert!(second.err.contains("sending another one"), "{second}");
    let json: Value = serde_json::from_str(&second.out).unwrap();
    assert_eq!((&json["outcome"], &json["row"]), (&"accepted".into(), &1.into()), "{json}");
    assert_eq!(provider.sends(), 2);
}

#[test]
fn a_suppressed_number_gets_no_test() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    assert_eq!(env.run_offline(&["suppress", "add", MINE]).code, 0);
    let refused = env.run(&provider, &test(&[]));
    assert!(refused.code == 2 && refused.err.contains("on the suppression list since 20"), "{refused}");
    assert_eq!(provider.sends(), 0);
}

#[test]
fn a_test_that_is_killed_stays_recorded_as_uncertain_and_is_not_sent_again() {
    let hanging = ScriptedProvider::start(Script::answering(|_| Answer::AcceptAndHang));
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    let running = env.start(&hanging, &test(&[]));
    hanging.wait_for_sends(1);
    running.kill();
    let found = env.run_offline(&["find", MINE]);
    assert!(found.out.contains("test of job, row 1: uncertain; sent 20"), "{found}");

    let provider = ScriptedProvider::accepting_all();
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 0, "{run}");
    let received: Vec<String> = provider.received().sends.iter().map(|sent| sent.to.clone()).collect();
    assert_eq!(received, [phone(1)], "only the list's row");
}

#[test]
fn what_is_not_accepted_or_not_delivered_says_why() {
    let provider =
        ScriptedProvider::start(Script::answering(|_| Answer::error(10002, "(#131026) Message undeliverable")));
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    let refused = env.run(&provider, &test(&[]));
    assert!(refused.code == 3 && refused.err.contains("the test message was not accepted"), "{refused}");
    assert!(refused.err.contains("131026") && refused.err.contains("what to do:"), "{refused}");

    let silent = ScriptedProvider::start(Script { statuses: Box::new(|_| Vec::new()), ..Script::default() });
    let waited = env.run(&silent, &test(&["--timeout", "2s"]));
    assert!(waited.code == 3 && waited.err.contains("not delivered within 2 s"), "{waited}");
}

#[test]
fn a_row_that_cannot_be_sent_and_a_number_that_is_none_are_refused_before_anything_is_sent() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(2).replace(&phone(2), "12"));
    let bad_row = env.run(&provider, &test(&["--row", "2"]));
    assert!(bad_row.code == 2 && bad_row.err.contains("row 2: column `phone`"), "{bad_row}");
    let no_row = env.run(&provider, &test(&["--row", "9"]));
    assert!(no_row.code == 2 && no_row.err.contains("the list has no row 9"), "{no_row}");
    let bad_number = env.run(&provider, &["test", "job.yaml", "--to", "12"]);
    assert!(bad_number.code == 2 && bad_number.err.contains("--to:"), "{bad_number}");
    assert_eq!(provider.sends(), 0);
}
