//! Connections to the service that send nothing, or half of a request, keep nobody else out.

use std::io::Read as _;
use std::time::Duration;

use crate::support::service::{SERVE, connect, due, is_well};
use crate::support::{SOON, ScriptedProvider, wait_until};

/// Far less than the time that a request head may take.
const PROMPTLY: Duration = Duration::from_secs(5);
/// So few files that the service has room for fifty connections.
const FEW_FILES: &str = "ulimit -n 200";

#[test]
fn hundreds_of_half_requests_keep_nobody_out() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(7200, "400/s", ""));
    let service = env.start_with_prelude(FEW_FILES, Some(&provider.url()), &SERVE);
    // It is well once it has looked at its store.
    assert!(wait_until(SOON, || is_well(&service)), "{}", service.stderr());
    let mut open = Vec::new();
    for number in 0..300 {
        let said = ["", "GET /healthz HTTP/1.1\r\nHost: loc", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"];
        open.push(connect(&service, said[number % 3]));
    }
    assert!(is_well(&service), "{}", service.stderr());
    // The first of them gave way to the others.
    for stream in &mut open[..200] {
        stream.set_read_timeout(Some(PROMPTLY)).unwrap();
        if let Err(error) = stream.read_to_end(&mut Vec::new()) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it is still open");
        }
    }
    service.terminate();
    let ended = service.wait_for(SOON);
    assert_eq!(ended.code, 0, "{ended}");
}

/// Files are used up by others too: it accepts again when there are some.
#[cfg(target_os = "linux")]
#[test]
fn a_service_that_may_open_no_more_files_goes_on_when_it_may() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let (provider, env) = (ScriptedProvider::accepting_all(), due(7200, "400/s", ""));
    let service = env.start_with_prelude(FEW_FILES, Some(&provider.url()), &SERVE);
    assert!(wait_until(SOON, || is_well(&service)), "{}", service.stderr());
    let id = Pid::from_raw(service.id().parse().unwrap());
    // Fewer than it has open already.
    let before = prlimit(id, Resource::Nofile, Rlimit { current: Some(5), maximum: Some(200) }).unwrap();
    let mut waiting = connect(&service, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    service.wait_for_words("cannot accept a connection");
    waiting.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    assert!(waiting.read(&mut [0]).is_err(), "there was no file for it");
    prlimit(id, Resource::Nofile, before).unwrap();
    waiting.set_read_timeout(Some(PROMPTLY)).unwrap();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(service.stderr().matches("cannot accept").count(), 1, "{}", service.stderr());
    service.terminate();
    assert_eq!(service.wait_for(SOON).code, 0);
}
