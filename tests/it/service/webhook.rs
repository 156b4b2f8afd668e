//! `serve --webhook`: statuses and replies that the provider posts.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::service::{address, ask};
use crate::support::{
    CampaignFile, Running, SOON, Script, ScriptedProvider, TestEnv, counts, csv, message_id, phone, wait_until,
};

const SECRET: &str = "s3cret-of-the-provider";
/// 2026-03-23T07:12:01Z.
const AT: i64 = 1_774_249_921;

/// A provider whose status answers never say more than "sent".
fn silent() -> ScriptedProvider {
    ScriptedProvider::start(Script { statuses: Box::new(|_| vec![(Duration::ZERO, "sent")]), ..Script::default() })
}

fn service(env: &TestEnv, provider: &ScriptedProvider) -> Running {
    let prelude = format!("export CAMPAIGNER_WEBHOOK_SECRET={SECRET}");
    env.start_with_prelude(&prelude, Some(&provider.url()), &["serve", "--webhook", "--listen", "127.0.0.1:0", "-vvv"])
}

fn post(service: &Running, callback: &Value) -> u16 {
    ask(service, "POST", &format!("/webhook/{SECRET}"), "", &callback.to_string()).0
}

/// As the provider's documents show it.
fn status(id: &str, word: &str, at: i64, error: Value) -> Value {
    json!({
        "event": "message_status_update", "channel_id": 30058, "business_phone": "6281519236680", "message_id": id,
        "message_status": word, "error": error, "received_at": at,
    })
}

/// What a person sends, as the provider's documents show it; `more` is what kind of message it is.
fn said(id: &str, from: &str, answers: Option<&str>, more: &Value) -> Value {
    let mut message = json!({"from": from, "id": id, "timestamp": AT.to_string()});
    if let Some(answers) = answers {
        message["context"] = json!({"from": "6281519236680", "id": answers});
    }
    for (key, value) in more.as_object().unwrap() {
        message[key] = value.clone();
    }
    let contact = json!({"profile": {"name": "lucasleeve"}, "wa_id": from});
    let value = json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]});
    json!({"event": "new_message", "channel_id": 30058, "business_phone": "6281519236680", "message": value})
}

fn button(id: &str, title: &str) -> Value {
    json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": id, "title": title}}})
}

/// The id of the message to this number.
fn id_of(provider: &ScriptedProvider, to: &str) -> String {
    provider.received().sends.into_iter().find(|sent| sent.to == to).and_then(|sent| sent.message_id).unwrap()
}

#[test]
fn what_the_provider_reports_and_what_people_send_back_is_in_the_reports() {
    let (provider, env) = (silent(), TestEnv::with(&CampaignFile::default(), &csv(6)));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    let service = service(&env, &provider);
    let id = |n: usize| id_of(&provider, &phone(n));
    let reason =
        json!({"code": 131049, "title": "This message was not delivered to maintain healthy ecosystem engagement."});
    let list = json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "row_1.2", "title": "row 1.2", "description": "this is row 1.2"}}});
    let callbacks = [
        status(&id(1), "read", AT + 9, Value::Null),
        status(&id(1), "delivered", AT + 5, Value::Null),
        status(&id(1), "sent", AT, Value::Null),
        status(&id(2), "failed", AT, reason),
        status(&id(3), "on its way", AT, Value::Null),
        said("in-1", &phone(1), Some(&id(1)), &button("change-button", "Change")),
        said("in-2", &phone(4), Some(&id(4)), &list),
        said(
            "in-3",
            &phone(5),
            Some(&id(5)),
            &json!({"type": "button", "button": {"payload": "no", "text": "Stop promotions"}}),
        ),
        said("in-4", &phone(1), Some(&id(1)), &json!({"type": "text", "text": {"body": "=1+1, please"}})),
        said("in-5", "4915112345678", None, &json!({"type": "text", "text": {"body": "退订！"}})),
        json!({"event": "template_status_update", "template_id": 7, "new_value": "APPROVED"}),
    ];
    for callback in callbacks.iter().chain(&callbacks) {
        assert_eq!(post(&service, callback), 200, "{callback}");
    }
    let metrics = ask(&service, "GET", "/metrics", "", "").1;
    for count in ["{became=\"status\"} 10", "{became=\"reply\"} 10", "{became=\"unused\"} 2"] {
        assert!(metrics.contains(&format!("campaigner_callbacks_total{count}")), "{metrics}");
    }
    let ended = service.stop();
    assert_eq!(ended.code, 0, "{ended}");
    for secret in [SECRET, &phone(1), &phone(5), "4915112345678", "please", "lucasleeve", &id(1)] {
        assert!(!ended.err.contains(secret), "{secret} is logged: {ended}");
    }

    let report = env.run_offline(&["report", "job-1"]).out;
    let line = |n: usize| report.lines().nth(n).unwrap().split(',').skip(7).collect::<Vec<_>>().join(",");
    assert_eq!(line(1), "2026-03-23T07:12:06Z,2026-03-23T07:12:10Z,,");
    assert_eq!(line(2), ",,131049,This message was not delivered to maintain healthy ecosystem engagement.");
    let states = env.states("job-1");
    assert_eq!((states["read"], states["failed"]), (1, 1), "{states:?}");
    env.verify("job-1");

    for choice in ["change-button", "Change"] {
        let tapped = env.run_offline(&["replies", "job-1", "--choice", choice]).out;
        assert_eq!(tapped.lines().count(), 2, "{tapped}");
        assert!(tapped.lines().nth(1).unwrap().starts_with(&format!("1,{},", phone(1))), "{tapped}");
    }
    assert_eq!(env.run_offline(&["replies", "job-1", "--choice", "nothing"]).out.lines().count(), 1);
    let found = env.run_offline(&["find", &phone(1)]).out;
    for reply in ["reply 2026-03-23T07:12:01Z: button_reply, Change, change-button\n", ": text, =1+1, please\n"] {
        assert!(found.contains(reply), "{reply}: {found}");
    }
    let found: Value = serde_json::from_str(&env.run_offline(&["find", &phone(4), "--json"]).out).unwrap();
    assert_eq!(found["rows"][0]["replies"][0]["id"], "row_1.2", "{found}");

    let list = env.run_offline(&["replies", "job-1", "-o", "replies.csv"]);
    assert_eq!(list.code, 0, "{list}");
    let time = "2026-03-23T07:12:01Z";
    let expected = [
        "row,to,time,kind,id,title,text".to_owned(),
        format!("1,{},{time},button_reply,change-button,Change,", phone(1)),
        format!("4,{},{time},list_reply,row_1.2,row 1.2,", phone(4)),
        format!("5,{},{time},button,no,Stop promotions,", phone(5)),
        format!("1,{},{time},text,,,\"'=1+1, please\"", phone(1)),
    ];
    assert_eq!(env.read("replies.csv").lines().collect::<Vec<_>>(), expected);
    let mode = std::fs::metadata(env.path("replies.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let loose = env.run_offline(&["replies", "--loose", "--json"]).out;
    let loose: Value = serde_json::from_str(&loose).unwrap();
    assert_eq!(
        loose,
        json!({"row": null, "to": "4915112345678", "time": time, "kind": "text", "id": null, "title": null, "text": "退订！"})
    );

    let listed = env.run_offline(&["suppress", "list"]).out;
    assert!(listed.lines().any(|line| line.contains(&phone(5)) && line.contains("stop promotions")), "{listed}");
    assert!(listed.lines().any(|line| line.contains("4915112345678")) && !listed.contains(&phone(1)), "{listed}");

    let summary: Value = serde_json::from_str(&env.run_offline(&["report", "--json"]).out).unwrap();
    let replies = &summary["replies"];
    assert_eq!((&replies["total"], &replies["rows"], &replies["opted_out"]), (&json!(4), &json!(3), &json!(1)));
    assert_eq!(
        replies["choices"][1],
        json!({"kind": "button_reply", "id": "change-button", "title": "Change", "replies": 1, "rows": 1})
    );
    let shown = env.run_offline(&["status"]).out;
    assert!(shown.contains("replies from 3 people") && shown.contains("1  Change (change-button)\n"), "{shown}");
    assert!(!shown.contains("opt-out"), "{shown}");
    assert_eq!(
        replies["by_title"][1],
        json!({"kind": "button_reply", "title": "Change", "id": "change-button", "ids": 1, "replies": 1, "rows": 1})
    );
    let page = env.run_offline(&["report", "--format", "html"]).out;
    assert!(
        page.contains("<td>Stop promotions <span class=\"soft\">no</span></td>") && !page.contains("please"),
        "{page}"
    );
}

/// One message fails and is delivered later, another the other way round.
#[test]
fn a_delivery_wins_over_a_failure_in_either_order_and_both_are_in_the_reports() {
    let (provider, env) = (silent(), TestEnv::with(&CampaignFile::default(), &csv(4)));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    let service = service(&env, &provider);
    let id = |n: usize| id_of(&provider, &phone(n));
    let failed = |n: usize| status(&id(n), "failed", AT, json!({"code": 131049, "title": "Not delivered."}));
    let delivered = |n: usize| status(&id(n), "delivered", AT, Value::Null);
    for callback in [failed(1), delivered(1), delivered(2), failed(2), failed(3)] {
        assert_eq!(post(&service, &callback), 200, "{callback}");
    }
    assert_eq!(service.stop().code, 0);

    let report = env.run_offline(&["report"]).out;
    let line = |n: usize| report.lines().nth(n).unwrap().split(',').skip(7).collect::<Vec<_>>().join(",");
    for n in [1, 2] {
        assert_eq!(line(n), "2026-03-23T07:12:01Z,,131049,Not delivered.");
    }
    assert_eq!(line(3), ",,131049,Not delivered.");
    let states = env.states("job-1");
    assert_eq!((states["delivered"], states["failed"]), (2, 1), "{states:?}");
    env.verify("job-1");

    // Neither needs anything done about it, and nobody is sent a message again by accident.
    let words = "2 messages were reported both as failed and as delivered";
    let shown = env.run_offline(&["status"]).out;
    assert!(shown.contains(words) && shown.contains("  1  131049: Not delivered."), "{shown}");
    assert!(env.run_offline(&["report", "--format", "html"]).out.contains(words));
    for of in [&["status", "--json"][..], &["report", "--json"]] {
        let figures: Value = serde_json::from_str(&env.run_offline(of).out).unwrap();
        assert_eq!(figures["contradicted"], 2, "{of:?}");
        assert_eq!(figures["errors"].as_array().unwrap().len(), 1, "{of:?}");
    }
    let rows =
        |args: &[&str]| env.run_offline(&[&["report", "--error", "131049"], args].concat()).out.lines().count() - 1;
    assert_eq!((rows(&[]), rows(&["--state", "failed"]), rows(&["--state", "delivered,read"])), (1, 1, 2));
}

/// Callbacks in any order and with repeats, on parallel connections, from before the messages are sent on.
#[test]
fn callbacks_that_are_quicker_than_the_answer_to_the_send_are_not_lost() {
    const ROWS: usize = 200;
    let (provider, env) =
        (silent(), TestEnv::with(&CampaignFile { horizon: "1s", ..CampaignFile::default() }, &csv(ROWS)));
    let first = service(&env, &provider);
    let mut callbacks: Vec<Value> = (0..ROWS)
        .flat_map(|n| {
            ["sent", "delivered", "read", "delivered"].map(|word| status(&message_id(n), word, AT, Value::Null))
        })
        .collect();
    callbacks.extend((0..ROWS).map(|n| said(&format!("in-{n}"), "1", Some(&message_id(n)), &button("yes", "Yes"))));
    fastrand::Rng::with_seed(7).shuffle(&mut callbacks);
    std::thread::scope(|scope| {
        for part in callbacks.chunks(callbacks.len() / 4) {
            let first = &first;
            scope.spawn(move || part.iter().for_each(|callback| assert_eq!(post(first, callback), 200)));
        }
    });
    // What waits for its message outlives the service.
    first.kill();
    let run = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!(run.code, 0, "{run}");
    let second = service(&env, &provider);
    assert!(wait_until(SOON, || env.states("job-1") == counts(&[("read", ROWS as u64)])), "{}", second.stderr());
    assert!(wait_until(SOON, || env.run_offline(&["replies"]).out.lines().count() == ROWS + 1));
    assert_eq!(second.stop().code, 0);
    assert_eq!(env.run_offline(&["replies", "--loose"]).out.lines().count(), 1);
    env.verify("job-1");
}

#[test]
fn who_says_stop_while_messages_are_being_sent_gets_none() {
    const ROWS: usize = 60;
    let (provider, env) =
        (silent(), TestEnv::with(&CampaignFile { rate: "20/s", ..CampaignFile::default() }, &csv(ROWS)));
    let service = service(&env, &provider);
    address(&service);
    let run = env.start(&provider, &["run", "job.yaml", "--no-wait"]);
    provider.wait_for_sends(1);
    let stop = json!({"type": "text", "text": {"body": "Stop."}});
    assert_eq!(post(&service, &said("in-1", &phone(ROWS), None, &stop)), 200);
    let ended = run.wait();
    assert_eq!(ended.code, 0, "{ended}");
    assert_eq!(env.states("job-1").get("suppressed"), Some(&1));
    assert!(provider.received().sends.iter().all(|sent| sent.to != phone(ROWS)));
    env.verify("job-1");
}

#[test]
fn who_may_have_said_stop_is_listed_for_a_person_with_the_command_that_suppresses_the_number() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let (provider, env) = (silent(), TestEnv::with(&CampaignFile::default(), &csv(4)));
    assert_eq!(env.run_offline(&["suppress", "review"]).out, "phone,run,row,time,text,command\n");
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    let service = service(&env, &provider);
    let text = |id: &str, from: &str, answers: Option<&str>, text: &str| {
        said(id, from, answers, &json!({"type": "text", "text": {"body": text}}))
    };
    let callbacks = [
        text("in-1", &phone(1), Some(&id_of(&provider, &phone(1))), "=Please, stop\u{1b}[2J"),
        text("in-2", "4915112345678", None, "don't message me any more"),
        text("in-3", &phone(3), Some(&id_of(&provider, &phone(3))), "When does your sale on jackets end this year?"),
        text("in-4", "5215512345678", Some(&id_of(&provider, &phone(2))), "Stop. Thank you"),
    ];
    for callback in callbacks.iter().chain(&callbacks) {
        assert_eq!(post(&service, callback), 200, "{callback}");
    }
    let ended = service.stop();
    for private in [&phone(1), "4915112345678", "5215512345678", "Thank you", "message me"] {
        assert!(!ended.err.contains(private), "{private} is logged: {ended}");
    }
    assert_eq!(env.run_offline(&["suppress", "list"]).out, "phone,reason,added_at\n");

    let (time, reason) = ("2026-03-23T07:12:01Z", "--reason 'asked for no more messages'");
    let line = |phones: &str| format!("campaigner --db store.db suppress add {phones} {reason}");
    let (first, third) = (format!("+{}", phone(1)), format!("+{} +5215512345678", phone(2)));
    let expected = [
        "phone,run,row,time,text,command".to_owned(),
        format!("{},job-1,1,{time},\"'=Please, stop\u{1b}[2J\",{}", phone(1), line(&first)),
        format!("4915112345678,,,{time},don't message me any more,{}", line("+4915112345678")),
        format!("{},job-1,2,{time},Stop. Thank you,{}", phone(2), line(&third)),
    ];
    let listed = env.run_offline(&["suppress", "review"]);
    assert_eq!(
        (listed.code, listed.out.lines().collect::<Vec<_>>()),
        (0, expected.iter().map(String::as_str).collect())
    );
    let lines: Vec<Value> = env
        .run_offline(&["suppress", "review", "--json"])
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[1],
        json!({"phone": "4915112345678", "run": null, "row": null, "time": time, "text": "don't message me any more",
            "command": line("+4915112345678")})
    );
    assert_eq!((&lines[2]["run"], &lines[2]["row"]), (&json!("job-1"), &json!(2)));
    let shown = env.run_offline(&["status"]).out;
    assert!(
        shown.contains(
            "  3 possible opt-outs to review (counted across all runs): campaigner --db store.db suppress review\n"
        ),
        "{shown}"
    );
    let status = || serde_json::from_str::<Value>(&env.run_offline(&["status", "--json"]).out).unwrap();
    assert_eq!(status()["possible_opt_outs"], 3);

    // The command works as it is printed, although the sender's number is written in an old way.
    let command = lines[2]["command"].as_str().unwrap();
    let (words, _) = command.strip_prefix("campaigner --db store.db ").unwrap().split_once(" --reason").unwrap();
    let words: Vec<&str> = words.split(' ').chain(["--reason", "asked for no more messages"]).collect();
    let added = env.run_offline(&words);
    assert!(added.code == 0 && added.err.contains("2 numbers added"), "{added}");
    let dismissed = env.run_offline(&["suppress", "dismiss", &first]);
    assert!(dismissed.code == 0 && dismissed.err.contains("1 possible opt-out dismissed"), "{dismissed}");
    assert_eq!(status()["possible_opt_outs"], 1);
    assert_eq!(env.run_offline(&["suppress", "review"]).out.lines().skip(1).count(), 1);
    // One of the two has another spelling.
    assert_eq!(env.run_offline(&["suppress", "list"]).out.lines().skip(1).count(), 3);
    let removed = env.run_offline(&["suppress", "remove", "+5215512345678"]);
    assert!(removed.code == 0 && removed.err.contains("1 number removed"), "{removed}");
    let refused = env.run_offline(&["suppress", "add", "+85255123"]);
    assert!(refused.code == 2 && !refused.err.contains("55123"), "{refused}");
}

#[test]
fn without_the_secret_nothing_is_taken() {
    let (provider, env) = (silent(), TestEnv::with(&CampaignFile::default(), &csv(1)));
    for prelude in ["", "export CAMPAIGNER_WEBHOOK_SECRET=short"] {
        let refused = env.start_with_prelude(prelude, Some(&provider.url()), &["serve", "--webhook"]).wait();
        assert_eq!(refused.code, 2, "{refused}");
        assert!(refused.err.contains("CAMPAIGNER_WEBHOOK_SECRET") && !refused.err.contains("=short"), "{refused}");
    }
    let service = service(&env, &provider);
    let stop = said("in-1", &phone(1), None, &json!({"type": "text", "text": {"body": "stop"}})).to_string();
    let right = format!("/webhook/{SECRET}");
    let bearer = |secret: &str| format!("Authorization: Bearer {secret}\r\n");
    let large = "x".repeat(300 * 1024);
    for (method, path, headers, body, expected) in [
        ("POST", "/webhook/s3cret-of-the-providex", String::new(), stop.as_str(), 404),
        ("POST", "/webhook/", String::new(), &stop, 404),
        ("POST", "/webhook", String::new(), &stop, 401),
        ("POST", "/webhook", bearer("another-secret-of-length"), &stop, 401),
        ("GET", &right, String::new(), "", 405),
        ("POST", &right, String::new(), &large, 413),
        ("POST", &right, String::new(), "not JSON", 400),
        ("POST", &right, String::new(), "{\"event\":\"new_message\"}", 400),
        ("POST", &right, String::new(), "{\"event\":\"message_created\",\"source\":1}", 200),
    ] {
        assert_eq!(ask(&service, method, path, &headers, body).0, expected, "{method} {path} {headers}");
    }
    assert_eq!(env.run_offline(&["suppress", "list"]).out, "phone,reason,added_at\n");
    assert_eq!(ask(&service, "POST", "/webhook", &bearer(SECRET), &stop).0, 200);
    assert!(env.run_offline(&["suppress", "list"]).out.contains(&phone(1)));
    let ended = service.stop();
    assert!(!ended.err.contains("s3cret") && !ended.err.contains("another-secret"), "{ended}");
}

/// 200 only once it is on the disk, and what was not answered may come again.
#[cfg(debug_assertions)] // in other builds there are no crash points
#[test]
fn a_service_that_dies_has_kept_what_it_answered_and_takes_the_rest_again() {
    for (point, kept) in [("webhooks written", false), ("webhooks committed", true)] {
        let (provider, env) = (silent(), TestEnv::with(&CampaignFile::default(), &csv(2)));
        assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
        let prelude = format!("export CAMPAIGNER_WEBHOOK_SECRET={SECRET} CAMPAIGNER_CRASH_AT='{point}:2'");
        let args = ["serve", "--webhook", "--listen", "127.0.0.1:0"];
        let dying = env.start_with_prelude(&prelude, Some(&provider.url()), &args);
        let callbacks = [1, 2].map(|n| status(&id_of(&provider, &phone(n)), "read", AT, Value::Null));
        assert_eq!(post(&dying, &callbacks[0]), 200);
        let unanswered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| post(&dying, &callbacks[1])));
        assert!(unanswered.is_err(), "{point}: answered {unanswered:?}");
        assert_eq!(dying.wait().code, -6, "{point}");
        assert_eq!(env.states("job-1")["read"], 1 + u64::from(kept), "{point}");
        let service = service(&env, &provider);
        assert_eq!(post(&service, &callbacks[1]), 200);
        assert_eq!(env.states("job-1")["read"], 2, "{point}");
        env.verify("job-1");
    }
}

/// All on one machine, as a new user tries it: the simulated provider calls back, and people in it answer.
#[test]
fn the_simulated_provider_calls_back_and_its_people_answer() {
    const ROWS: usize = 40;
    let env = TestEnv::new();
    let campaign = format!(
        "name: job\nprovider: incs\nchannel: whatsapp\nrecipients: {{csv: list.csv, to: phone}}\n\
         reconcile: {{after: 1h, every: 1h}}\nmessage:\n  type: interactive\n  interactive:\n    type: button\n    \
         body: {{text: \"Coming?\"}}\n    action:\n      buttons:\n        - {}\n        - {}\n",
        "{type: reply, reply: {id: \"yes\", title: \"Yes\"}}",
        "{type: reply, reply: {id: opt_out, title: \"No more\"}}",
    );
    env.write("job.yaml", campaign);
    env.write("list.csv", csv(ROWS));
    let prelude = format!("export CAMPAIGNER_WEBHOOK_SECRET={SECRET}");
    let service = env.start_with_prelude(&prelude, None, &["serve", "--webhook", "--listen", "127.0.0.1:0"]);
    let webhook = format!("http://{}/webhook/{SECRET}", address(&service));
    let command =
        format!("simulator --listen 127.0.0.1:0 --webhook {webhook} --replies 1 --pace 20ms --failing 0 --unread 0");
    let simulator = env.start_at(None, &command.split(' ').collect::<Vec<_>>());
    simulator.wait_for_words("listening on ");
    let said = simulator.stderr();
    let listens = said.split_once("listening on ").unwrap().1.split(';').next().unwrap();
    let run = env.start_at(Some(&format!("http://{listens}")), &["run", "job.yaml", "--no-wait"]).wait();
    assert_eq!(run.code, 0, "{run}");
    let settled = || {
        let states = env.states("job-1");
        let of = |state| states.get(state).copied().unwrap_or(0);
        // A hundredth stays sent.
        of("read") + of("sent") == ROWS as u64 && of("read") > of("sent")
    };
    assert!(wait_until(SOON, settled), "{:?}", env.states("job-1"));
    let answered =
        || env.run_offline(&["replies", "job-1"]).out.lines().count() as u64 == 1 + env.states("job-1")["read"];
    assert!(wait_until(SOON, answered), "{}", env.run_offline(&["replies"]).out);
    let replies = env.run_offline(&["replies", "job-1"]).out;
    assert!(replies.contains(",button_reply,yes,Yes,"), "{replies}");
    let opted_out = replies.lines().filter(|line| line.contains(",button_reply,opt_out,No more,")).count();
    assert_eq!(env.run_offline(&["suppress", "list"]).out.lines().count(), 1 + opted_out);
    let ended = simulator.stop();
    assert!(ended.err.contains(" accepted, 0 not accepted"), "{ended}");
    for url in ["http://203.0.113.7/webhook/x", "https://example.com/x", "nothing"] {
        let refused = env.run_offline(&["simulator", "--listen", "127.0.0.1:0", "--webhook", url]);
        assert!(refused.code == 2 && refused.err.contains("URL on this machine"), "{refused}");
    }
}
