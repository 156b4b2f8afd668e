//! `on_done`: who is notified when a run has finished. A notification that fails changes nothing.

use std::sync::mpsc::{Receiver, channel};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::http::{Message, response};
use crate::support::raw_server::RawServer;
use crate::support::{CampaignFile, ScriptedProvider, TestEnv, csv};

/// A campaign of three, and a configuration with this hook.
fn with(hook: &str) -> TestEnv {
    let env = TestEnv::with(&CampaignFile::default(), &csv(3));
    env.write("ours.toml", format!("[on_done]\n{hook}\n"));
    env
}

#[test]
fn a_command_is_run_once_after_the_reports_and_before_the_end() {
    let provider = ScriptedProvider::accepting_all();
    let script = "cat > done.json; echo $CAMPAIGNER_HOOK_ID >> ids; ls reports/job-1 > there";
    let env = with(&format!("command = ['/bin/sh', '-c', '{script}']"));
    // On the way, nobody is shown anything.
    let begun = env.run(&provider, &["--config", "ours.toml", "run", "--limit", "1", "job.yaml"]);
    assert_eq!(begun.code, 4, "{begun}");
    assert!(!env.path("ids").exists());
    let sent = env.run(&provider, &["--config", "ours.toml", "run", "job.yaml"]);
    assert_eq!(sent.code, 0, "{sent}");
    let output: serde_json::Value = serde_json::from_str(&env.read("done.json")).unwrap();
    assert_eq!(
        (&output["event"], &output["run"], &output["summary"]["rows"]),
        (&"done".into(), &"job-1".into(), &3.into())
    );
    let ids = env.read("ids");
    assert_eq!(ids.lines().count(), 1);
    assert!(ids.starts_with("job-1@") && output["id"] == ids.trim(), "{ids}");
    assert!(env.read("there").contains("summary.json"));
    env.verify("job-1");
}

#[test]
fn a_configuration_that_merely_lies_there_runs_nothing() {
    let provider = ScriptedProvider::accepting_all();
    let env = with("command = ['/bin/sh', '-c', 'touch ran']");
    std::fs::rename(env.path("ours.toml"), env.path("campaigner.toml")).unwrap();
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((refused.code, provider.sends()), (2, 0), "{refused}");
    assert!(refused.err.contains("--config campaigner.toml"), "{refused}");
    assert!(!env.path("ran").exists());
    for (hook, words) in [
        ("command = []", "`command` is empty"),
        ("command = ['a']\nurl = 'https://example.com'", "has both"),
        ("secret_env = 'A'", "has neither"),
        ("url = 'http://example.com'", "https://"),
        ("url = 'https://example.com'\nsecret_env = 'NOT_SET'", "NOT_SET"),
    ] {
        env.write("ours.toml", format!("[on_done]\n{hook}\n"));
        let refused = env.run(&provider, &["--config", "ours.toml", "run", "job.yaml"]);
        assert!(refused.code > 0 && provider.sends() == 0, "{refused}");
        assert!(refused.err.contains(words), "{words}: {refused}");
    }
    assert!(!env.path("store.db").exists(), "no run is left behind");
}

#[test]
fn a_hook_that_fails_is_reported_and_changes_nothing() {
    let provider = ScriptedProvider::accepting_all();
    let env = with("command = ['/no/such/program']");
    let sent = env.run(&provider, &["--config", "ours.toml", "run", "job.yaml"]);
    assert_eq!(sent.code, 0, "{sent}");
    assert!(
        sent.err.contains("could not deliver the notification that job-1 finished: cannot run the command"),
        "{sent}"
    );
    let status = env.run_offline(&["status", "--json"]);
    assert!(status.out.contains("\"stage\":\"finished\""), "{status}");
}

/// Answers each request with the next of these statuses; gives what the requests were.
fn server(answers: &'static [u16]) -> (RawServer, Receiver<Message>) {
    let (requests, received) = channel();
    let server = RawServer::start(move |number, connection| {
        requests.send(connection.request().unwrap()).unwrap();
        connection.write(response(answers[number], "connection: close\r\n", ""));
    });
    (server, received)
}

#[test]
fn a_request_is_signed_and_tried_again() {
    let provider = ScriptedProvider::accepting_all();
    let (server, received) = server(&[503, 200]);
    let env = with(&format!("url = '{}/hook?token=a'\nsecret_env = 'HOOK_SECRET'", server.url()));
    let args = ["--config", "ours.toml", "run", "job.yaml"];
    let sent = env.start_with_prelude("export HOOK_SECRET=Jefe", Some(&provider.url()), &args).wait();
    assert_eq!(sent.code, 0, "{sent}");
    let requests: Vec<Message> = received.try_iter().collect();
    assert_eq!(requests.len(), 2, "{sent}");
    let (first, second) = (requests[0].text(), &requests[1]);
    assert_eq!((second.method(), second.target()), ("POST", "/hook?token=a"));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
    mac.update(&second.body);
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(second.header("campaigner-signature"), Some(format!("sha256={signature}").as_str()));
    assert!(second.header("idempotency-key").unwrap().starts_with("job-1@"), "{}", second.head);
    assert_eq!(first, second.text(), "the same words again");
    assert!(!first.contains("85264"), "no number is in it");
}
