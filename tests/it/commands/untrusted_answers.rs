//! The provider puts marked text into every field of every answer. Nothing that is printed may contain it.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::support::campaign::schedule;
use crate::support::http::response;
use crate::support::raw_server::RawServer;
use crate::support::service::ask;
use crate::support::{CampaignFile, Running, SOON, TestEnv, csv, phone, wait_until};

/// A number, and characters that act on a terminal, on C1 terminals, and on the direction of a text.
const MARK: &str = "MARK \u{1b}[31m\u{9b}2J\u{202e}\u{7} 85298765432";
/// What of it must not be seen.
const SECRET: [&str; 5] = ["98765432", "\u{1b}[31m", "\u{9b}", "\u{202e}", "\u{7}"];
const WEBHOOK: &str = "s3cret-of-the-provider";

/// An answer to a send; the last of them stops the run.
fn sends() -> Vec<(u16, String)> {
    let error = |code: Value, message: &str| {
        json!({"status": "error", "code": code, "message": message, "data": {"msg_id": MARK}, "error": {"m": MARK}})
            .to_string()
    };
    let accepted = |id: &str| json!({"status": "success", "code": 200, "message": MARK, "data": {"msg_id": id}});
    vec![
        (200, accepted("id-1").to_string()),
        (200, accepted("id-2").to_string()),
        (200, accepted(MARK).to_string()),
        (200, error(json!(10002), &format!("(#131026) {MARK}"))),
        (200, error(json!(10002), &format!("{MARK} (#132000) {MARK}"))),
        (200, error(json!(10002), &format!("(#85298765432) {MARK}"))),
        (200, error(json!(10003), MARK)),
        (200, error(json!(85_298_765_432_i64), MARK)),
        (200, error(json!(422), MARK)),
        (400, error(json!(400), &format!("socket hang up {MARK}"))),
        (400, MARK.to_owned()),
        (500, MARK.to_owned()),
        (502, format!("<html>{MARK}</html>")),
        (200, format!("{{\"status\":\"{MARK}\"}}")),
        (200, json!({"status": MARK, "code": 200, "message": MARK, "data": {"msg_id": "x"}}).to_string()),
        (429, error(json!(429), MARK)),
        (200, error(json!(10002), &format!("(#131056) {MARK}"))),
        (200, error(json!(10001), MARK)),
    ]
}

/// An answer to a status request.
fn polls() -> Vec<(u16, String)> {
    let entry =
        json!({"message_id": "id-1", "message_status": MARK, "created_at": MARK, "delivered_at": 0, "read_at": 0});
    vec![
        (200, json!({"status": "success", "code": 200, "message": MARK, "data": {"data": [entry]}}).to_string()),
        (200, json!({"status": "error", "code": 500, "message": MARK, "data": {}}).to_string()),
        (500, MARK.to_owned()),
        (200, MARK.to_owned()),
        (200, json!({"status": "error", "code": 10001, "message": MARK, "data": {}}).to_string()),
    ]
}

/// Answers each request by what comes next for its kind; what comes last stays.
fn provider() -> RawServer {
    let answers = Mutex::new((sends().into_iter(), polls().into_iter()));
    RawServer::start(move |_, connection| {
        let Some(request) = connection.request() else { return };
        let (sends, polls) = &mut *answers.lock().unwrap();
        let next = if request.method() == "GET" { polls.next() } else { sends.next() };
        let (status, body) = next.unwrap_or((500, MARK.to_owned()));
        // Marked text also where a person would hardly look.
        let headers = "x-mark: 85298765432\r\nconnection: close\r\n";
        connection.write(response(status, headers, &body).replacen("Scripted", "MARK 85298765432", 1));
    })
}

fn assert_unmarked(what: &str, text: &str) {
    for secret in SECRET {
        assert!(!text.contains(secret), "{what} holds {secret:?}: {text}");
    }
}

fn test_env(rest: String) -> TestEnv {
    let dispatch = "halt: {same_error: 40, share: 100%, over: 1000}";
    let campaign =
        CampaignFile { concurrency: 1, attempts: 1, rate: "100/s", dispatch, rest, ..CampaignFile::default() };
    TestEnv::with(&campaign, &csv(20))
}

#[test]
fn nothing_of_an_answer_is_printed_that_acts_or_names_a_person() {
    for format in ["text", "json"] {
        let (provider, env) = (provider(), test_env(String::new()));
        let go = |args: &[&str]| {
            let args = [&["-vvv", "--log-format", format], args].concat();
            let ended = env.start_at(Some(&provider.url()), &args).wait();
            assert_unmarked(&format!("{args:?}, out"), &ended.out);
            assert_unmarked(&format!("{args:?}, err"), &ended.err);
            ended
        };
        let stopped = go(&["run", "job.yaml"]);
        assert_eq!(stopped.code, 4, "{stopped}");
        assert!(
            stopped.err.contains("10001") && stopped.err.contains("MARK"),
            "the words are shown all the same: {stopped}"
        );
        for _ in 0..6 {
            go(&["reconcile", "--once"]);
        }
        let report = go(&["report", "-o", "-"]);
        assert!(report.out.contains("bad_message_id") && report.out.contains("MARK"), "{report}");
        for args in [
            &["status"][..],
            &["status", "--json"],
            &["verify"],
            &["report", "--format", "jsonl", "-o", "-"],
            &["report", "--format", "json", "-o", "-"],
            &["report", "--format", "html", "-o", "-"],
            &["run", "job.yaml", "--no-wait"],
            &["settle", "job-1", "--all", "--as", "sent", "--by", "me"],
            &["retry", "job-1", "--state", "rejected", "--yes", "--no-wait"],
            &["cancel", "job-1"],
        ] {
            go(args);
        }
    }
}

/// Asks for everything that can be seen without the token.
fn pages(service: &Running) -> String {
    let get = |path: &str| ask(service, "GET", path, "", "").1;
    ["/", "/live", "/runs", "/runs/job-1", "/campaigns", "/metrics", "/healthz"].map(get).concat()
}

#[test]
fn nothing_of_an_answer_or_a_callback_is_in_the_log_or_the_pages_of_the_service() {
    let (provider, env) = (provider(), test_env(schedule(0, "")));
    let prelude = format!("export CAMPAIGNER_WEBHOOK_SECRET={WEBHOOK}");
    let service = env.start_with_prelude(
        &prelude,
        Some(&provider.url()),
        &["serve", "--webhook", "--listen", "127.0.0.1:0", "-vvv"],
    );
    let halted = || ask(&service, "GET", "/live", "", "").1.contains("10001");
    assert!(wait_until(SOON, halted), "{}{}", pages(&service), service.stderr());
    assert_unmarked("a page", &pages(&service));

    let reply =
        |kind: &str| json!({"from": phone(1), "id": MARK, "timestamp": "1", "type": kind, "text": {"body": MARK}});
    for callback in [
        json!({"event": "message_status_update", "message_id": "id-1", "message_status": MARK, "received_at": MARK}),
        json!({"event": "message_status_update", "message_id": "id-2", "message_status": "failed", "received_at": 1,
               "error": {"code": 85_298_765_432_i64, "title": MARK}}),
        json!({"event": "message_status_update", "message_id": "id-1", "message_status": "failed", "received_at": 1,
               "error": {"code": MARK, "title": MARK, "message": MARK}}),
        json!({"event": "message_status_update", "message_id": MARK, "message_status": MARK, "received_at": MARK}),
        json!({"event": "new_message", "message": {"messages": [reply("text"), reply(MARK)]}}),
        json!({"event": MARK, "message": MARK}),
        json!(MARK),
    ] {
        ask(&service, "POST", &format!("/webhook/{WEBHOOK}"), "", &callback.to_string());
    }
    let failed = || env.run_offline(&["status", "job-1", "--json"]).out.contains("\"failed\":2");
    assert!(wait_until(SOON, failed), "{}{}", env.run_offline(&["status", "job-1"]), service.stderr());
    assert_unmarked("a page", &pages(&service));
    let ended = service.stop();
    assert_unmarked("the log", &(ended.out + &ended.err));
    for format in ["csv", "json", "jsonl", "html"] {
        let report = env.run_offline(&["report", "job-1", "--format", format, "-o", "-"]);
        assert_unmarked(format, &report.out);
    }
}
