//! `campaigner serve` in a test: a campaign that comes due, the service, and requests to it.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::campaign::schedule;
use crate::support::http::exchange;
use crate::support::{CampaignFile, Running, SOON, ScriptedProvider, TestEnv, csv, wait_until};

/// Rows of the list of [`due`].
pub(crate) const ROWS: usize = 60;
pub(crate) const TOKEN: &str = "correct-horse-battery";
/// The header line with the token.
pub(crate) const WITH_TOKEN: &str = "Authorization: Bearer correct-horse-battery\r\n";

/// Arguments for a service at a free port.
pub(crate) const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// A campaign that comes due in so many seconds, or was due before now. `more` is what else its schedule says.
pub(crate) fn due(seconds: i64, rate: &'static str, more: &str) -> TestEnv {
    TestEnv::with(&CampaignFile { rate, rest: schedule(seconds, more), ..CampaignFile::default() }, &csv(ROWS))
}

/// A service with a token.
pub(crate) fn service(env: &TestEnv, provider: &ScriptedProvider) -> Running {
    env.start_with_prelude(&format!("export CAMPAIGNER_TOKEN={TOKEN}"), Some(&provider.url()), &SERVE)
}

/// The address of a service, once it has printed it.
pub(crate) fn address(service: &Running) -> String {
    let printed = || {
        let log = service.stderr();
        let (_, rest) = log.split_once("address=")?;
        Some(rest.split_whitespace().next()?.to_owned())
    };
    assert!(wait_until(SOON, || printed().is_some()), "{}", service.stderr());
    printed().unwrap()
}

/// Sends a request to a service; gives the status and the body.
pub(crate) fn ask(service: &Running, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let (head, body) = ask_for_all(service, method, path, headers, body);
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

/// As [`ask`]; gives the head and the body.
pub(crate) fn ask_for_all(service: &Running, method: &str, path: &str, headers: &str, body: &str) -> (String, String) {
    let length = body.len();
    let host = if headers.starts_with("Host: ") { "" } else { "Host: localhost\r\n" };
    let headers = format!("{host}Connection: close\r\nContent-Length: {length}\r\n{headers}");
    exchange(address(service), &format!("{method} {path} HTTP/1.1\r\n{headers}\r\n{body}"))
}

/// Opens a connection to a service, on which `text` is sent and nothing more.
pub(crate) fn connect(service: &Running, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address(service)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Whether the service says that it is well, and at once: far sooner than anything it could wait for.
pub(crate) fn is_well(service: &Running) -> bool {
    let start = Instant::now();
    ask(service, "GET", "/healthz", "", "").0 == 200 && start.elapsed() < Duration::from_secs(5)
}
