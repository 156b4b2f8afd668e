//! The account before the first message: `check --account` and `run` ask a scripted Meta, and so does `serve`. What
//! blocks keeps every message from being sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::support::campaign::schedule;
use crate::support::http::response;
use crate::support::raw_server::RawServer;
use crate::support::terminal::Terminal;
use crate::support::{Finished, SOON, TestEnv, counts, csv, wait_until};

const TOKEN: &str = "EAAJB-a-token-that-is-not-printed";
const NUMBER: &str = "106540352242922";
const ACCOUNT: &str = "102290129340398";
const APP: &str = "670843887433847";
const APP_SECRET: &str = "an-app-secret-that-is-not-printed";

const CAMPAIGN: &str = r#"
name: job
provider: meta
channel: whatsapp
recipients: {csv: list.csv, to: phone}
message:
  type: template
  template:
    name: spring_sale
    language: {code: en_US}
    components: [{type: body, parameters: [{type: text, text: "{{ first_name }}"}]}]
dispatch: {rate: 80/s}
"#;

/// What the scripted Meta answers to the two questions: a status and a body.
struct Answers {
    number: (u16, Value),
    templates: (u16, Value),
}

/// A Meta that answers as told and accepts every message.
struct Meta {
    server: RawServer,
    answers: Arc<Mutex<Answers>>,
    sent: Arc<AtomicUsize>,
}

fn number() -> Value {
    json!({
        "id": NUMBER, "verified_name": "Jaspers Market", "status": "CONNECTED", "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"}, "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "name_status": "APPROVED", "health_status": {"can_send_message": "AVAILABLE", "entities": [
            {"entity_type": "WABA", "id": ACCOUNT, "can_send_message": "AVAILABLE"},
            {"entity_type": "APP", "id": APP, "can_send_message": "AVAILABLE"}]},
    })
}

fn template(status: &str, text: &str) -> Value {
    json!({"data": [{
        "name": "spring_sale", "language": "en_US", "status": status, "category": "MARKETING", "id": "1",
        "parameter_format": "POSITIONAL", "components": [{"type": "BODY", "text": text}],
    }]})
}

fn error(code: u32, message: &str) -> Value {
    json!({"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Az8"}})
}

impl Meta {
    fn start() -> Self {
        let good = Answers { number: (200, number()), templates: (200, template("APPROVED", "Hi {{1}}")) };
        let (answers, sent) = (Arc::new(Mutex::new(good)), Arc::new(AtomicUsize::new(0)));
        let (told, counted) = (answers.clone(), sent.clone());
        let server = RawServer::start(move |_, connection| {
            while let Some(request) = connection.request() {
                let path = request.target().split('?').next().unwrap_or_default();
                let (status, body) = {
                    let answers = told.lock().unwrap_or_else(PoisonError::into_inner);
                    // Only the app may ask about a token.
                    let credential = match path {
                        "/v25.0/debug_token" => format!("Bearer {APP}|{APP_SECRET}"),
                        _ => format!("Bearer {TOKEN}"),
                    };
                    assert_eq!(request.header("authorization"), Some(credential.as_str()));
                    match (request.method(), path) {
                        ("GET", path) if path == format!("/v25.0/{NUMBER}") => answers.number.clone(),
                        ("GET", path) if path == format!("/v25.0/{ACCOUNT}/message_templates") => {
                            answers.templates.clone()
                        }
                        ("GET", "/v25.0/1") => (answers.templates.0, answers.templates.1["data"][0].clone()),
                        ("GET", "/v25.0/debug_token") => {
                            assert!(request.target().ends_with(&format!("?input_token={TOKEN}")));
                            (200, json!({"data": {"app_id": APP, "is_valid": true, "expires_at": 1_774_249_921}}))
                        }
                        ("POST", path) if path == format!("/v25.0/{NUMBER}/marketing_messages") => {
                            let id = format!("wamid.marketing.{}", counted.fetch_add(1, Ordering::SeqCst));
                            (200, json!({"messaging_product": "whatsapp", "messages": [{"id": id}]}))
                        }
                        ("POST", path) if path == format!("/v25.0/{NUMBER}/messages") => {
                            let id = format!("wamid.{}", counted.fetch_add(1, Ordering::SeqCst));
                            (200, json!({"messaging_product": "whatsapp", "messages": [{"id": id}]}))
                        }
                        (method, path) => (404, error(803, &format!("{method} {path}"))),
                    }
                };
                if !connection.write(response(status, "", &body.to_string())) {
                    return;
                }
            }
        });
        Self { server, answers, sent }
    }

    fn says(&self, number: (u16, Value), templates: (u16, Value)) {
        *self.answers.lock().unwrap() = Answers { number, templates };
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("META_BASE_URL", format!("{}/v25.0", self.server.url())),
            ("META_ACCESS_TOKEN", TOKEN.to_owned()),
            ("META_PHONE_NUMBER_ID", NUMBER.to_owned()),
        ]
    }

    fn run(&self, env: &TestEnv, args: &[&str]) -> Finished {
        let variables = self.variables();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let done = env.start_with(&variables, args).wait();
        assert!(!done.err.contains(TOKEN) && !done.out.contains(TOKEN), "{done}");
        done
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

fn folder(rows: usize) -> TestEnv {
    let env = TestEnv::new();
    env.write("job.yaml", CAMPAIGN);
    env.write("list.csv", csv(rows));
    env
}

#[test]
fn check_says_what_meta_says_of_the_account_and_sends_nothing() {
    let (meta, env) = (Meta::start(), folder(3));
    let checked = meta.run(&env, &["check", "job.yaml", "--account"]);
    assert_eq!(checked.code, 0, "{checked}");
    for line in [
        "account meta",
        "ok      the sending number works; its display name is Jaspers Market [number]",
        "ok      the number's quality rating is GREEN [quality]",
        "ok      the number may send 80 messages per second (STANDARD) [throughput]",
        "ok      the account may message 2,000 people in 24 hours (TIER_2K) [messaging_limit]",
        "ok      the template `spring_sale` in en_US is `APPROVED` (MARKETING) [template_state]",
    ] {
        assert!(checked.out.contains(line), "{line}: {checked}");
    }

    // More people than the account may message, some of them in North America, at more than the number may send.
    env.write("job.yaml", CAMPAIGN.replace("80/s", "200/s"));
    env.write("list.csv", csv(2_000) + "16505551234,Ana,1\n");
    let checked = meta.run(&env, &["check", "job.yaml", "--account", "--json"]);
    assert_eq!(checked.code, 0, "{checked}");
    let lines: Vec<Value> = checked.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let warnings = lines.iter().filter(|line| line["provider"] == "meta" && line["severity"] == "warning");
    let codes: Vec<&str> = warnings.filter_map(|line| line["code"].as_str()).collect();
    assert_eq!(codes, ["throughput", "messaging_limit", "united_states", "may_be_held"], "{checked}");
    assert!(lines.last().unwrap()["reasons"].is_array(), "the totals are last: {checked}");
    let limit = lines.iter().find(|line| line["code"] == "messaging_limit").unwrap();
    assert!(limit["message"].as_str().unwrap().contains("this run would send 2,001 messages"), "{limit}");

    meta.says((200, number()), (200, json!({"data": []})));
    let checked = meta.run(&env, &["check", "job.yaml", "--account"]);
    assert_eq!(checked.code, 1, "{checked}");
    assert!(checked.out.contains("error   the template `spring_sale` does not exist in en_US"), "{checked}");
    assert_eq!(meta.sent(), 0);
}

#[test]
fn an_account_that_cannot_be_reached_hides_nothing_of_the_list() {
    let (meta, env) = (Meta::start(), folder(2));
    meta.says((503, json!({})), (503, json!({})));
    let checked = meta.run(&env, &["check", "job.yaml", "--account"]);
    assert_eq!(checked.code, 1, "{checked}");
    assert!(checked.out.contains("2 of 2 rows can be sent"), "{checked}");
    assert!(checked.err.contains("could not check the account `meta`"), "{checked}");
    let without = env.run_offline(&["check", "job.yaml", "--account", "--provider", "simulator"]);
    assert_eq!(without.code, 0, "{without}");
    assert!(without.err.contains("the INCS Messages API does not support this account check"), "{without}");
}

#[test]
fn what_blocks_the_account_stops_a_run_before_its_first_message() {
    let blocked = || {
        let mut blocked = number();
        blocked["health_status"] = json!({"can_send_message": "BLOCKED", "entities": [
            {"entity_type": "WABA", "id": ACCOUNT, "can_send_message": "BLOCKED", "errors": [
                {"error_code": 141006, "error_description": "There is an error with the payment method.",
                 "possible_solution": "Please add a new payment method to the account."}]}]});
        blocked
    };
    let banned = || {
        let mut banned = number();
        banned["status"] = json!("BANNED");
        banned
    };
    let good = || (200, template("APPROVED", "Hi {{1}}"));
    let cases = [
        ((401, error(190, "Error validating access token: Session has expired")), good(), "Session has expired (190)"),
        ((404, error(803, "Phone number not found")), good(), "the sending number does not exist"),
        ((200, blocked()), good(), "Meta advises: Please add a new payment method to the account."),
        ((200, banned()), good(), "the sending number is `BANNED` and cannot send"),
        ((200, number()), (200, template("PAUSED", "Hi {{1}}")), "is `PAUSED` and cannot be sent"),
        ((200, number()), (200, template("APPROVED", "Hi {{1}}, {{2}}")), "[parameter_count]"),
        ((200, number()), (200, json!({"data": []})), "the template `spring_sale` does not exist in en_US"),
    ];
    let (meta, env) = (Meta::start(), folder(3));
    for (number, templates, words) in cases {
        meta.says(number, templates);
        let stopped = meta.run(&env, &["run", "job.yaml", "--no-wait"]);
        assert_eq!(stopped.code, 4, "{stopped}");
        let all = ["stopped before sending: the account `meta`", words, " resume job-1"];
        assert!(all.iter().all(|words| stopped.err.contains(words)), "{words}: {stopped}");
    }
    assert_eq!((meta.sent(), env.states("job-1")), (0, counts(&[("pending", 3)])));

    // What only warns is told, and the run goes on.
    let mut yellow = number();
    yellow["quality_rating"] = json!("YELLOW");
    yellow["whatsapp_business_manager_messaging_limit"] = json!("TIER_2");
    meta.says((200, yellow), good());
    let sent = meta.run(&env, &["resume", "--no-wait"]);
    assert_eq!((sent.code, meta.sent()), (0, 3), "{sent}");
    for words in ["number's quality rating is YELLOW", "may message 2 people in 24 hours (TIER_2)"] {
        assert!(sent.err.contains(words), "{sent}");
    }

    // Another run of the account counts what this one sent.
    env.write("job.yaml", CAMPAIGN.replace("name: job", "name: next"));
    let checked = meta.run(&env, &["check", "job.yaml", "--account"]);
    assert!(checked.out.contains("this run would send 3 messages, and 3 were sent in the last 24 hours"), "{checked}");
}

#[test]
fn a_meta_that_does_not_answer_loses_no_run() {
    let (meta, env) = (Meta::start(), folder(3));
    for (status, body) in [(500, error(2, "Try again")), (400, error(80_007, "Rate limit hit"))] {
        meta.says((status, body), (500, json!({})));
        let stopped = meta.run(&env, &["run", "job.yaml", "--no-wait"]);
        assert_eq!(stopped.code, 1, "{stopped}");
        assert!(stopped.err.contains("could not check the account `meta`, and nothing is sent without this check"));
    }
    // A template that may not be asked for is no reason to stop.
    meta.says((200, number()), (403, error(200, "Requires whatsapp_business_management permission")));
    let sent = meta.run(&env, &["run", "job.yaml", "--no-wait"]);
    assert_eq!((sent.code, meta.sent()), (0, 3), "{sent}");
    assert!(sent.err.contains("the template was not checked: Requires whatsapp_business_management"), "{sent}");
    env.verify("job-1");
}

#[test]
fn on_a_terminal_the_account_is_asked_before_the_person_is() {
    let (meta, env) = (Meta::start(), folder(3));
    let prelude: String =
        meta.variables().iter().map(|(name, value)| format!("export {name}='{value}'; ")).collect::<String>();
    let mut yellow = number();
    yellow["quality_rating"] = json!("YELLOW");
    meta.says((200, yellow), (200, template("APPROVED", "Hi {{1}}")));
    let mut terminal = Terminal::start(&env, &prelude, None, &["run", "job.yaml", "--no-wait"]);
    terminal.wait_for("warning the number's quality rating is YELLOW");
    terminal.wait_for("Send 3 messages? [y/N] ");
    let asked = meta.server.requests();
    terminal.write("y\n");
    let (finished, screen) = terminal.wait();
    assert_eq!((finished.code, meta.sent()), (0, 3), "{screen}");
    assert_eq!(meta.server.requests(), asked + 3, "it is not asked again: {screen}");

    meta.says((401, error(190, "Session has expired")), (401, error(190, "Session has expired")));
    let (finished, screen) = Terminal::start(&env, &prelude, None, &["run", "job.yaml", "--again", "--no-wait"]).wait();
    assert!(finished.code == 4 && screen.contains("nothing was stored or sent"), "{screen}");
    assert!(!screen.contains("[y/N]") && meta.sent() == 3, "{screen}");
}

#[test]
fn a_scheduled_run_waits_for_its_account_and_the_log_says_so() {
    let (meta, env) = (Meta::start(), folder(3));
    env.write("job.yaml", format!("{CAMPAIGN}{}", schedule(0, "")));
    meta.says((200, number()), (200, template("PAUSED", "Hi {{1}}")));
    let variables = meta.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = env.start_with(&variables, &["serve", "--listen", "127.0.0.1:0"]);
    service.wait_for_words("is `PAUSED` and cannot be sent");
    assert!(service.stderr().contains("the run failed; retrying every"), "{}", service.stderr());
    assert_eq!((meta.sent(), env.states("job-1")), (0, counts(&[("pending", 3)])));
    assert_eq!(service.stop().code, 0);
    meta.says((200, number()), (200, template("APPROVED", "Hi {{1}}")));
    let service = env.start_with(&variables, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(wait_until(SOON, || meta.sent() == 3), "{}", service.stderr());
    assert_eq!(service.stop().code, 0);
}

#[test]
fn the_end_of_the_token_is_known_with_the_secret_of_the_app() {
    let (meta, env) = (Meta::start(), folder(3));
    let check = |more: &[(&str, &str)]| {
        let variables = meta.variables();
        let mut variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.extend(more);
        env.start_with(&variables, &["check", "job.yaml", "--account"]).wait()
    };
    let checked = check(&[("META_APP_SECRET", APP_SECRET)]);
    let line = "warning the access token expires at 2026-03-23T07:12:01Z";
    assert!(checked.code == 0 && checked.out.contains(line), "{checked}");
    assert!(!checked.out.contains(APP_SECRET) && !checked.err.contains(TOKEN), "{checked}");
    let checked = check(&[]);
    assert!(checked.code == 0 && !checked.out.contains("token_expiry"), "{checked}");
}

#[test]
fn an_account_for_marketing_sends_through_the_api_for_it() {
    let (meta, env) = (Meta::start(), folder(3));
    let toml = format!(
        "[providers.offers]\nkind = \"meta\"\nbase_url = \"{}/v25.0\"\naccess_token_env = \"META_ACCESS_TOKEN\"\n\
         phone_number_id = \"{NUMBER}\"\nmarketing = true\n",
        meta.server.url()
    );
    env.write("campaigner.toml", toml);
    let sent = meta.run(&env, &["run", "job.yaml", "--provider", "offers"]);
    assert_eq!((sent.code, meta.sent()), (0, 3), "{sent}");
    assert_eq!(env.read("reports/job-1/recipients.csv").matches("wamid.marketing.").count(), 3);
    let text = "name: other\nprovider: offers\nchannel: whatsapp\nrecipients: {csv: list.csv, to: phone}\n\
                message: {type: text, text: Hi}\n";
    env.write("other.yaml", text);
    let refused = meta.run(&env, &["run", "other.yaml"]);
    assert_eq!((refused.code, meta.sent()), (4, 3), "{refused}");
    assert!(refused.err.contains("the account sends marketing templates only"), "{refused}");
}

#[test]
fn the_templates_of_an_account_are_listed_and_pulled() {
    let (meta, env) = (Meta::start(), folder(3));
    let run = |args: &[&str]| {
        let variables = meta.variables();
        let mut variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.push(("META_WABA_ID", ACCOUNT));
        env.start_with(&variables, args).wait()
    };
    let listed = run(&["templates", "list", "--provider", "meta"]);
    assert!(listed.code == 0 && listed.out.contains("spring_sale"), "{listed}");
    let shown = run(&["templates", "show", "spring_sale", "--provider", "meta"]);
    assert!(shown.code == 0 && shown.out.contains("Hi {{1}}"), "{shown}");
    let pulled = run(&["templates", "pull", "--provider", "meta"]);
    assert!(pulled.code == 0 && pulled.err.contains("saved 1 template from Meta"), "{pulled}");
    // The rows are checked against it, and it is looked up again before the first message.
    let wrong = "parameters: [{type: text, text: a}, {type: text, text: b}]";
    let campaign = CAMPAIGN.replace("message:", "definition: {from: meta}\nmessage:");
    env.write("job.yaml", campaign.replace("parameters: [{type: text, text: \"{{ first_name }}\"}]", wrong));
    let checked = run(&["check", "job.yaml"]);
    assert!(checked.code == 2 && checked.err.contains("parameter_count"), "{checked}");
    env.write("job.yaml", campaign);
    meta.says((200, number()), (200, template("APPROVED", "Hello {{1}}")));
    let changed = run(&["run", "job.yaml"]);
    assert_eq!((changed.code, meta.sent()), (4, 0), "{changed}");
    assert!(changed.err.contains("has changed since it was pulled"), "{changed}");
    assert_eq!(run(&["templates", "pull", "--provider", "meta"]).code, 0);
    let sent = run(&["run", "job.yaml"]);
    assert_eq!((sent.code, meta.sent()), (0, 3), "{sent}");
    let refused = run(&["templates", "delete", "spring_sale", "--provider", "meta", "--yes"]);
    assert!(refused.code == 2 && refused.err.contains("WhatsApp Manager"), "{refused}");
}
