//! Who is told that a run is over, and that it changes nothing when nobody listens.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::scripted_provider::ScriptedProvider;
use crate::support::test_env::{CampaignFile, TestEnv, csv};

/// A campaign of three, and a configuration with this hook.
fn with(hook: &str) -> TestEnv {
    let env = TestEnv::with(&CampaignFile::default(), &csv(3));
    env.write("ours.toml", format!("[on_done]\n{hook}\n"));
    env
}

#[test]
fn a_command_is_told_once_behind_the_reports_and_before_the_end() {
    let provider = ScriptedProvider::accepting_all();
    let script = "cat > told.json; echo $CAMPAIGNER_HOOK_ID >> ids; ls reports/job-1 > there";
    let env = with(&format!("command = ['/bin/sh', '-c', '{script}']"));
    // On the way, nobody is told anything.
    let begun = env.run(&provider, &["--config", "ours.toml", "run", "--limit", "1", "job.yaml"]);
    assert_eq!(begun.code, 4, "{begun}");
    assert!(!env.path("ids").exists());
    let sent = env.run(&provider, &["--config", "ours.toml", "run", "job.yaml"]);
    assert_eq!(sent.code, 0, "{sent}");
    let told: serde_json::Value = serde_json::from_str(&env.read("told.json")).unwrap();
    assert_eq!((&told["event"], &told["run"], &told["summary"]["rows"]), (&"done".into(), &"job-1".into(), &3.into()));
    let ids = env.read("ids");
    assert_eq!(ids.lines().count(), 1);
    assert!(ids.starts_with("job-1@") && told["id"] == ids.trim(), "{ids}");
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
        ("command = []", "names no program"),
        ("command = ['a']\nurl = 'https://example.com'", "either"),
        ("secret_env = 'A'", "either"),
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
fn a_hook_that_fails_is_told_of_and_changes_nothing() {
    let provider = ScriptedProvider::accepting_all();
    let env = with("command = ['/no/such/program']");
    let sent = env.run(&provider, &["--config", "ours.toml", "run", "job.yaml"]);
    assert_eq!(sent.code, 0, "{sent}");
    assert!(sent.err.contains("nobody could be told that job-1 is over: the command cannot be run"), "{sent}");
    let status = env.run_offline(&["status", "--json"]);
    assert!(status.out.contains("\"stage\":\"finished\""), "{status}");
}

/// Answers each request with the next of these statuses, and hands on what it was.
fn server(answers: &'static [u16]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/hook?token=a", listener.local_addr().unwrap());
    let (requests, received) = channel();
    std::thread::spawn(move || {
        for status in answers {
            let (mut stream, _) = listener.accept().unwrap();
            requests.send(request(&mut stream)).unwrap();
            write!(stream, "HTTP/1.1 {status} So\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    (url, received)
}

/// A whole request, by its length.
fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).unwrap();
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").parse::<usize>().unwrap();
            if body.len() >= length {
                return text;
            }
        }
        assert!(read > 0, "a request that is cut off: {text}");
    }
}

fn header<'t>(text: &'t str, name: &str) -> &'t str {
    let mut headers = text.lines().filter_map(|line| line.split_once(": "));
    headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
}

#[test]
fn a_request_is_signed_and_tried_again() {
    let provider = ScriptedProvider::accepting_all();
    let (url, received) = server(&[503, 200]);
    let env = with(&format!("url = '{url}'\nsecret_env = 'HOOK_SECRET'"));
    let args = ["--config", "ours.toml", "run", "job.yaml"];
    let sent = env.start_with_prelude("export HOOK_SECRET=Jefe", Some(&provider.url()), &args).wait();
    assert_eq!(sent.code, 0, "{sent}");
    let requests: Vec<String> = received.into_iter().collect();
    assert_eq!(requests.len(), 2, "{sent}");
    let (head, body) = requests[1].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?token=a HTTP/1.1"), "{head}");
    let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
    mac.update(body.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header(head, "campaigner-signature"), format!("sha256={signature}"));
    assert!(header(head, "idempotency-key").starts_with("job-1@"), "{head}");
    assert_eq!(requests[0].split_once("\r\n\r\n").unwrap().1, body, "told again in the same words");
    assert!(!body.contains("85264"), "no number is in it");
}
