//! Every way in which one request can fail, and what each is taken for. One question decides: may the message have been
//! accepted? The table follows the ways of failing in the order in which they come about, from the name that is not
//! found to the answer that cannot be read; the server is a bare socket, so that it can break off anywhere.
//!
//! HTTP/2 is not spoken, so there are no refused streams. What a crash does is told in `crash`, what a status of
//! "failed" does in `whole_job`.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use campaigner::model::{Channel, Outcome};
use campaigner::provider::{Endpoint, Provider as Client};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::runtime::Runtime;

use crate::support::scripted_provider::{CREDENTIAL, envelope};
use crate::support::test_env::{CampaignFile, TestEnv, counts, csv, wait_until};

const SOON: Duration = Duration::from_secs(30);
/// Of every request here; a connection has half of it.
const TIMEOUT: Duration = Duration::from_millis(800);
const BODY: &str = r#"{"to":"85264000001","type":"text","text":"Hello"}"#;
const ACCEPTED: &str = r#"{"status":"success","code":200,"message":"","data":{"msg_id":"m-1"},"error":{}}"#;

/// What the server saw, and how far it is.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
    bytes: AtomicUsize,
    closed: AtomicUsize,
}

/// One connection at the server.
struct Wire {
    stream: TcpStream,
    seen: Arc<Seen>,
}

impl Wire {
    /// Reads one whole request; false if there is none.
    fn request(&mut self) -> bool {
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => request.push(byte[0]),
                _ => return false,
            }
            self.seen.bytes.fetch_add(1, Ordering::SeqCst);
        }
        let head = String::from_utf8(request).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        let whole = self.stream.read_exact(&mut body).is_ok();
        self.seen.requests.fetch_add(usize::from(whole), Ordering::SeqCst);
        whole
    }

    fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Waits until a request begins, and leaves all of it unread.
    fn until_it_begins(&self) {
        let _ = self.stream.peek(&mut [0]);
    }

    /// Waits until the client gives up.
    fn hang(&mut self) {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
    }
}

/// A server that does `act` with each connection and its number, and then closes it.
fn server(act: impl Fn(usize, &mut Wire) + Send + Sync + 'static) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let (act, watched) = (Arc::new(act), seen.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let number = watched.connections.fetch_add(1, Ordering::SeqCst);
            let (act, mut wire) = (act.clone(), Wire { stream: stream.unwrap(), seen: watched.clone() });
            std::thread::spawn(move || {
                act(number, &mut wire);
                drop(wire.stream);
                wire.seen.closed.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    (address, seen)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn client(base: &str) -> Client {
    Client::new(&Endpoint::new(base, CREDENTIAL.to_owned().into()).unwrap(), 8, TIMEOUT).unwrap()
}

fn send(client: &Client, body: &str) -> Outcome {
    runtime().block_on(client.send(Channel::Viber, body.as_bytes().to_vec(), || async { true }))
}

fn http(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Scripted\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// The kind of outcome, its code, and the provider's wish for a wait in seconds.
fn told(outcome: &Outcome) -> (&'static str, String, Option<u64>) {
    let wait = match outcome {
        Outcome::TryAgain { wait, .. } | Outcome::Throttled { wait, .. } => *wait,
        _ => None,
    };
    let code = outcome.problem().map(|problem| problem.code.clone()).unwrap_or_default();
    (outcome.name(), code, wait.map(|wait| wait.as_secs()))
}

/// Sends one message to a server that does `act`, and fails unless it is taken for `kind` with `code`. However it ends,
/// nothing below us may have sent it a second time.
fn assert_taken_for(kind: &str, code: &str, what: &str, act: impl Fn(&mut Wire) + Send + Sync + 'static) {
    let (address, seen) = server(move |_, wire| act(wire));
    let outcome = send(&client(&format!("http://{address}")), BODY);
    assert_eq!(told(&outcome), (kind, code.to_owned(), None), "{what}: {outcome:?}");
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1, "{what}");
}

// Before a connection is there: no byte of the request has left.

#[test]
fn without_a_connection_the_provider_is_unreachable() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = send(&client(&format!("http://{nobody}")), BODY);
    assert_eq!(told(&refused), ("unreachable", "connect".into(), None), "{refused:?}");
    let words = refused.problem().unwrap().to_string();
    assert!(words.starts_with("127.0.0.1: ") && words.contains("refused"), "{words}");

    let unknown = send(&client("https://provider.invalid"), BODY);
    assert_eq!(told(&unknown), ("unreachable", "connect".into(), None), "{unknown:?}");
    assert!(unknown.problem().unwrap().message.original().starts_with("provider.invalid: "), "{unknown:?}");
}

#[test]
fn a_connection_that_takes_too_long_is_told_apart_from_an_answer_that_does() {
    // A queue of one that is full: the system lets further connections wait.
    let runtime = runtime();
    let _guard = runtime.enter();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 64, "the queue is never full here");
    }
    let client = client(&format!("http://{address}"));
    let outcome = runtime.block_on(client.send(Channel::Viber, BODY.into(), || async { true }));
    assert_eq!(told(&outcome), ("unreachable", "connect".into(), None), "{outcome:?}");
}

#[test]
fn a_handshake_that_fails_is_no_connection_and_a_certificate_that_nobody_trusts_is_for_a_person() {
    let base = |address: SocketAddr| format!("https://{address}");
    let cases: [(&str, &[u8]); 3] =
        [("closes", b""), ("speaks plain HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n"), ("garbage", &[0xff; 400])];
    for (what, bytes) in cases {
        let (address, _) = server(move |_, wire| {
            wire.until_it_begins();
            wire.say(bytes);
        });
        let outcome = send(&client(&base(address)), BODY);
        assert_eq!(told(&outcome), ("unreachable", "connect".into(), None), "{what}: {outcome:?}");
    }

    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from(include_bytes!("../support/certificate/untrusted.crt").as_slice());
    let key = PrivatePkcs8KeyDer::from(include_bytes!("../support/certificate/untrusted.key").as_slice());
    let tls = rustls::ServerConfig::builder().with_no_client_auth();
    let tls = Arc::new(tls.with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key)).unwrap());
    let (address, seen) = server(move |_, wire| {
        let mut session = rustls::ServerConnection::new(tls.clone()).unwrap();
        while session.complete_io(&mut wire.stream).is_ok_and(|(read, _)| read > 0) {
            let mut request = [0; 1024];
            if let Ok(bytes) = session.reader().read(&mut request) {
                wire.seen.bytes.fetch_add(bytes, Ordering::SeqCst);
            }
        }
    });
    let outcome = send(&client(&base(address)), BODY);
    assert_eq!(told(&outcome), ("halted", "certificate".into(), None), "{outcome:?}");
    assert_eq!(seen.bytes.load(Ordering::SeqCst), 0, "nobody gets to read the numbers");
}

#[test]
fn a_proxy_that_refuses_is_no_connection_and_one_that_wants_other_credentials_is_for_a_person() {
    for (answer, words, code) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "proxy_credentials", 4),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "cannot reach the provider", 4),
    ] {
        let (proxy, seen) = server(move |_, wire| {
            let mut head = [0; 4096];
            let _ = wire.stream.read(&mut head);
            wire.say(answer.as_bytes());
        });
        let env = TestEnv::with(&CampaignFile { attempts: 1, ..CampaignFile::default() }, &csv(20));
        let proxy = format!("export HTTPS_PROXY=http://{proxy}");
        let running = env.start_with_prelude(&proxy, Some("https://provider.invalid"), &["run", "job.yaml"]);
        running.wait_for_words(words);
        running.terminate();
        let stopped = running.wait();
        assert_eq!(stopped.code, code, "{stopped}");
        assert!(seen.connections.load(Ordering::SeqCst) > 0);
        assert_eq!(env.states("job-1"), counts(&[("pending", 20)]));
    }
}

// The connection is there: what matters is whether the request was begun.

#[test]
fn closed_before_the_request_is_begun_nothing_has_left_and_otherwise_it_is_in_doubt() {
    for _ in 0..30 {
        // Which of the two comes first is up to the machine; neither may be mistaken for the other.
        let (address, seen) = server(|_, _| {});
        let outcome = send(&client(&format!("http://{address}")), BODY);
        match outcome.name() {
            "unreachable" => assert_eq!(seen.requests.load(Ordering::SeqCst), 0),
            other => assert_eq!(other, "uncertain", "{outcome:?}"),
        }
    }
}

#[test]
fn a_kept_connection_that_was_closed_meanwhile_is_replaced_and_one_closed_over_a_request_leaves_it_in_doubt() {
    let answer = || http(200, "", ACCEPTED);
    type Second = fn(&mut Wire);
    let cases: [(&str, Second, &str, usize, usize); 3] = [
        ("closed while idle", |_| (), "accepted", 2, 2),
        ("closed with the request unread", |wire| wire.until_it_begins(), "uncertain", 1, 1),
        ("closed with the request read", |wire| assert!(wire.request()), "uncertain", 1, 2),
    ];
    for (what, second, kind, connections, requests) in cases {
        let (address, seen) = server(move |number, wire| {
            assert!(wire.request());
            wire.say(answer().as_bytes());
            if number == 0 {
                second(wire);
            }
        });
        let (client, runtime) = (client(&format!("http://{address}")), runtime());
        let send = || runtime.block_on(client.send(Channel::Viber, BODY.into(), || async { true }));
        assert_eq!(send().name(), "accepted");
        if kind == "accepted" {
            assert!(wait_until(SOON, || seen.closed.load(Ordering::SeqCst) == 1));
            // On loopback the news is here when the other side has closed; the client has to look.
            runtime.block_on(async {
                for _ in 0..200 {
                    tokio::task::yield_now().await;
                }
            });
        }
        let outcome = send();
        assert_eq!(outcome.name(), kind, "{what}: {outcome:?}");
        assert_eq!(seen.connections.load(Ordering::SeqCst), connections, "{what}: nothing goes out a second time");
        assert_eq!(seen.requests.load(Ordering::SeqCst), requests, "{what}");
    }
}

#[test]
fn a_request_that_is_only_partly_written_is_in_doubt() {
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(16 << 20));
    let (address, _) = server(|_, wire| {
        // Stays open to the end of the tests, and is never read.
        std::mem::forget(wire.stream.try_clone().unwrap());
    });
    let timed_out = send(&client(&format!("http://{address}")), &large);
    assert_eq!(told(&timed_out), ("uncertain", "timeout".into(), None), "{timed_out:?}");

    let (address, seen) = server(|_, wire| drop(wire.stream.read(&mut [0; 100])));
    let reset = send(&client(&format!("http://{address}")), &large);
    assert_eq!(told(&reset), ("uncertain", "connection_lost".into(), None), "{reset:?}");
    assert_eq!(seen.requests.load(Ordering::SeqCst), 0);
}

#[test]
fn a_whole_request_without_a_readable_answer_is_in_doubt() {
    assert_taken_for("uncertain", "timeout", "no answer", |wire| {
        wire.request();
        wire.hang();
    });
    assert_taken_for("uncertain", "connection_lost", "the end", |wire| assert!(wire.request()));
    assert_taken_for("uncertain", "connection_lost", "a reset", |wire| {
        let _ = wire.stream.read(&mut [0; 40]);
    });
    let cases: [(&str, &[u8], &str); 5] = [
        ("garbage", b"\x00\x01\x02 what?\r\n\r\n", "connection_lost"),
        ("another protocol", b"220 smtp ready\r\n", "connection_lost"),
        ("half a status line", b"HTTP/1.1 20", "connection_lost"),
        ("headers without end", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", "connection_lost"),
        ("half a body", b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"status\":", "bad_answer"),
    ];
    for (what, bytes, code) in cases {
        assert_taken_for("uncertain", code, what, move |wire| {
            wire.request();
            wire.say(bytes);
        });
    }
    // The status line is enough to know that it was turned away.
    for (status, kind) in [(429, "throttled"), (401, "halted"), (400, "uncertain")] {
        let head = format!("HTTP/1.1 {status} No\r\ncontent-length: 500\r\n\r\n{{");
        let (address, _) = server(move |_, wire| {
            wire.request();
            wire.say(head.as_bytes());
        });
        assert_eq!(send(&client(&format!("http://{address}")), BODY).name(), kind, "{status}, broken off");
    }
}

#[test]
fn an_answer_that_comes_byte_by_byte_has_no_more_than_the_timeout() {
    let begun = Instant::now();
    assert_taken_for("uncertain", "bad_answer", "slow", |wire| {
        wire.request();
        wire.say(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n");
        let _ = wire.stream.set_read_timeout(Some(Duration::from_millis(20)));
        // One byte each time that the client stays silent for a while.
        while wire.stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            wire.say(b" ");
        }
    });
    assert!((TIMEOUT..TIMEOUT * 4).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

// There is an answer: what it says decides.

#[test]
fn every_answer_is_taken_for_what_it_says() {
    let page = "<html><h1>Bad</h1></html>";
    let ours = |code: i64, words: &str| envelope(code, words);
    let mut cases: Vec<(u16, &str, String, &str, &str)> = vec![
        // Told to go elsewhere: a POST is not sent after it.
        (302, "location: /elsewhere\r\n", String::new(), "halted", "http_302"),
        (307, "location: /elsewhere\r\n", String::new(), "halted", "http_307"),
        // Not the whole request, says whoever answers; a gateway may have passed it on.
        (408, "", page.into(), "uncertain", "http_408"),
        (421, "", page.into(), "try again", "http_421"),
        (425, "", page.into(), "try again", "http_425"),
        (500, "", page.into(), "uncertain", "http_500"),
        (500, "", ours(500, "server error"), "uncertain", "500"),
        (502, "", page.into(), "uncertain", "http_502"),
        (503, "", page.into(), "uncertain", "http_503"),
        (504, "", page.into(), "uncertain", "http_504"),
        (524, "", page.into(), "uncertain", "http_524"),
        // Success is believed for the envelope's sake, not for the content type's.
        (200, "content-type: application/json\r\n", ACCEPTED.into(), "accepted", ""),
        (201, "content-type: text/html\r\n", ACCEPTED.into(), "accepted", ""),
        (200, "", String::new(), "uncertain", "http_200"),
        (204, "", String::new(), "uncertain", "http_204"),
        (200, "content-type: text/html\r\n", page.into(), "uncertain", "http_200"),
        (200, "", "{}".into(), "uncertain", "http_200"),
        (200, "", "[]".into(), "uncertain", "http_200"),
        (200, "", format!("[{ACCEPTED}]"), "uncertain", "http_200"),
        (200, "", "null".into(), "uncertain", "http_200"),
        (200, "", ACCEPTED.replace("\"m-1\"", "\"\""), "unnamed", "no_message_id"),
        (200, "", ACCEPTED.replace("\"m-1\"", "null"), "unnamed", "no_message_id"),
        (200, "", format!("{ACCEPTED}trailing"), "uncertain", "http_200"),
        (500, "", ACCEPTED.into(), "uncertain", "bad_answer"),
        // The provider's own refusals.
        (200, "", ours(10001, "certification code is invalid"), "halted", "10001"),
        (200, "", ours(404, "no such route"), "halted", "404"),
        (200, "", ours(422, "to is not valid"), "refused", "422"),
        (200, "", ours(429, "too many"), "throttled", "429"),
        (200, "", ours(10002, "(#132012) Parameter format does not match"), "refused", "132012"),
        (200, "", ours(10002, ""), "uncertain", "10002"),
        (200, "", ours(10003, "Message failed \u{2013} detailed reason unknown"), "uncertain", "10003"),
        (200, "", ours(10004, "upstream timeout"), "uncertain", "10004"),
        (200, "", ours(500, "server error"), "uncertain", "500"),
        (200, "", ours(-1, "failure"), "uncertain", "-1"),
        (400, "", ours(-1, "failure"), "uncertain", "-1"),
        (200, "", ours(99_999, "new in the next version"), "uncertain", "99999"),
        (400, "", ours(99_999, "new in the next version"), "refused", "99999"),
    ];
    // Refused with and without the provider's body; some concern the account or the route and so every row.
    for (status, kind) in [(400, "refused"), (413, "refused"), (415, "refused"), (422, "refused")] {
        cases.push((status, "", page.into(), kind, ["http_", &status.to_string()].concat().leak()));
        cases.push((status, "", ours(i64::from(status), "no"), kind, status.to_string().leak()));
    }
    for status in [401, 403, 404, 405] {
        cases.push((status, "", page.into(), "halted", ["http_", &status.to_string()].concat().leak()));
        cases.push((status, "", ours(i64::from(status), "no"), "halted", status.to_string().leak()));
    }
    for (status, headers, body, kind, code) in cases {
        let what = format!("HTTP {status} {headers}{body}");
        let answer = http(status, headers, &body);
        assert_taken_for(kind, code, &what, move |wire| {
            wire.request();
            wire.say(answer.as_bytes());
            wire.hang();
        });
    }
}

#[test]
fn a_throttle_is_told_apart_from_a_failure_and_its_wish_is_clamped() {
    let date = "date: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    let cases: [(u16, String, &str, Option<u64>); 12] = [
        (429, String::new(), "throttled", None),
        (429, "retry-after: 7\r\n".into(), "throttled", Some(7)),
        (429, "retry-after: 0\r\n".into(), "throttled", Some(0)),
        (429, "retry-after: 99999999\r\n".into(), "throttled", Some(604_800)),
        (429, "retry-after: 99999999999999999999999999\r\n".into(), "throttled", None),
        (429, "retry-after: -5\r\n".into(), "throttled", None),
        (429, "retry-after: soon\r\n".into(), "throttled", None),
        (429, format!("{date}retry-after: Wed, 21 Oct 2015 07:28:30 GMT\r\n"), "throttled", Some(30)),
        (429, format!("{date}retry-after: Wed, 21 Oct 2015 07:27:00 GMT\r\n"), "throttled", Some(0)),
        (429, "retry-after: Wed, 21 Oct 2015 07:28:30 GMT\r\n".into(), "throttled", None),
        // Load shedding says when to come back.
        (503, "retry-after: 30\r\n".into(), "throttled", Some(30)),
        (503, "retry-after: soon\r\n".into(), "uncertain", None),
    ];
    for (status, headers, kind, wait) in cases {
        for body in ["", "<html>slow down</html>", &envelope(i64::from(status), "slow down")] {
            let answer = http(status, &headers, body);
            let (address, _) = server(move |_, wire| {
                wire.request();
                wire.say(answer.as_bytes());
                wire.hang();
            });
            let outcome = send(&client(&format!("http://{address}")), BODY);
            assert_eq!((told(&outcome).0, told(&outcome).2), (kind, wait), "{status} {headers}{body}: {outcome:?}");
        }
    }
}
