//! `campaigner test`: one message to a number of one's own, outside every run.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::http::response;
use crate::support::raw_server::RawServer;
use crate::support::{Answer, CampaignFile, Script, ScriptedProvider, TestEnv, csv, envelope, phone};

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
    assert!(
        sent.out.contains("test of job, row 2, to +85269990000: accepted 20") && sent.out.contains("after"),
        "{sent}"
    );
    let received = provider.received();
    assert_eq!(received.sends[0].to, "85269990000");
    assert_eq!(without_to(received.sends[0].body.clone()), previewed(&env, &provider, 2));

    assert_eq!(env.run_offline(&["status", "--all"]).out, "", "a test is no run");
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((run.code, provider.sends()), (0, 4), "{run}");
    let found = env.run_offline(&["find", MINE]);
    assert!(
        found.out.contains("not found in any run in this store") && found.out.contains("test of job, row 2:"),
        "{found}"
    );
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
    assert!(second.err.contains("there was an earlier test of `job` to this number, at 20"), "{second}");
    assert!(second.err.contains("sending another"), "{second}");
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
    assert!(refused.code == 2 && refused.err.contains("has been on the suppression list since 20"), "{refused}");
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
    assert!(found.out.contains("test of job, row 1: uncertain; started 20"), "{found}");

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

#[test]
fn a_store_that_was_copied_or_moved_sends_no_test_until_a_person_says_moved() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    fs::remove_file(env.path("store.db-mark")).unwrap();
    let refused = env.run(&provider, &test(&[]));
    assert!(refused.code == 1 && refused.err.contains("has no mark file"), "{refused}");
    assert_eq!(provider.sends(), 1);
    let moved = env.run(&provider, &test(&["--moved"]));
    assert_eq!((moved.code, provider.sends()), (0, 2), "{moved}");
}

#[test]
fn a_log_of_a_wrong_number_holds_only_the_reason() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(2).replace(&phone(2), "+852 6400 0001 ext 77"));
    for wrong in ["+852 6400 0001 ext 77", "+852 6400 0001, +852 6400 0002", "85264000001.77", "64000001"] {
        for command in [
            &["test", "job.yaml", "--to", wrong][..],
            &["test", "job.yaml", "--to", MINE, "--row", "2"],
            &["find", wrong],
            &["suppress", "add", wrong],
        ] {
            let shown = env.run(&provider, command);
            let logged = env.run(&provider, &[command, &["--log-format", "json"]].concat());
            assert_eq!((shown.code, logged.code), (2, 2), "{shown}{logged}");
            let says = |words| logged.err.contains(words);
            assert!(says("\"--to: ") || says("\"NUMBER") || says("\"row 2: "), "{logged}");
            assert!(!says("6400") && !says("77"), "{logged}");
        }
    }
    assert_eq!(provider.sends(), 0);
}

#[test]
fn a_pause_that_the_provider_asks_for_is_stored_and_kept() {
    let slow = || Answer::RefuseWith(429, "retry-after: 3600".to_owned(), envelope(429, "slow down"));
    let provider = ScriptedProvider::start(Script::answering(move |_| slow()));
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    for nth in 0..2 {
        let paused = env.run(&provider, &test(&[]));
        assert_eq!((paused.code, provider.sends()), (4, 1), "{nth}: {paused}");
        assert!(paused.err.contains("the provider asked for a pause until 20"), "{paused}");
        assert!(paused.err.contains("un the command again after that"), "{paused}");
    }
    let run = env.start(&provider, &["run", "job.yaml", "--no-wait"]);
    run.wait_for_words("the provider asked for a pause; nothing will be sent before");
    assert_eq!((run.stop().code, provider.sends()), (4, 1));
}

#[test]
fn a_pause_that_a_status_request_is_asked_for_is_kept_too() {
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let server = RawServer::start(move |_, connection| {
        let request = connection.request().unwrap();
        let answer = if request.method() == "GET" {
            counted.fetch_add(1, Ordering::SeqCst);
            response(429, "retry-after: 3600\r\nconnection: close\r\n", &envelope(429, "slow down"))
        } else {
            let accepted = r#"{"status":"success","code":200,"data":{"msg_id":"id-1"}}"#;
            response(200, "connection: close\r\n", accepted)
        };
        connection.write(answer);
    });
    let url = server.url();
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    let waited = env.start_at(Some(&url), &test(&["--timeout", "5s"])).wait();
    assert!(waited.code == 3 && waited.err.contains("not delivered within 5 s"), "{waited}");
    assert_eq!(polls.load(Ordering::SeqCst), 1);
    let paused = env.start_at(Some(&url), &test(&[])).wait();
    assert!(paused.code == 4 && paused.err.contains("the provider asked for a pause until 20"), "{paused}");
}

#[test]
fn with_the_simulator_a_test_says_that_nothing_left_this_machine() {
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    env.write("job.yaml", env.read("job.yaml").replace("provider: incs", "provider: simulator"));
    let sent = env.run_offline(&test(&["--timeout", "1s"]));
    assert!(sent.err.contains("nothing left this machine"), "{sent}");
    let provider = ScriptedProvider::accepting_all();
    env.write("job.yaml", env.read("job.yaml").replace("provider: simulator", "provider: incs"));
    let sent = env.run(&provider, &test(&[]));
    assert!(sent.code == 0 && !sent.err.contains("nothing left this machine"), "{sent}");
}
