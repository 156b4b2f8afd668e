//! Meta's Cloud API: a campaign is sent through it, and `serve --webhook` finishes it with Meta's signed webhooks.

use std::net::Ipv4Addr;
use std::time::Duration;

use campaigner::simulator::{Behaviour, Simulator};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::http::exchange;
use crate::support::service::{address, ask};
use crate::support::{Running, SOON, TestEnv, counts, csv, wait_until};

const NUMBER: &str = "106540352242922";
/// The simulated WhatsApp Business account, which the health of its numbers names.
const BUSINESS_ACCOUNT: &str = "200000000000000";
const VERIFY_TOKEN: &str = "a-token-for-the-verification";

const CAMPAIGN: &str = "\
name: job
provider: meta
channel: whatsapp
recipients: {csv: list.csv, to: phone}
message: {type: text, text: \"Hello {{ first_name }}\"}
dispatch: {rate: 2000/s, concurrency: 16}
reconcile: {for: 1h}
";

/// A folder with the campaign, and a list of `rows` rows.
fn folder(rows: usize) -> TestEnv {
    let env = TestEnv::new();
    env.write("job.yaml", CAMPAIGN);
    env.write("list.csv", csv(rows));
    env
}

/// The variables of the account; the provider is at `base`.
fn account(base: &str) -> Vec<(&str, &str)> {
    vec![
        ("META_BASE_URL", base),
        ("META_ACCESS_TOKEN", "EAAJB-a-token-that-is-not-printed"),
        ("META_PHONE_NUMBER_ID", NUMBER),
        ("META_APP_SECRET", Simulator::META_APP_SECRET),
        ("META_VERIFY_TOKEN", VERIFY_TOKEN),
    ]
}

fn serve(env: &TestEnv) -> Running {
    // It never sends, so any address does.
    serve_for(env, "http://127.0.0.1:9")
}

fn serve_for(env: &TestEnv, base: &str) -> Running {
    env.start_with(&account(base), &["serve", "--webhook", "--listen", "127.0.0.1:0", "-v"])
}

/// A simulated Meta that calls the service.
fn simulator(service: &Running, behaviour: Behaviour) -> (Simulator, String) {
    let webhook = Some(format!("http://{}/webhook/meta/meta", address(service)));
    let pace = Duration::from_millis(50);
    let simulator =
        Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour { webhook, pace, ..behaviour }).unwrap();
    let base = format!("http://{}/v25.0", simulator.address());
    (simulator, base)
}

fn status(env: &TestEnv) -> Value {
    serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap_or_default()
}

/// The header with the signature of a body.
fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(Simulator::META_APP_SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("X-Hub-Signature-256: sha256={hex}\r\n")
}

#[test]
fn lost_answers_settle_themselves_and_the_service_finishes_the_run() {
    let env = folder(400);
    let service = serve(&env);
    let behaviour =
        Behaviour { drop_rate: 0.1, failing: 0.1, stuck: 0.0, unread: 0.0, seed: 7, ..Behaviour::default() };
    let (simulator, base) = simulator(&service, behaviour);
    let sent = env.start_with(&account(&base), &["run", "job.yaml"]).wait();
    assert_eq!(sent.code, 3, "{sent}");
    assert!(sent.err.contains(" serve --webhook"), "{sent}");
    let is_over = || status(&env)["stage"] == "finished";
    assert!(wait_until(SOON, is_over), "{}\n{}", status(&env), service.stderr());
    let now = status(&env);
    let dropped = simulator.counts().dropped;
    assert!(dropped > 10, "{dropped}");
    assert_eq!((&now["states"]["uncertain"], &now["double_sends"]), (&json!(0), &json!(0)), "{now}");
    let states = &now["states"];
    assert_eq!(states["read"].as_u64().unwrap() + states["failed"].as_u64().unwrap(), 400, "{now}");
    assert_eq!(simulator.counts().accepted, 400, "nobody got it twice");
    env.verify("job-1");
    let report = env.read("reports/job-1/recipients.csv");
    assert_eq!(report.lines().filter(|line| line.contains("wamid.")).count(), 400);
    let ended = service.stop();
    for secret in ["EAAJB", VERIFY_TOKEN, Simulator::META_APP_SECRET, "85264"] {
        assert!(!ended.err.contains(secret) && !sent.err.contains(secret), "{secret} is logged: {ended}");
    }
}

#[test]
fn a_killed_run_leaves_no_doubt_once_the_webhooks_have_come() {
    let env = folder(600);
    let service = serve(&env);
    let behaviour = Behaviour {
        latency: Duration::from_millis(30),
        failing: 0.0,
        stuck: 0.0,
        unread: 0.0,
        replies: 0.0,
        ..Behaviour::default()
    };
    let (simulator, base) = simulator(&service, behaviour);
    for kill in 1..=3 {
        let started = env.start_with(&account(&base), &["run", "job.yaml", "--rate", "400/s"]);
        let enough = || simulator.counts().accepted >= kill * 120;
        assert!(wait_until(SOON, enough), "{}", started.stderr());
        started.kill();
    }
    let rest = env.start_with(&account(&base), &["run", "job.yaml"]).wait();
    assert!(matches!(rest.code, 0 | 3), "{rest}");
    assert!(wait_until(SOON, || status(&env)["stage"] == "finished"), "{}\n{}", status(&env), service.stderr());
    let now = status(&env);
    // What was claimed and never left stays in doubt; everything that Meta accepted is known.
    let uncertain = now["states"]["uncertain"].as_u64().unwrap();
    assert_eq!(simulator.counts().accepted + uncertain, 600, "{now}");
    assert_eq!((&now["states"]["read"], &now["double_sends"]), (&json!(600 - uncertain), &json!(0)), "{now}");
    env.verify("job-1");
    assert_eq!(service.stop().code, 0);
}

#[test]
fn messages_that_meta_holds_are_accepted_and_end_as_it_decides() {
    let env = folder(200);
    let service = serve(&env);
    let behaviour = Behaviour { held: 0.5, failing: 0.3, stuck: 0.0, unread: 0.0, seed: 5, ..Behaviour::default() };
    let (simulator, base) = simulator(&service, behaviour);
    let sent = env.start_with(&account(&base), &["run", "job.yaml"]).wait();
    assert!(matches!(sent.code, 0 | 3) && sent.out.contains("accepted         200"), "held messages count: {sent}");
    assert!(wait_until(SOON, || status(&env)["stage"] == "finished"), "{}\n{}", status(&env), service.stderr());
    let counts = simulator.counts();
    assert!(counts.held > 50 && counts.accepted == 200, "{counts:?}");
    let report = env.report("job-1");
    let failed = |code: &str| report.iter().filter(|line| line.state == "failed" && line.code == code).count();
    let read = report.iter().filter(|line| line.state == "read").count();
    assert!(failed("132015") > 10 && failed("131026") > 10, "{}", env.read("reports/job-1/recipients.csv"));
    assert_eq!(failed("132015") + failed("131026") + read, 200);
    env.verify("job-1");
    assert_eq!(service.stop().code, 0);
}

#[test]
fn a_paused_template_stops_the_run_and_once_it_is_approved_the_rest_is_sent() {
    let env = folder(100);
    let template = "{type: template, template: {name: sale, language: {code: en_US}}}";
    env.write("job.yaml", CAMPAIGN.replace("{type: text, text: \"Hello {{ first_name }}\"}", template));
    let behaviour = Behaviour { paused_after: Some(60), ..Behaviour::default() };
    let simulator = Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), behaviour).unwrap();
    let base = format!("http://{}/v25.0", simulator.address());
    let run = |args: &[&str]| env.start_with(&account(&base), args).wait();
    let approve = || {
        let request = "GET /review/sale/APPROVED HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        assert!(exchange(simulator.address(), request).0.contains("200 OK"));
    };

    let stopped = run(&["run", "job.yaml"]);
    assert_eq!(stopped.code, 4, "{stopped}");
    assert!(stopped.err.contains("132015") && stopped.err.contains(" resume job-1"), "{stopped}");
    assert_eq!(env.states("job-1"), counts(&[("accepted", 60), ("pending", 40)]), "{stopped}");
    let still = run(&["resume"]);
    assert!(still.code == 4 && still.err.contains("`PAUSED`"), "Meta is asked before anything is sent: {still}");
    assert_eq!(simulator.counts().accepted, 60);
    approve();
    let done = run(&["resume"]);
    assert_eq!(done.code, 0, "{done}");
    assert_eq!(env.states("job-1"), counts(&[("accepted", 100)]));
    assert_eq!(simulator.counts().accepted, 100, "nobody got it twice");
    env.verify("job-1");
}

#[test]
fn what_is_said_about_a_run_and_its_account_is_true_for_meta() {
    let env = folder(3);
    let simulator = Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour::default()).unwrap();
    let base = format!("http://{}/v25.0", simulator.address());
    let account = account(&base);
    let run = |args: &[&str]| env.start_with(&account, args).wait();

    let tested = run(&["test", "job.yaml", "--to", "+85264000009"]);
    assert_eq!(tested.code, 0, "{tested}");
    assert!(tested.err.contains("reports statuses only by webhook"), "it is not waited for: {tested}");
    let tested = run(&["test", "job.yaml", "--to", "+85264000009", "--json"]);
    let answer: Value = serde_json::from_str(&tested.out).unwrap();
    assert_eq!((&answer["outcome"], &answer["status"]), (&json!("accepted"), &Value::Null), "{tested}");

    let sent = run(&["run", "job.yaml"]);
    assert_eq!(sent.code, 0, "{sent}");
    for command in [&["reconcile"][..], &["reconcile", "--once"], &["status"]] {
        let said = run(command);
        assert_eq!(said.code, 0, "{said}");
        assert!(format!("{}{}", said.out, said.err).contains("serve --webhook"), "{said}");
        assert!(!format!("{}{}", said.out, said.err).contains("campaigner reconcile"), "{said}");
    }

    let checked = run(&["doctor"]);
    assert!(checked.out.contains("provider meta: reachable, and the account works"), "{checked}");
    let mut lacking = account.clone();
    lacking.retain(|(name, _)| *name != "META_VERIFY_TOKEN");
    let checked = env.start_with(&lacking, &["doctor", "--offline"]).wait();
    assert_eq!(checked.code, 1, "{checked}");
    assert!(checked.out.contains("verify_token_env"), "{checked}");
    env.write(
        "campaigner.toml",
        "[providers.shop]\nkind = \"meta\"\naccess_token = \"a-token\"\nphone_number_id = \"1\"\n",
    );
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(env.path("campaigner.toml"), open).unwrap();
    let checked = run(&["doctor", "--offline"]);
    assert!(checked.out.contains("holds a secret"), "{checked}");
}

#[test]
fn the_verification_is_answered_and_only_signed_calls_are_believed() {
    let env = folder(1);
    let service = serve(&env);
    let get = |path: &str| ask(&service, "GET", path, "", "");
    let query = format!("hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1158201444");
    assert_eq!(get(&format!("/webhook/meta/meta?{query}")), (200, "1158201444".to_owned()));
    assert_eq!(get("/webhook/meta/meta?hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1").0, 403);
    assert_eq!(get(&format!("/webhook/meta/other?{query}")).0, 404);
    assert_eq!(get("/webhook/meta/meta").0, 404);

    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages",
        "value": {"metadata": {"phone_number_id": NUMBER}, "messages": [
            {"from": "85264000001", "id": "in-1", "timestamp": "1774249921", "type": "text", "text": {"body": "Stop."}}]}}]}]});
    let body = body.to_string();
    let post = |headers: &str, body: &str| ask(&service, "POST", "/webhook/meta/meta", headers, body).0;
    assert_eq!(post("", &body), 401);
    assert_eq!(post(&signature("{}"), &body), 401);
    assert_eq!(post(&signature(&body), &body), 200);
    assert_eq!(post(&signature("no"), "no"), 400);
    let large = format!("{{\"entry\": [], \"more\": \"{}\"}}", "x".repeat(3 << 20));
    assert_eq!(post(&signature(&large), &large), 413);
    let nearly = format!("{{\"entry\": [], \"more\": \"{}\"}}", "x".repeat((3 << 20) - 100));
    assert_eq!(post(&signature(&nearly), &nearly), 200);
    let listed = env.run_offline(&["suppress", "list"]).out;
    assert!(listed.contains("85264000001"), "{listed}");
    assert_eq!(service.stop().code, 0);
}

/// Posts a signed report about an account with one change.
fn report(service: &Running, field: &str, value: &Value) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let changes = json!([{"field": field, "value": value}]);
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": BUSINESS_ACCOUNT, "time": now, "changes": changes}]});
    let body = body.to_string();
    assert_eq!(ask(service, "POST", "/webhook/meta/meta", &signature(&body), &body).0, 200);
}

#[test]
fn a_template_that_is_reported_as_paused_stops_its_runs() {
    let env = folder(2_000);
    let template = "{type: template, template: {name: welcome, language: {code: en_US}}}";
    env.write("job.yaml", CAMPAIGN.replace("{type: text, text: \"Hello {{ first_name }}\"}", template));
    let simulator = Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour::default()).unwrap();
    let base = format!("http://{}/v25.0", simulator.address());
    let service = serve_for(&env, &base);
    let run = env.start_with(&account(&base), &["run", "job.yaml", "--rate", "20/s"]);
    assert!(wait_until(SOON, || simulator.counts().accepted > 5), "{}", run.stderr());
    let of = |name: &str, rest: Value| {
        let mut value = json!({"message_template_name": name, "message_template_language": "en-US"});
        value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        value
    };
    report(&service, "message_template_status_update", &of("another", json!({"event": "PAUSED"})));
    report(&service, "template_category_update", &of("welcome", json!({"new_category": "MARKETING"})));
    let words = "warning: the provider moved the template `welcome` (en_US) to the category MARKETING";
    assert!(wait_until(SOON, || run.stderr().contains(words)), "{}", run.stderr());
    let paused = json!({"event": "PAUSED", "other_info": {"title": "FIRST_PAUSE", "description": "Low quality"}});
    report(&service, "message_template_status_update", &of("welcome", paused));
    let ended = run.wait();
    assert_eq!(ended.code, 4, "{ended}");
    let words = "the provider changed the state of the template `welcome` (en_US) to PAUSED (Low quality)";
    assert!(ended.err.contains(words), "{ended}");
    assert!(ended.err.contains("132015") && ended.err.contains(" resume job-1"), "{ended}");
    let now = status(&env);
    let sent = simulator.counts().accepted;
    assert_eq!((&now["states"]["accepted"], &now["stage"]), (&json!(sent), &json!("stopped")), "{now}");
    assert!(sent < 2_000 && !ended.err.contains("another"), "{ended}");
    // The pause is over: the run goes on.
    let again = env.start_with(&account(&base), &["resume", "job-1", "--rate", "2000/s"]).wait();
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(simulator.counts().accepted, 2_000);
    let logged = service.stop().err;
    assert!(logged.contains("account event") && logged.contains("template `another`"), "{logged}");
}

#[test]
fn an_opt_out_without_a_number_finds_its_number() {
    let env = folder(5);
    let service = serve(&env);
    let simulator = Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour::default()).unwrap();
    let base = format!("http://{}/v25.0", simulator.address());
    assert_eq!(env.start_with(&account(&base), &["run", "job.yaml"]).wait().code, 0);
    let list = env.read("reports/job-1/recipients.csv");
    let mut lines = list.lines();
    let place = lines.next().unwrap().split(',').position(|column| column == "message_id").unwrap();
    let row: Vec<&str> = lines.nth(2).unwrap().split(',').collect();
    let (number, message) = (row.iter().find(|cell| cell.contains("85264")).unwrap(), row[place]);
    let metadata = json!({"phone_number_id": NUMBER});
    let stop =
        json!([{"user_id": "HK.7", "category": "marketing_messages", "value": "stop", "timestamp": 1_774_249_921}]);
    report(&service, "user_preferences", &json!({"metadata": metadata, "user_preferences": stop}));
    assert_eq!(env.run_offline(&["suppress", "list"]).out.lines().filter(|line| line.contains("8526")).count(), 0);
    let status =
        json!([{"id": message, "status": "delivered", "timestamp": "1774249920", "recipient_user_id": "HK.7"}]);
    report(&service, "messages", &json!({"metadata": metadata, "statuses": status}));
    let listed = env.run_offline(&["suppress", "list"]).out;
    assert!(listed.contains(number.trim_start_matches('+')), "{listed}");
    assert!(!service.stop().err.contains("HK.7"));
}
