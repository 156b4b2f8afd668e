//! `check --media`: the real binary asks `http://media.example.com/…` through a proxy that plays that server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::campaign::minimal;
use crate::support::http::Message;
use crate::support::raw_server::{Connection, RawServer};
use crate::support::{CREDENTIAL, Finished, TestEnv, phone, wait_until};

/// What is answered to a path: a status line and headers; nothing is never answered.
type Script = fn(&str) -> Option<&'static str>;

const PNG: &str = "200 OK\r\nContent-Type: image/png\r\nContent-Length: 1000";

fn usual(path: &str) -> Option<&'static str> {
    Some(match path {
        "/page.png" => "200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000",
        "/gone.png" => "404 Not Found\r\nContent-Length: 0",
        "/large.png" => "200 OK\r\nContent-Type: image/png\r\nContent-Length: 300000000",
        "/unclear.png" => "200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000",
        "/inside.png" => "302 Found\r\nLocation: http://10.0.0.7/admin?key=secret\r\nContent-Length: 0",
        "/silent.png" => return None,
        _ => PNG,
    })
}

/// A proxy on loopback, with all the requests it got.
struct Proxy {
    server: RawServer,
    requests: Arc<Mutex<Vec<Message>>>,
}

impl Proxy {
    fn start(script: Script) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        let server = RawServer::start(move |_, connection| serve(connection, script, &kept));
        Self { server, requests }
    }

    /// How often each path of the one server was asked about, whatever the method.
    fn asked(&self) -> HashMap<String, usize> {
        let mut times = HashMap::new();
        for request in self.requests.lock().unwrap().iter() {
            let target = request.target();
            let path = target.strip_prefix("http://media.example.com").unwrap_or(target);
            *times.entry(path.to_owned()).or_default() += 1;
        }
        times
    }

    fn check(&self, env: &TestEnv, args: &[&str]) -> Finished {
        let args: Vec<&str> = ["check", "job.yaml"].iter().chain(args).copied().collect();
        env.start_behind_proxy(&self.server.url(), Some("http://127.0.0.1:9"), &args).wait()
    }
}

fn serve(connection: &mut Connection, script: Script, kept: &Mutex<Vec<Message>>) {
    while let Some(request) = connection.request() {
        let path =
            request.target().split('?').next().unwrap_or_default().trim_start_matches("http://media.example.com");
        let answer = script(path).map(|answer| format!("HTTP/1.1 {answer}\r\n\r\n"));
        let is_head = request.method() == "HEAD";
        kept.lock().unwrap().push(request);
        match answer {
            Some(answer) => assert!(connection.write(answer)),
            None => connection.wait_for_close(),
        }
        // What GET promised is not sent; the other side does not wait for it.
        if !is_head {
            return;
        }
    }
}

/// A list in which each row has one of these files of `media.example.com`.
fn list(files: &[&str]) -> TestEnv {
    let mut csv = String::from("phone,link\n");
    for (n, file) in files.iter().enumerate() {
        csv.push_str(&format!("{},http://media.example.com/{file}\n", phone(n)));
    }
    let env = TestEnv::new();
    env.write("job.yaml", minimal("viber", "{type: image, image: {link: \"{{ link }}\"}}"));
    env.write("list.csv", csv);
    env
}

#[test]
fn each_link_is_asked_about_once_and_what_is_wrong_is_reported_with_its_rows() {
    let proxy = Proxy::start(usual);
    let env = list(&[
        "good.png?key=secret",
        "gone.png",
        "page.png",
        "gone.png",
        "gone.png",
        "unclear.png",
        "large.png",
        "gone.png",
        "inside.png",
        "good.png?key=secret",
    ]);
    let checked = proxy.check(&env, &["--media", "-vvv"]);
    assert_eq!(checked.code, 2, "{checked}");
    for part in [
        "rows 2, 4, 5 and 1 more: http://media.example.com/gone.png: its server answered 404 Not Found; upload the file \
         there, or fix the link [media_refused]",
        "row 3: http://media.example.com/page.png: its server sends it as `text/html`; images must be image/png, \
         image/jpeg or image/gif; this is a web page: link to the file itself, and make sure it needs no sign-in \
         [media_type]",
        "row 7: http://media.example.com/large.png: it is 300000000 bytes (286.2 MB); images can be at most 200 MB",
        "row 9: http://media.example.com/inside.png: `10.0.0.7` points to a server that is not public",
        "warning: row 6: http://media.example.com/unclear.png: its server sends it as `application/octet-stream`",
        "10 of 10 rows can be sent\n\n",
        "6 media links checked, 4 with errors\n",
    ] {
        assert!(checked.out.contains(part), "{part}: {checked}");
    }
    let asked = proxy.asked();
    assert_eq!(asked["/good.png?key=secret"], 1, "{asked:?}");
    assert_eq!(asked.len(), 6, "nobody else was asked: {asked:?}");
    assert!(!checked.out.contains("secret") && !checked.err.contains("secret"), "{checked}");
    assert!(proxy.requests.lock().unwrap().iter().all(|request| !request.head.contains(CREDENTIAL)));
}

#[test]
fn as_json_every_finding_is_a_line_and_the_totals_count_the_links() {
    let proxy = Proxy::start(usual);
    let env = list(&["gone.png?key=secret", "unclear.png", "good.png", "gone.png?key=secret"]);
    let checked = proxy.check(&env, &["--media", "--json"]);
    assert_eq!(checked.code, 2, "{checked}");
    let lines: Vec<Value> = checked.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let gone = lines.iter().find(|line| line["code"] == "media_refused").unwrap();
    let output = ["severity", "path", "link", "hint"].map(|key| gone[key].as_str().unwrap());
    assert_eq!(
        output,
        ["error", "image.link", "http://media.example.com/gone.png?…", "upload the file there, or fix the link"]
    );
    assert_eq!((&gone["rows"], &gone["first_rows"]), (&2.into(), &vec![1, 4].into()));
    let totals = lines.last().unwrap();
    assert_eq!((&totals["sendable"], &totals["links"], &totals["wrong_links"]), (&4.into(), &3.into(), &1.into()));
}

#[test]
fn a_warning_alone_is_no_failure_and_without_the_option_nobody_is_asked() {
    let proxy = Proxy::start(usual);
    let env = list(&["good.png", "unclear.png"]);
    let checked = proxy.check(&env, &["--media"]);
    assert_eq!(checked.code, 0, "{checked}");
    assert!(checked.out.contains("2 media links checked, 0 with errors"), "{checked}");

    let asked = proxy.asked();
    let checked = proxy.check(&env, &[]);
    assert_eq!((checked.code, proxy.asked()), (0, asked), "{checked}");
    assert!(!checked.out.contains("media"), "{checked}");
}

#[test]
fn a_signal_ends_it_while_a_server_says_nothing() {
    let proxy = Proxy::start(usual);
    let env = list(&["silent.png"]);
    let running =
        env.start_behind_proxy(&proxy.server.url(), Some("http://127.0.0.1:9"), &["check", "job.yaml", "--media"]);
    assert!(wait_until(Duration::from_secs(20), || !proxy.asked().is_empty()));
    running.terminate();
    // Long before the server would be given up.
    assert_ne!(running.wait_for(Duration::from_secs(10)).code, 0);
}
