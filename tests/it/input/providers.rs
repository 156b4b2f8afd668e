//! One campaign for several providers: each gets the message in its own words, chosen by the file or by `--provider`.

use serde_json::{Value, json};

use crate::support::{CampaignFile, TestEnv};

const LIST: &str = "phone,first_name,code,lang\n85264000001,Ana,4711,en_US\n";

/// A campaign of a WhatsApp message, written for nobody in particular.
fn env_of(message: &Value) -> TestEnv {
    let env = TestEnv::new();
    let campaign = json!({"name": "job", "provider": "incs", "channel": "whatsapp",
        "recipients": {"csv": "list.csv", "to": "phone"}, "message": message});
    env.write("job.yaml", campaign.to_string());
    env.write("list.csv", LIST);
    env
}

fn preview(env: &TestEnv, provider: &str) -> Value {
    let checked = env.run_offline(&["check", "job.yaml", "--provider", provider]);
    assert_eq!(checked.code, 0, "{checked}");
    let preview = env.run_offline(&["preview", "job.yaml", "--provider", provider]);
    assert_eq!(preview.code, 0, "{preview}");
    serde_json::from_str(&preview.out).unwrap()
}

#[test]
fn one_file_gives_each_provider_its_own_message() {
    let message = json!({"type": "template", "template": {"name": "welcome", "language": {"code": "{{ lang }}"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "{{ first_name }}"}]}]}});
    let body = json!([{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]);
    let env = env_of(&message);
    assert_eq!(
        preview(&env, "incs"),
        json!({"to": "85264000001", "type": "template", "template": {"name": "welcome", "components": body}})
    );
    assert_eq!(
        preview(&env, "meta"),
        json!({"to": "+85264000001", "messaging_product": "whatsapp", "recipient_type": "individual", "type": "template",
            "template": {"name": "welcome", "language": {"code": "en_US"}, "components": body}})
    );
    drop(env);

    let env = env_of(&json!({"type": "template", "template":
        {"name": "login", "language": "en_US", "code": "{{ code }}"}}));
    assert_eq!(preview(&env, "incs")["template"], json!({"name": "login", "code": "4711"}));
    let code = json!([{"type": "text", "text": "4711"}]);
    assert_eq!(
        preview(&env, "meta")["template"],
        json!({"name": "login", "language": {"code": "en_US"}, "components": [{"type": "body", "parameters": code},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": code}]})
    );
    drop(env);

    let env = env_of(&json!({"type": "text", "text": "Hi {{ first_name }}"}));
    assert_eq!(preview(&env, "simulator"), json!({"to": "85264000001", "type": "text", "text": "Hi Ana"}));
    assert_eq!(preview(&env, "meta")["text"], json!({"body": "Hi Ana"}));
}

#[test]
fn what_a_provider_cannot_send_is_named_at_its_line() {
    let env = TestEnv::new();
    env.write("list.csv", LIST);
    let refused = |message: &str, channel: &str, provider: &str, parts: &[&str]| {
        let head = "name: job\nprovider: incs\nchannel: ".to_owned();
        let rest = format!("{channel}\nrecipients: {{csv: list.csv, to: phone}}\nmessage:\n  {message}\n");
        env.write("job.yaml", head + &rest);
        for command in ["check", "preview"] {
            let output = env.run_offline(&[command, "job.yaml", "--provider", provider]);
            assert_eq!(output.code, 2, "{output}");
            assert!(parts.iter().all(|part| output.err.contains(part)), "{parts:?}: {output}");
        }
    };
    let text = "{type: text, text: Hello}";
    let meta = "Meta's WhatsApp Cloud API";
    refused(text, "viber", "meta", &["job.yaml:3:10", "no_channel", meta, "the INCS Messages API"]);
    refused("{type: sticker, sticker: {id: '1'}}", "whatsapp", "incs", &["job.yaml:6:", "sticker", meta]);
    let no_language = "{type: template, template: {name: welcome}}";
    refused(no_language, "whatsapp", "meta", &["job.yaml:6:", "template.language"]);
    let unknown_column = "{type: text, text: 'Hi {{ name }}'}";
    refused(unknown_column, "whatsapp", "meta", &["job.yaml:6:22", "`text`", "no column `name`"]);
    refused("{type: text, text: Hello, recipient: US.1}", "whatsapp", "meta", &["job.yaml:6:", "recipient"]);
    refused(text, "whatsapp", "metta", &["unknown provider `metta`", "meta"]);
}

#[test]
fn a_row_that_only_one_provider_takes_is_reported_where_the_campaign_says_it() {
    let env = env_of(&json!({"type": "text", "text": "{{ first_name }}"}));
    env.write("list.csv", format!("phone,first_name\n85264000001,{}\n", "x".repeat(4097)));
    assert_eq!(env.run_offline(&["check", "job.yaml"]).code, 0);
    let checked = env.run_offline(&["check", "job.yaml", "--provider", "meta"]);
    assert_eq!(checked.code, 2, "{checked}");
    assert!(checked.out.contains("too_long") && checked.out.contains("(`text`)"), "{checked}");
}

#[test]
fn a_run_for_another_provider_is_as_if_the_file_named_it() {
    let env = TestEnv::with(&CampaignFile::default(), "phone,first_name\n85264000001,Ana\n85264000002,Bo\n");
    let part = ["run", "job.yaml", "--provider", "simulator", "--limit", "1", "--no-wait"];
    assert_eq!(env.run_offline(&part).code, 4);
    // The file alone is another content.
    let other = env.start_at(Some("http://127.0.0.1:9"), &["run", "job.yaml", "--yes"]).wait();
    assert_eq!(other.code, 2, "{other}");
    env.write("job.yaml", CampaignFile::default().yaml().replace("provider: incs", "provider: simulator"));
    let rest = env.run_offline(&["run", "job.yaml", "--no-wait"]);
    assert_eq!(rest.code, 0, "{rest}");
    assert!(rest.err.contains("continuing job-1"), "{rest}");
    assert_eq!(env.report("job-1").len(), 2);
    env.verify("job-1");
}

#[test]
fn a_new_campaign_for_meta_has_the_language_of_its_template() {
    let env = TestEnv::new();
    env.write("people.csv", "phone,first_name\n85264000001,Ana\n");
    let new = |language: &[&str]| {
        let flags = ["init", "--list", "people.csv", "--name", "job", "--to", "phone", "--region", "none"];
        let message =
            ["--provider", "meta", "--channel", "whatsapp", "--template", "welcome", "--params", "first_name"];
        let args = [&flags[..], &message, &["--schedule", "none"], language].concat();
        env.run_offline(&args)
    };
    let refused = new(&[]);
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.err.contains("template.language") && !env.path("job.yaml").exists(), "{refused}");
    let written = new(&["--language", "en_US"]);
    assert_eq!(written.code, 0, "{written}");
    let body = preview(&env, "meta");
    assert_eq!((&body["to"], &body["template"]["language"]), (&json!("+85264000001"), &json!({"code": "en_US"})));
}
