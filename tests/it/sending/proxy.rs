//! A proxy between the program and the provider: it carries messages, or it refuses to.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use crate::support::http::Message;
use crate::support::raw_server::{Connection, RawServer};
use crate::support::tls::{self, CERTIFICATE};
use crate::support::{CampaignFile, ScriptedProvider, TestEnv, counts, csv};

/// Opens a tunnel, and ends its TLS: each request in it goes on to `provider`.
fn tunnel(connection: &mut Connection, tls: Arc<rustls::ServerConfig>, provider: SocketAddr) {
    let Some(request) = connection.request() else { return };
    assert!(request.head.starts_with("CONNECT provider.invalid:443 "), "{}", request.head);
    connection.write("HTTP/1.1 200 Connection established\r\n\r\n");
    let session = rustls::ServerConnection::new(tls).unwrap();
    let mut client = BufReader::new(rustls::StreamOwned::new(session, connection.stream()));
    while let Some(request) = Message::read(&mut client) {
        let mut server = TcpStream::connect(provider).unwrap();
        server.write_all(&request.bytes()).unwrap();
        let answer = Message::read(&mut BufReader::new(server)).unwrap();
        client.get_mut().write_all(&answer.bytes()).unwrap();
    }
}

#[test]
fn what_a_proxy_carries_is_accepted_once_and_its_statuses_are_read() {
    const ROWS: usize = 40;
    let provider = ScriptedProvider::accepting_all();
    let (address, tls) = (provider.address(), tls::server());
    let proxy = RawServer::start(move |_, connection| tunnel(connection, tls.clone(), address));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    env.write("provider.pem", CERTIFICATE);
    let prelude = format!("export HTTPS_PROXY={} SSL_CERT_FILE=provider.pem", proxy.url());
    let run = env.start_with_prelude(&prelude, Some("https://provider.invalid"), &["run", "job.yaml"]).wait();
    assert_eq!(run.code, 0, "{run}");
    assert!(proxy.connections() > 0);
    let received = provider.received();
    assert_eq!((received.sends.len(), &received.offences), (ROWS, &Vec::new()));
    received.assert_nobody_twice();
    let report = env.report("job-1");
    assert!(report.iter().all(|line| !line.message_id.is_empty() && line.attempts == 1), "{report:?}");
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_proxy_that_refuses_is_no_connection_and_one_that_wants_other_credentials_is_for_a_person() {
    for (answer, words, code) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "proxy_credentials", 4),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "cannot reach the provider", 4),
    ] {
        let server = RawServer::start(move |_, connection| {
            connection.request();
            connection.write(answer.as_bytes());
        });
        let env = TestEnv::with(&CampaignFile { attempts: 1, ..CampaignFile::default() }, &csv(20));
        let proxy = format!("export HTTPS_PROXY={}", server.url());
        let running = env.start_with_prelude(&proxy, Some("https://provider.invalid"), &["run", "job.yaml"]);
        running.wait_for_words(words);
        let stopped = running.stop();
        assert_eq!(stopped.code, code, "{stopped}");
        assert!(server.connections() > 0);
        assert_eq!(env.states("job-1"), counts(&[("pending", 20)]));
    }
}
