//! Measures how fast `serve --webhook` takes webhooks when each is answered only once it is on disk: the real binary,
//! statuses in random order and with repeats, over kept-alive connections.
//!
//! ```sh
//! cargo build --release && cargo run --release --example callbacks -- --messages 20000 --connections 64
//! ```
//!
//! Loopback only. At the end, every message must be read.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a measurement, not the product")]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use campaigner::simulator::{Behaviour, Simulator};
use clap::Parser;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What to measure.
#[derive(Parser)]
struct Args {
    /// Messages; about four and a half webhooks arrive for each
    #[arg(long, default_value_t = 20_000)]
    messages: u64,
    /// Connections, with one webhook in flight on each
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// The binary to measure
    #[arg(long, default_value = "target/release/campaigner")]
    campaigner: PathBuf,
}

const SECRET: &str = "a-secret-for-a-measurement";

fn main() {
    let args = Args::parse();
    let binary = args.campaigner.canonicalize().expect("build the binary first: cargo build --release");
    let folder = tempfile::tempdir().unwrap();
    let provider = Simulator::start(SocketAddr::from(([127, 0, 0, 1], 0)), Behaviour::default()).unwrap();
    let campaigner = |args: &[&str]| {
        let mut command = Command::new(&binary);
        command.args(args).current_dir(folder.path());
        command.env("INCS_BASE_URL", format!("http://{}", provider.address())).env("INCS_CERTIFICATION_CODE", "any");
        command.env("CAMPAIGNER_WEBHOOK_SECRET", SECRET);
        command
    };
    send(folder.path(), args.messages);
    let sent = campaigner(&["run", "load.yaml", "--no-wait", "-q"]).stdout(Stdio::null()).status().unwrap();
    assert!(sent.success(), "all messages are accepted");
    let report = campaigner(&["report", "load-1"]).output().unwrap().stdout;
    let callbacks = callbacks(&String::from_utf8(report).unwrap());

    let log = folder.path().join("log");
    let mut serve = campaigner(&["serve", "--webhook", "--listen", "127.0.0.1:0"]);
    let mut serve = Ended(serve.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap());
    let address = loop {
        let said = std::fs::read_to_string(&log).unwrap();
        if let Some((_, rest)) = said.split_once("address=") {
            break rest.split_whitespace().next().unwrap().parse::<SocketAddr>().unwrap();
        }
        assert!(serve.0.try_wait().unwrap().is_none(), "{said}");
        std::thread::sleep(Duration::from_millis(5));
    };
    let count = callbacks.len();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (seconds, mut waits) = runtime.block_on(post(address, Arc::new(callbacks), args.connections));
    waits.sort_unstable();
    let wait = |share: usize| waits[(waits.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("webhooks             {:>10.0} per second, {count} in {seconds:.1} s", count as f64 / seconds);
    println!("until the answer     {:>10.1} ms median, {:.1} ms for 99%", wait(50), wait(99));
    let status = campaigner(&["status", "load-1", "--json"]).output().unwrap().stdout;
    let status: serde_json::Value = serde_json::from_slice(&status).unwrap();
    assert_eq!(status["states"]["read"], args.messages, "all messages are read: {status}");
}

/// A process that is killed when this value is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a campaign that never polls statuses.
fn send(folder: &Path, messages: u64) {
    let mut list = String::from("phone\n");
    for row in 0..messages {
        let _ = writeln!(list, "8526{row:07}");
    }
    std::fs::write(folder.join("list.csv"), list).unwrap();
    let campaign = "name: load\nprovider: incs\nchannel: whatsapp\nrecipients: {csv: list.csv, to: phone}\n\
                    dispatch: {rate: 100000/s}\nreconcile: {after: 24h, every: 24h}\n\
                    message: {type: template, template: {name: welcome_offer}}\n";
    std::fs::write(folder.join("load.yaml"), campaign).unwrap();
}

/// Returns each status of each message, half of them twice, in random order.
fn callbacks(report: &str) -> Vec<String> {
    let ids = report.lines().skip(1).map(|line| line.split(',').nth(4).unwrap());
    let words = ids.flat_map(|id| ["sent", "delivered", "read"].map(|word| (id, word)));
    let mut callbacks: Vec<String> = words
        .enumerate()
        .flat_map(|(n, (id, word))| {
            let body = format!(
                r#"{{"event":"message_status_update","channel_id":30058,"business_phone":"6281519236680","message_id":"{id}","message_status":"{word}","error":null,"received_at":1754466101}}"#
            );
            std::iter::repeat_n(body, 1 + n % 2)
        })
        .collect();
    fastrand::Rng::with_seed(11).shuffle(&mut callbacks);
    callbacks
}

/// Posts them; returns the seconds it took, and how long each waited for its answer.
async fn post(address: SocketAddr, callbacks: Arc<Vec<String>>, connections: usize) -> (f64, Vec<Duration>) {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut posting = JoinSet::new();
    for _ in 0..connections {
        let (callbacks, next) = (callbacks.clone(), next.clone());
        posting.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut stream = BufReader::new(stream);
            let mut waits = Vec::new();
            while let Some(body) = callbacks.get(next.fetch_add(1, Ordering::Relaxed)) {
                let begun = Instant::now();
                let length = body.len();
                let request =
                    format!("POST /webhook/{SECRET} HTTP/1.1\r\nhost: here\r\ncontent-length: {length}\r\n\r\n{body}");
                stream.get_mut().write_all(request.as_bytes()).await.unwrap();
                taken(&mut stream).await;
                waits.push(begun.elapsed());
            }
            waits
        });
    }
    let mut waits = Vec::new();
    while let Some(more) = posting.join_next().await {
        waits.extend(more.unwrap());
    }
    (begun.elapsed().as_secs_f64(), waits)
}

/// Reads an answer, which must be a 200.
async fn taken(stream: &mut BufReader<TcpStream>) {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
}
