//! Every way in which one request can fail, and what it counts as. One question decides: may the message have been
//! accepted? The tests follow a request from the name that is not found to the answer that cannot be read. The server
//! is a bare socket, so it can break off anywhere.
//!
//! The client does not speak HTTP/2, so no stream can be refused. `recovery` says what a crash does, and `whole_job`
//! what a status of "failed" does.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use campaigner::model::{Channel, Outcome};
use campaigner::provider::{Endpoint, Provider as Client};
use tokio::runtime::Runtime;

use crate::support::http::response;
use crate::support::raw_server::{Connection, RawServer, free_address};
use crate::support::tls;
use crate::support::{CREDENTIAL, SOON, envelope, wait_until};

/// Of every request here; a connection has half of it.
const TIMEOUT: Duration = Duration::from_millis(800);
const BODY: &str = r#"{"to":"85264000001","type":"text","text":"Hello"}"#;
const ACCEPTED: &str = r#"{"status":"success","code":200,"message":"","data":{"msg_id":"m-1"},"error":{}}"#;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn client(base: &str) -> Client {
    Client::new(&Endpoint::new(base, CREDENTIAL.to_owned().into()).unwrap(), 8, TIMEOUT).unwrap()
}

fn send(client: &Client, body: &str) -> Outcome {
    runtime().block_on(client.send(Channel::Viber, body.as_bytes().to_vec(), None, || async { true }))
}

/// The kind of outcome, its code, and the provider's wish for a wait in seconds.
fn summary(outcome: &Outcome) -> (&'static str, String, Option<u64>) {
    let wait = match outcome {
        Outcome::TryAgain { wait, .. } | Outcome::Throttled { wait, .. } => *wait,
        _ => None,
    };
    let code = outcome.problem().map(|problem| problem.code.clone()).unwrap_or_default();
    (outcome.name(), code, wait.map(|wait| wait.as_secs()))
}

/// Sends one message to a server that does `act`, and fails unless it is taken for `kind` with `code`. However it ends,
/// nothing below us may have sent it a second time.
fn assert_taken_for(kind: &str, code: &str, what: &str, act: impl Fn(&mut Connection) + Send + Sync + 'static) {
    let server = RawServer::start(move |_, connection| act(connection));
    let outcome = send(&client(&server.url()), BODY);
    assert_eq!(summary(&outcome), (kind, code.to_owned(), None), "{what}: {outcome:?}");
    assert_eq!(server.connections(), 1, "{what}");
}

// Before a connection is there: no byte of the request has left.

#[test]
fn without_a_connection_the_provider_is_unreachable() {
    let nobody = free_address();
    let refused = send(&client(&format!("http://{nobody}")), BODY);
    assert_eq!(summary(&refused), ("unreachable", "connect".into(), None), "{refused:?}");
    let words = refused.problem().unwrap().to_string();
    assert!(words.starts_with("127.0.0.1: ") && words.contains("refused"), "{words}");

    let unknown = send(&client("https://provider.invalid"), BODY);
    assert_eq!(summary(&unknown), ("unreachable", "connect".into(), None), "{unknown:?}");
    assert!(unknown.problem().unwrap().message().original().starts_with("provider.invalid: "), "{unknown:?}");
}

#[test]
fn a_connection_that_takes_too_long_is_reported_apart_from_an_answer_that_does() {
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
    let outcome = runtime.block_on(client.send(Channel::Viber, BODY.into(), None, || async { true }));
    assert_eq!(summary(&outcome), ("unreachable", "connect".into(), None), "{outcome:?}");
}

#[test]
fn a_handshake_that_fails_is_no_connection_and_a_certificate_that_nobody_trusts_is_for_a_person() {
    let base = |address: SocketAddr| format!("https://{address}");
    let cases: [(&str, &[u8]); 3] =
        [("closes", b""), ("speaks plain HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n"), ("garbage", &[0xff; 400])];
    for (what, bytes) in cases {
        let server = RawServer::start(move |_, connection| {
            connection.wait_for_first_byte();
            connection.write(bytes);
        });
        let outcome = send(&client(&base(server.address())), BODY);
        assert_eq!(summary(&outcome), ("unreachable", "connect".into(), None), "{what}: {outcome:?}");
    }

    let tls = tls::server();
    let read = Arc::new(AtomicUsize::new(0));
    let counted = read.clone();
    let server = RawServer::start(move |_, connection| {
        let mut session = rustls::ServerConnection::new(tls.clone()).unwrap();
        while session.complete_io(connection.stream()).is_ok_and(|(read, _)| read > 0) {
            let mut request = [0; 1024];
            if let Ok(bytes) = session.reader().read(&mut request) {
                counted.fetch_add(bytes, Ordering::SeqCst);
            }
        }
    });
    let outcome = send(&client(&base(server.address())), BODY);
    assert_eq!(summary(&outcome), ("halted", "certificate".into(), None), "{outcome:?}");
    assert_eq!(read.load(Ordering::SeqCst), 0, "nobody gets to read the numbers");
}

// The connection is there: what matters is whether the request was begun.

#[test]
fn closed_before_the_request_starts_nothing_has_left_and_otherwise_it_is_in_doubt() {
    for _ in 0..30 {
        // Which of the two comes first is up to the machine; neither may be mistaken for the other.
        let server = RawServer::start(|_, _| {});
        let outcome = send(&client(&server.url()), BODY);
        match outcome.name() {
            "unreachable" => assert_eq!(server.requests(), 0),
            other => assert_eq!(other, "uncertain", "{outcome:?}"),
        }
    }
}

#[test]
fn a_kept_connection_that_was_closed_meanwhile_is_replaced_and_one_closed_over_a_request_leaves_it_in_doubt() {
    let answer = || response(200, "", ACCEPTED);
    type Second = fn(&mut Connection);
    let cases: [(&str, Second, &str, usize, usize); 3] = [
        ("closed while idle", |_| (), "accepted", 2, 2),
        ("closed with the request unread", |connection| connection.wait_for_first_byte(), "uncertain", 1, 1),
        ("closed with the request read", |connection| assert!(connection.request().is_some()), "uncertain", 1, 2),
    ];
    for (what, second, kind, connections, requests) in cases {
        let server = RawServer::start(move |number, connection| {
            assert!(connection.request().is_some());
            connection.write(answer().as_bytes());
            if number == 0 {
                second(connection);
            }
        });
        let (client, runtime) = (client(&server.url()), runtime());
        let send = || runtime.block_on(client.send(Channel::Viber, BODY.into(), None, || async { true }));
        assert_eq!(send().name(), "accepted");
        if kind == "accepted" {
            assert!(wait_until(SOON, || server.closed() == 1));
            // On loopback the news is here when the other side has closed; the client has to look.
            runtime.block_on(async {
                for _ in 0..200 {
                    tokio::task::yield_now().await;
                }
            });
        }
        let outcome = send();
        assert_eq!(outcome.name(), kind, "{what}: {outcome:?}");
        assert_eq!(server.connections(), connections, "{what}: nothing goes out a second time");
        assert_eq!(server.requests(), requests, "{what}");
    }
}

#[test]
fn a_request_that_is_only_partly_written_is_in_doubt() {
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(16 << 20));
    let server = RawServer::start(|_, connection| {
        // Stays open to the end of the tests, and is never read.
        std::mem::forget(connection.stream().try_clone().unwrap());
    });
    let timed_out = send(&client(&server.url()), &large);
    assert_eq!(summary(&timed_out), ("uncertain", "timeout".into(), None), "{timed_out:?}");

    let server = RawServer::start(|_, connection| drop(connection.stream().read(&mut [0; 100])));
    let reset = send(&client(&server.url()), &large);
    assert_eq!(summary(&reset), ("uncertain", "connection_lost".into(), None), "{reset:?}");
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_whole_request_without_a_readable_answer_is_in_doubt() {
    assert_taken_for("uncertain", "timeout", "no answer", |connection| {
        connection.request();
        connection.wait_for_close();
    });
    assert_taken_for("uncertain", "connection_lost", "the end", |connection| assert!(connection.request().is_some()));
    assert_taken_for("uncertain", "connection_lost", "a reset", |connection| {
        let _ = connection.stream().read(&mut [0; 40]);
    });
    let cases: [(&str, &[u8], &str); 5] = [
        ("garbage", b"\x00\x01\x02 what?\r\n\r\n", "connection_lost"),
        ("another protocol", b"220 smtp ready\r\n", "connection_lost"),
        ("half a status line", b"HTTP/1.1 20", "connection_lost"),
        ("headers without end", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", "connection_lost"),
        ("half a body", b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"status\":", "bad_answer"),
    ];
    for (what, bytes, code) in cases {
        assert_taken_for("uncertain", code, what, move |connection| {
            connection.request();
            connection.write(bytes);
        });
    }
    // The status line is enough to know that it was turned away.
    for (status, kind) in [(429, "throttled"), (401, "halted"), (400, "uncertain")] {
        let head = format!("HTTP/1.1 {status} No\r\ncontent-length: 500\r\n\r\n{{");
        let server = RawServer::start(move |_, connection| {
            connection.request();
            connection.write(head.as_bytes());
        });
        assert_eq!(send(&client(&server.url()), BODY).name(), kind, "{status}, broken off");
    }
}

#[test]
fn an_answer_that_comes_byte_by_byte_has_no_more_than_the_timeout() {
    let begun = Instant::now();
    assert_taken_for("uncertain", "bad_answer", "slow", |connection| {
        connection.request();
        connection.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n");
        let _ = connection.stream().set_read_timeout(Some(Duration::from_millis(20)));
        // One byte each time that the client stays silent for a while.
        while connection.stream().read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            connection.write(b" ");
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
        // The answer says that the request was incomplete, but a gateway may have passed it on.
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
        let answer = response(status, headers, &body);
        assert_taken_for(kind, code, &what, move |connection| {
            connection.request();
            connection.write(answer.as_bytes());
            connection.wait_for_close();
        });
    }
}

#[test]
fn a_throttle_is_reported_apart_from_a_failure_and_its_wait_is_limited() {
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
            let answer = response(status, &headers, body);
            let server = RawServer::start(move |_, connection| {
                connection.request();
                connection.write(answer.as_bytes());
                connection.wait_for_close();
            });
            let outcome = send(&client(&server.url()), BODY);
            assert_eq!(
                (summary(&outcome).0, summary(&outcome).2),
                (kind, wait),
                "{status} {headers}{body}: {outcome:?}"
            );
        }
    }
}
