//! How fast the whole product sends: the real binary against a provider that answers at once (or after `--latency`), and
//! what a message costs. Where `oha` is installed, its rate on the same provider in the same minute.
//!
//! ```sh
//! cargo build --release && cargo run --release --example loadtest -- --rows 200000 --concurrency 64
//! ```
//!
//! Loopback only. The provider here knows nothing of the documents: it counts requests and names messages.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a measurement, not the product")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is measured.
#[derive(Parser)]
struct Args {
    /// Messages
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
    /// The provider's time for an answer, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// Requests in flight at most; `auto` leaves it to campaigner
    #[arg(long, default_value = "64")]
    concurrency: String,
    /// Messages a second at most
    #[arg(long, default_value_t = 1_000_000)]
    rate: u32,
    /// The binary to measure
    #[arg(long, default_value = "target/release/campaigner")]
    campaigner: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args = Args::parse();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sends = Arc::new(AtomicU64::new(0));
    tokio::spawn(provide(listener, Duration::from_millis(args.latency), sends.clone()));
    let measuring = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let ours = run(&args, folder.path(), &base, &sends);
        match oha(&args, &base) {
            Some(rate) => {
                println!("oha                  {rate:>10.0} messages/s; campaigner's share of it {:.2}", ours / rate)
            }
            None => println!("oha                  not installed"),
        }
    });
    measuring.await.unwrap();
}

/// Runs a campaign and tells what it cost; gives messages a second.
fn run(args: &Args, folder: &Path, base: &str, sends: &AtomicU64) -> f64 {
    let mut list = String::from("phone,first_name,city\n");
    for row in 0..args.rows {
        let _ = writeln!(list, "8526{row:07},Ana,Hong Kong");
    }
    std::fs::write(folder.join("list.csv"), list).unwrap();
    let concurrency = match args.concurrency.as_str() {
        "auto" => String::new(),
        number => format!(", concurrency: {number}"),
    };
    let campaign = format!(
        "name: load\nprovider: incs\nchannel: whatsapp\nrecipients: {{csv: list.csv, to: phone}}\n\
         dispatch: {{rate: {}/s{concurrency}}}\nmessage:\n  type: template\n  template:\n    name: welcome_offer\n    \
         components:\n      - type: body\n        parameters:\n          - {{type: text, text: \"{{{{ first_name }}}}\"}}\n          \
         - {{type: text, text: \"{{{{ city | upper }}}}\"}}\n",
        args.rate
    );
    std::fs::write(folder.join("load.yaml"), campaign).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let binary = args.campaigner.canonicalize().expect("build the binary first: cargo build --release");
    let mut child = Command::new(binary)
        .args(["run", "load.yaml", "--no-wait", "--progress", "none", "-q"])
        .current_dir(folder)
        .env("INCS_BASE_URL", base)
        .env("INCS_CERTIFICATION_CODE", "any")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let proc = PathBuf::from(format!("/proc/{}", child.id()));
    let whole = Instant::now();
    let (mut first, mut last, mut peak, mut all_cpu) = (None, None, 0.0_f64, 0.0);
    while child.try_wait().unwrap().is_none() {
        let sent = sends.load(Ordering::Relaxed);
        if let Some((cpu, memory)) = usage(&proc) {
            (all_cpu, peak) = (cpu, memory.max(peak));
            // The first hundred are the cautious beginning.
            if sent >= 100 && first.is_none() {
                first = Some((Instant::now(), cpu, sent));
            }
            if sent >= args.rows && last.is_none() {
                last = Some((Instant::now(), cpu, sent));
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let whole = whole.elapsed().as_secs_f64();
    print!("{}", std::fs::read_to_string(folder.join("log")).unwrap());
    let (first, last) = first.zip(last).expect("every message is sent; what went wrong is above");
    let (seconds, messages) = ((last.0 - first.0).as_secs_f64(), (last.2 - first.2) as f64);
    println!("sending              {:>10.0} messages/s", messages / seconds);
    println!(
        "CPU while sending    {:>10.1} µs a message, {:.0} % of one core",
        (last.1 - first.1) / messages * 1e6,
        (last.1 - first.1) / seconds * 100.0
    );
    println!("CPU over all stages  {:>10.1} µs a row, {whole:.1} s in all", all_cpu / args.rows as f64 * 1e6);
    println!("memory at most       {peak:>10.1} MiB");
    messages / seconds
}

/// CPU seconds used so far, and the most memory held, in MiB.
fn usage(proc: &Path) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(proc.join("stat")).ok()?;
    // Fields 14 and 15 of the whole line: user and system time in ticks of 10 ms; the name before them may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string(proc.join("status")).ok()?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some((ticks / 100.0, memory.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0))
}

/// oha's rate on the same provider, if it is installed.
fn oha(args: &Args, base: &str) -> Option<f64> {
    let body = r#"{"to":"85264000001","type":"template","template":{"name":"welcome_offer","components":[]}}"#;
    let concurrency = if args.concurrency == "auto" { "64" } else { &args.concurrency };
    let output = Command::new("oha")
        .args(["-n", &args.rows.to_string(), "-c", concurrency, "-m", "POST", "-T", "application/json", "-d", body])
        .args(["--no-tui", &format!("{base}/external/messages/whatsapp")])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"))?.trim().parse().ok()
}

async fn provide(listener: TcpListener, latency: Duration, sends: Arc<AtomicU64>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(stream, latency, sends.clone()));
    }
}

/// Answers one connection's requests, one after the other.
async fn serve(mut stream: TcpStream, latency: Duration, sends: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    let mut answer = String::new();
    loop {
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap_or(0));
        while buffer.len() < head + length {
            stream.read_buf(&mut buffer).await?;
        }
        let post = text.starts_with("post");
        buffer.drain(..head + length);
        let body = if post {
            let number = sends.fetch_add(1, Ordering::Relaxed);
            format!(
                r#"{{"status":"success","code":200,"message":"","data":{{"msg_id":"wamid.HBgLODUyNjg0MTUwMjYVAgARGBIyMUQ4{number:010}"}},"error":{{}}}}"#
            )
        } else {
            r#"{"status":"success","code":200,"message":"","data":[],"error":{}}"#.to_owned()
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        answer.clear();
        let _ = write!(
            answer,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}
