//! What WhatsApp's own codes make of a row and of the run: who waits, for how long, and what is printed.

use std::time::Duration;

use crate::support::{Answer, CampaignFile, Script, ScriptedProvider, Sent, TestEnv, counts, csv, phone};

const ROWS: usize = 20;

/// The third number is answered with this refusal the first `times` times, everyone else is accepted.
fn third_is_refused(refusal: &'static str, times: usize) -> Script {
    Script::answering(move |sent: &Sent| {
        if sent.to == phone(3) && sent.nth < times { Answer::error(10002, refusal) } else { Answer::Accept }
    })
}

#[test]
fn a_recipient_that_got_too_much_waits_alone_and_uses_up_no_try() {
    let provider = ScriptedProvider::start(third_is_refused("(#131056) pair rate limit hit", 2));
    let env = TestEnv::with(&CampaignFile { attempts: 1, ..CampaignFile::default() }, &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.err.contains("slow"), "the account keeps its rate: {run}");
    let third: Vec<_> =
        provider.received().sends.iter().filter(|sent| sent.to == phone(3)).map(|sent| sent.at).collect();
    let waits: Vec<_> = third.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
    assert!(waits[0] >= Duration::from_secs(1) && waits[1] >= Duration::from_secs(4), "{waits:?}");
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_row_that_has_to_wait_for_a_day_does_not_hold_up_the_process() {
    let provider = ScriptedProvider::start(third_is_refused("(#131049) to maintain healthy ecosystem engagement", 1));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 4, "{run}");
    assert!(run.err.contains("1 row is waiting until ") && run.err.contains(" resume job-1"), "{run}");
    assert_eq!(env.states("job-1"), counts(&[("pending", 1), ("read", ROWS as u64 - 1)]));
    assert_eq!(env.report("job-1").len(), ROWS, "the reports are there meanwhile");

    let status = env.run_offline(&["status"]);
    assert!(status.out.contains("1 row is waiting until ") && status.out.contains("what to do: "), "{status}");
    let json: serde_json::Value = serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap();
    assert_eq!(json["waiting"]["rows"], 1, "{json}");

    let early = env.run(&provider, &["resume", "--no-wait"]);
    assert_eq!((early.code, provider.sends()), (4, ROWS), "nothing is sent before its time: {early}");
    env.verify("job-1");
}

#[test]
fn a_file_that_cannot_be_fetched_is_tried_once_more_and_then_refused() {
    let provider = ScriptedProvider::start(third_is_refused("(#131052) Media download error", 9));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    let line = &env.report("job-1")[2];
    assert_eq!((line.state.as_str(), line.code.as_str(), line.attempts), ("rejected", "131052", 2));
    assert!(run.out.contains("what to do: fix the file's link"), "{run}");
    env.verify("job-1");
}

/// Viber's one documented failure says nothing of the message.
#[test]
fn a_failure_for_an_unknown_reason_leaves_its_row_in_doubt_with_what_to_do() {
    let answer = |sent: &Sent| match sent.to == phone(3) {
        true => Answer::error(10003, "Message failed \u{2013} detailed reason unknown"),
        false => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(answer));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64 - 1), ("uncertain", 1)]));
    for output in [&run.out, &env.run_offline(&["status"]).out] {
        assert!(output.contains("10003: Message failed") && output.contains("use `campaigner settle`"), "{output}");
    }
    let json: serde_json::Value = serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap();
    let advice = json.to_string();
    assert!(advice.contains("\"what_to_do\":\"if `rejected`, fix") && advice.contains("10003"), "{json}");
    provider.received().assert_nobody_twice();
}

#[test]
fn a_template_that_is_paused_stops_the_run_and_the_row_stays_as_it_was() {
    let provider = ScriptedProvider::start(Script::answering(|_| Answer::error(10002, "(#132015) Template is paused")));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 4, "{run}");
    assert!(run.err.contains("132015") && run.err.contains("no longer paused"), "{run}");
    assert_eq!(env.states("job-1"), counts(&[("pending", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_row_with_a_missing_template_of_its_own_does_not_hold_up_the_others() {
    let missing = |sent: &Sent| match sent.body["template"]["name"].as_str() {
        Some("missing") => Answer::error(10002, "(#132001) Template name does not exist in the translation"),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(missing));
    let env = TestEnv::with(&CampaignFile::default(), "phone,template\n85264000001,missing\n85264000002,welcome\n");
    let yaml = CampaignFile { text: "hello", ..CampaignFile::default() }.yaml();
    env.write("job.yaml", yaml.replace("name: test_header_text_2", "name: \"{{ template }}\""));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(env.states("job-1"), counts(&[("read", 1), ("rejected", 1)]));
}
