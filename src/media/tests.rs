//! Probes against a scripted server on loopback.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use super::prober::{MAX_CONCURRENT, MAX_FAILURES, Timeouts, server};
use super::{File, Hosts, MediaProber, shown};
use crate::model::Finding;
use crate::test_server;

/// Loopback counts as public here; links with `.private` in them are private.
const LOOPBACK: Hosts =
    Hosts { refused: |link| link.contains(".private").then_some("is private"), is_public: |_| true };
const PATIENT: Timeouts = Timeouts { connect: Duration::from_secs(20), whole: Duration::from_secs(20) };

/// What the server sends: an answer, nothing at all, or the end of the connection.
enum Reply {
    Answer(String),
    Silence,
    Close,
}

/// Returns a status line and headers, without a body.
fn head(status: &str, headers: &str) -> Reply {
    Reply::Answer(format!("HTTP/1.1 {status}\r\n{headers}\r\n"))
}

fn redirect(to: &str) -> Reply {
    head("302 Found", &format!("Location: {to}\r\nContent-Length: 0\r\n"))
}

/// A server that answers `METHOD /path` from its script, and keeps the requests it got, headers included.
#[derive(Clone)]
struct Scripted {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let (requests, reply) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(reply));
        let kept = Arc::clone(&requests);
        let (address, _) = test_server::server(move |_, stream| serve(stream, kept.clone(), reply.clone()));
        Self { address, requests }
    }

    fn file(&self, path: &str) -> File {
        File {
            link: format!("http://{}{path}", self.address),
            name: "image",
            types: &["image/jpeg", "image/png"],
            megabytes: Some(5),
            needs_length: false,
        }
    }

    /// Returns the first lines of the requests.
    fn asked(&self) -> Vec<String> {
        let first =
            |request: &String| request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
        self.requests.lock().unwrap().iter().map(first).collect()
    }
}

async fn serve(mut stream: TcpStream, requests: Arc<Mutex<Vec<String>>>, reply: Arc<impl Fn(&str) -> Reply>) {
    while let Some(request) = test_server::request(&mut stream).await {
        let target = request.split(" HTTP/1.1").next().unwrap_or_default().to_owned();
        requests.lock().unwrap().push(request);
        match reply(&target) {
            Reply::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Reply::Silence => std::future::pending().await,
            Reply::Close => return,
        }
    }
}

/// Creates a prober that ignores the proxies of the test environment.
fn prober(hosts: Hosts, timeouts: Timeouts) -> MediaProber {
    MediaProber::with(Client::builder().no_proxy(), hosts, timeouts).unwrap()
}

async fn ask_with(hosts: Hosts, timeouts: Timeouts, file: File) -> Vec<Finding> {
    prober(hosts, timeouts).ask(&file).await
}

async fn ask(file: File) -> Vec<Finding> {
    ask_with(LOOPBACK, PATIENT, file).await
}

fn codes(findings: &[Finding]) -> Vec<(bool, &'static str)> {
    findings.iter().map(|finding| (finding.is_error(), finding.code)).collect()
}

const PNG: &str = "Content-Type: image/png\r\nContent-Length: 1000\r\n";

#[tokio::test]
async fn one_question_is_enough_where_it_is_answered_well() {
    let server = Scripted::start(|_| head("200 OK", PNG));
    assert_eq!(ask(server.file("/a.png?key=1")).await, []);
    assert_eq!(server.asked(), ["HEAD /a.png?key=1"]);
    let request = server.requests.lock().unwrap()[0].to_ascii_lowercase();
    assert!(request.contains(concat!("user-agent: campaigner/", env!("CARGO_PKG_VERSION"))), "{request}");
    assert!(!request.contains("certification") && !request.contains("accept-encoding"), "{request}");
}

#[tokio::test]
async fn where_head_is_refused_the_first_byte_is_asked_for() {
    for status in ["405 Method Not Allowed", "501 Not Implemented", "403 Forbidden", "400 Bad Request", "404 Not Found"]
    {
        let refused = head(status, "Content-Length: 0\r\n");
        let Reply::Answer(refused) = refused else { unreachable!() };
        let server = Scripted::start(move |target| match target.starts_with("HEAD") {
            true => Reply::Answer(refused.clone()),
            false => Reply::Answer(
                "HTTP/1.1 206 Partial Content\r\nContent-Type: image/png\r\nContent-Length: 1\r\n\
                 Content-Range: bytes 0-0/6000000\r\n\r\nx"
                    .to_owned(),
            ),
        });
        let findings = ask(server.file("/a.png")).await;
        assert_eq!(codes(&findings), [(true, "media_size")], "{status}");
        assert!(findings[0].message.contains("6000000 bytes"), "{findings:?}");
        assert_eq!(server.asked(), ["HEAD /a.png", "GET /a.png"]);
        assert!(server.requests.lock().unwrap()[1].contains("range: bytes=0-0"));
    }
}

#[tokio::test]
async fn a_length_that_head_does_not_tell_is_asked_of_get() {
    let server = Scripted::start(|target| match target.starts_with("HEAD") {
        true => head("200 OK", "Content-Type: image/png\r\nContent-Length: 0\r\n"),
        // The whole file, although only a byte was requested: the prober does not wait for it.
        false => head("200 OK", PNG),
    });
    assert_eq!(ask(server.file("/a.png")).await, []);
}

#[tokio::test]
async fn what_is_not_there_is_reported_with_its_status() {
    let server = Scripted::start(|_| head("404 Not Found", "Content-Length: 0\r\n"));
    let findings = ask(server.file("/a.png")).await;
    assert_eq!(codes(&findings), [(true, "media_refused")]);
    assert_eq!(findings[0].message, "its server answered 404 Not Found");
}

#[tokio::test]
async fn the_type_the_size_and_the_length_are_looked_at() {
    let server = Scripted::start(|target| {
        let chunked = |kind| head("200 OK", &format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n"));
        match target.rsplit('/').next().unwrap() {
            "page" => head("200 OK", "Content-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n"),
            "large" => head("200 OK", "Content-Type: image/PNG\r\nContent-Length: 99000000\r\n"),
            "empty" => head("416 Range Not Satisfiable", "Content-Type: image/png\r\nContent-Range: bytes */0\r\n\r\n"),
            kind => chunked(kind.replace('.', "/")),
        }
    });
    assert_eq!(codes(&ask(server.file("/page")).await), [(true, "media_type")]);
    assert_eq!(codes(&ask(server.file("/large")).await), [(true, "media_size")]);
    assert_eq!(codes(&ask(server.file("/empty")).await), [(true, "media_size")]);
    assert_eq!(codes(&ask(server.file("/image.png")).await), [(false, "media_length")]);
    let video = File { types: &["video/mp4"], needs_length: true, ..server.file("/video.mp4") };
    assert_eq!(codes(&ask(video).await), [(true, "media_length")]);
}

#[tokio::test]
async fn a_few_redirects_are_followed_and_the_query_is_not_passed_on() {
    let server = Scripted::start(|target| match target.rsplit('/').next().unwrap() {
        "0" => head("200 OK", PNG),
        from => redirect(&format!("/{}", from.split('?').next().unwrap().parse::<u32>().unwrap() - 1)),
    });
    assert_eq!(ask(server.file("/5?secret")).await, []);
    assert_eq!(server.asked().len(), 6);
    assert!(server.requests.lock().unwrap()[1..].iter().all(|request| !request.contains("secret")));
    assert_eq!(codes(&ask(server.file("/6")).await), [(true, "media_redirects")]);
}

#[tokio::test]
async fn a_redirect_in_a_circle_ends() {
    let server = Scripted::start(|_| redirect("/again"));
    assert_eq!(codes(&ask(server.file("/again")).await), [(true, "media_redirects")]);
    assert_eq!(server.asked().len(), 6, "not tried again");
}

#[tokio::test]
async fn a_redirect_into_a_private_network_is_not_followed() {
    let server = Scripted::start(|_| redirect("http://router.private/admin?secret"));
    let findings = ask(server.file("/a.png")).await;
    assert_eq!(codes(&findings), [(true, "media_private")]);
    assert_eq!(findings[0].message, "`router.private` is private");
    assert_eq!(server.asked(), ["HEAD /a.png"]);
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_asked() {
    let server = Scripted::start(|_| head("200 OK", PNG));
    let port = server.address.port();
    let hosts = Hosts { is_public: |address: IpAddr| !address.is_loopback(), ..LOOPBACK };
    let named = File { link: format!("http://localhost:{port}/a.png"), ..server.file("") };
    assert_eq!(codes(&ask_with(hosts, PATIENT, named).await), [(true, "media_private")]);
    let refused = File { link: format!("http://a.private:{port}/a.png"), ..server.file("") };
    assert_eq!(codes(&ask(refused).await), [(true, "media_private")]);
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_server_that_breaks_off_is_asked_once_more() {
    let times = AtomicUsize::new(0);
    let server = Scripted::start(move |_| match times.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::Close,
        _ => head("200 OK", PNG),
    });
    assert_eq!(ask(server.file("/a.png")).await, []);
    assert_eq!(server.asked(), ["HEAD /a.png", "GET /a.png"]);

    let server = Scripted::start(|_| Reply::Close);
    let findings = ask(server.file("/a.png?secret")).await;
    assert_eq!(codes(&findings), [(true, "media_unreachable")]);
    assert!(!format!("{findings:?}").contains("secret"), "{findings:?}");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_long() {
    let server = Scripted::start(|_| Reply::Silence);
    let timeouts = Timeouts { whole: Duration::from_millis(50), ..PATIENT };
    let begun = Instant::now();
    let findings = ask_with(LOOPBACK, timeouts, server.file("/a.png")).await;
    assert_eq!(codes(&findings), [(true, "media_unreachable")]);
    assert_eq!(findings[0].message, "its server did not answer in time");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

/// Returns what `ask_all` reports for each file, by its index.
async fn ask_all(files: Vec<File>, timeouts: Timeouts) -> Vec<Option<Vec<Finding>>> {
    let mut found = vec![None; files.len()];
    prober(LOOPBACK, timeouts)
        .ask_all(files, |index, findings| assert!(found[index].replace(findings).is_none()))
        .await
        .unwrap();
    found
}

#[tokio::test]
async fn many_files_are_asked_about_a_few_at_a_time() {
    // Answers come only after this many requests, and there are never more at a time.
    let together = Arc::new(Barrier::new(MAX_CONCURRENT));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, highest) = (now.clone(), most.clone());
    let (address, _) = test_server::server(move |_, mut stream| {
        let (together, now, most) = (together.clone(), counting.clone(), highest.clone());
        async move {
            while test_server::request(&mut stream).await.is_some() {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                together.wait().await;
                now.fetch_sub(1, Ordering::SeqCst);
                stream.write_all(format!("HTTP/1.1 200 OK\r\n{PNG}\r\n").as_bytes()).await.unwrap();
            }
        }
    });
    let server = Scripted { address, requests: Arc::default() };
    let files = (0..4 * MAX_CONCURRENT).map(|n| server.file(&format!("/{n}.png"))).collect();
    let found = ask_all(files, PATIENT).await;
    assert!(found.iter().all(|found| found.as_ref().is_some_and(Vec::is_empty)));
    assert_eq!(most.load(Ordering::SeqCst), MAX_CONCURRENT);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = Scripted::start(|_| Reply::Close);
    let files = (0..20 * MAX_CONCURRENT).map(|n| server.file(&format!("/{n}.png"))).collect();
    let found = ask_all(files, PATIENT).await;
    assert!(found.iter().flatten().flatten().all(|finding| finding.code == "media_unreachable"));
    assert!(found.iter().all(|found| found.as_ref().is_some_and(|findings| findings.len() == 1)));
    assert!(server.asked().len() <= 2 * (MAX_CONCURRENT + MAX_FAILURES as usize), "{}", server.asked().len());
}

#[test]
fn a_link_is_shown_without_what_may_be_secret() {
    assert_eq!(shown("https://ana:word@example.com:8443/a%20b.png?key=1#x"), "https://example.com:8443/a%20b.png?…");
    assert_eq!(shown("https://example.com/a.png"), "https://example.com/a.png");
    assert_eq!(shown("no link?key=1"), "no link");
    assert_eq!(server("https://example.com:8443/a"), "example.com:8443");
}
