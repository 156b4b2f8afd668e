//! Measures how fast the whole product sends, and what a message costs: the real binary against a provider that answers
//! at once (or after `--latency`). If `oha` is installed, its rate and cost on the same provider are measured too.
//!
//! ```sh
//! cargo build --release && cargo run --release --example loadtest -- --rows 200000 --concurrency 64
//! ```
//!
//! `--syncs` runs it under `strace`, which counts the syncs and costs little otherwise. `--kill-at` kills it with
//! SIGKILL after that many messages and resumes it, to measure the time until the next message leaves. `--db` takes the
//! URL of a PostgreSQL database, and `--workers` starts more processes that send beside the first.
//!
//! Loopback only. The provider here does not know the documents: it counts requests and names messages.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a measurement, not the product")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A rate that limits nothing.
const UNLIMITED: u32 = 1_000_000;

/// What to measure.
#[derive(Parser)]
struct Args {
    /// Messages
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
    /// The provider's latency, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// Maximum requests in flight; `auto` leaves it to campaigner
    #[arg(long, default_value = "64")]
    concurrency: String,
    /// Maximum messages per second
    #[arg(long, default_value_t = UNLIMITED)]
    rate: u32,
    /// A PostgreSQL database for the store, `postgres://USER@HOST/DATABASE`; a file by default
    #[arg(long, value_name = "URL")]
    db: Option<String>,
    /// Processes that send together, with --db
    #[arg(long, default_value_t = 1)]
    workers: u32,
    /// Count the syncs, with `strace`
    #[arg(long)]
    syncs: bool,
    /// Kill it with SIGKILL after this many messages, and resume
    #[arg(long, value_name = "MESSAGES")]
    kill_at: Option<u64>,
    /// The binary to measure
    #[arg(long, default_value = "target/release/campaigner")]
    campaigner: PathBuf,
}

impl Args {
    /// Returns the store: a file in the folder, or a schema of its own.
    fn store(&self) -> String {
        let schema = |url: &String| format!("{url}?schema=load_{}", std::process::id());
        self.db.as_ref().map_or_else(|| "campaigner.db".to_owned(), schema)
    }

    fn binary(&self) -> PathBuf {
        self.campaigner.canonicalize().expect("build the binary first: cargo build --release")
    }
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
            Some((rate, cpu)) => println!(
                "oha                  {rate:>10.0} messages/s; campaigner reaches {:.2} of that; {cpu:.1} µs of CPU each",
                ours / rate
            ),
            None => println!("oha                  not installed"),
        }
    });
    measuring.await.unwrap();
}

/// Runs a campaign and prints what it cost; returns messages per second.
fn run(args: &Args, folder: &Path, base: &str, sends: &AtomicU64) -> f64 {
    write_campaign(args, folder);
    if let Some(messages) = args.kill_at {
        let mut child = start(args, folder, base, &["run", "load.yaml"]);
        while sends.load(Ordering::Relaxed) < messages {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before it was killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let before = sends.load(Ordering::Relaxed);
    let whole = Instant::now();
    let mut child = start(args, folder, base, if args.kill_at.is_some() { &["resume"] } else { &["run", "load.yaml"] });
    let mut others: Vec<Child> = (1..args.workers).map(|_| start_worker(args, folder, base)).collect();
    // Under strace, campaigner is strace's child.
    let process = if args.syncs { child_of(child.id(), &args.binary()) } else { child.id() };
    let proc = PathBuf::from(format!("/proc/{process}"));
    let (mut first, mut last, mut peak, mut all_cpu, mut log_size) = (None, None, 0.0_f64, 0.0, 0);
    let mut resumed = None;
    while child.try_wait().unwrap().is_none() {
        let sent = sends.load(Ordering::Relaxed);
        if sent > before && resumed.is_none() {
            resumed = Some(whole.elapsed());
        }
        if let Some((cpu, memory)) = usage(&proc) {
            (all_cpu, peak) = (cpu, memory.max(peak));
            log_size = log_size.max(size(&folder.join("campaigner.db-wal")));
            // The first hundred are the cautious start.
            if sent >= before + 100 && first.is_none() {
                first = Some((Instant::now(), cpu, sent));
            }
            // After a kill, rows in doubt are not sent again, and the last second does not matter.
            if sent >= args.rows - args.kill_at.map_or(0, |_| 2000) && last.is_none() {
                last = Some((Instant::now(), cpu, sent));
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let whole = whole.elapsed().as_secs_f64();
    for other in &mut others {
        other.kill().unwrap();
        other.wait().unwrap();
    }
    print!("{}", std::fs::read_to_string(folder.join("log")).unwrap());
    let (first, last) = first.zip(last).expect("all messages are sent; problems are listed above");
    let (seconds, messages) = ((last.0 - first.0).as_secs_f64(), (last.2 - first.2) as f64);
    if let (Some(_), Some(resumed)) = (args.kill_at, resumed) {
        println!("first after resume   {:>10.0} ms", resumed.as_secs_f64() * 1e3);
    }
    println!("sending              {:>10.0} messages/s", messages / seconds);
    println!(
        "CPU while sending    {:>10.1} µs per message, {:.0}% of one core",
        (last.1 - first.1) / messages * 1e6,
        (last.1 - first.1) / seconds * 100.0
    );
    println!(
        "CPU over all stages  {:>10.1} µs per row, {whole:.1} s in total",
        all_cpu / (args.rows - before) as f64 * 1e6
    );
    println!("peak memory          {peak:>10.1} MiB");
    if args.db.is_none() {
        let store = size(&folder.join("campaigner.db")) as f64;
        println!(
            "the store            {:>10.0} bytes per row; its log had at most {:.1} MiB",
            store / args.rows as f64,
            log_size as f64 / 1_048_576.0
        );
    }
    if let Some(syncs) = args.syncs.then(|| syncs(folder)) {
        println!("syncs                {:>10.0} per second, {:.3} per message", syncs / seconds, syncs / messages);
    }
    messages / seconds
}

fn write_campaign(args: &Args, folder: &Path) {
    let mut list = std::io::BufWriter::new(std::fs::File::create(folder.join("list.csv")).unwrap());
    list.write_all(b"phone,first_name,city\n").unwrap();
    for row in 0..args.rows {
        writeln!(list, "852{},Ana,Hong Kong", 60_000_000 + row).unwrap();
    }
    list.flush().unwrap();
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
}

/// Starts campaigner, under `strace` if the syncs are counted.
fn start(args: &Args, folder: &Path, base: &str, command: &[&str]) -> Child {
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let binary = args.binary();
    let mut process = match args.syncs {
        true => {
            let mut strace = Command::new("strace");
            strace.args(["--seccomp-bpf", "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", "syncs"]).arg(binary);
            strace
        }
        false => Command::new(binary),
    };
    process
        .args(command)
        .args(["--no-wait", "--progress", "none", "-q"])
        .current_dir(folder)
        .env("INCS_BASE_URL", base)
        .env("INCS_CERTIFICATION_CODE", "any")
        .env("CAMPAIGNER_DB", args.store())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("campaigner can be started (--syncs needs strace)")
}

/// Starts a worker that joins the first process's run.
fn start_worker(args: &Args, folder: &Path, base: &str) -> Child {
    // It works on what is there.
    std::thread::sleep(Duration::from_secs(2));
    Command::new(args.binary())
        .args(["work", "-q"])
        .current_dir(folder)
        .env("INCS_BASE_URL", base)
        .env("INCS_CERTIFICATION_CODE", "any")
        .env("CAMPAIGNER_DB", args.store())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("campaigner can be started")
}

/// Returns the child of `strace` that is campaigner: strace first tries something out in others.
fn child_of(parent: u32, binary: &Path) -> u32 {
    let list = format!("/proc/{parent}/task/{parent}/children");
    loop {
        let children = std::fs::read_to_string(&list).unwrap_or_default();
        let is_ours = |child: &&str| std::fs::read_link(format!("/proc/{child}/exe")).is_ok_and(|exe| exe == binary);
        if let Some(child) = children.split_whitespace().find(is_ours) {
            return child.parse().unwrap();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the syncs that `strace` counted: the fourth column of its lines.
fn syncs(folder: &Path) -> f64 {
    let text = std::fs::read_to_string(folder.join("syncs")).unwrap();
    let lines = text.lines().filter(|line| line.ends_with("sync"));
    lines.filter_map(|line| line.split_whitespace().nth(3)?.parse::<f64>().ok()).sum()
}

/// Returns the size of a file in bytes; 0 if it does not exist.
fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}

/// Returns the CPU seconds used so far, and the peak memory in MiB.
fn usage(proc: &Path) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(proc.join("stat")).ok()?;
    // Fields 14 and 15 of the whole line: user and system time in ticks of 10 ms; the name before them may contain
    // spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string(proc.join("status")).ok()?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some((ticks / 100.0, memory.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0))
}

/// Returns oha's rate on the same provider and its cost per message in microseconds, if it is installed.
fn oha(args: &Args, base: &str) -> Option<(f64, f64)> {
    let body = r#"{"to":"85264000001","type":"template","template":{"name":"welcome_offer","components":[]}}"#;
    // As many as campaigner chooses: twice what the rate needs at this latency.
    let auto = (u64::from(args.rate) * args.latency / 500).clamp(64, 1024).to_string();
    let concurrency = if args.concurrency == "auto" { &auto } else { &args.concurrency };
    let rows = args.rows.to_string();
    let mut process = Command::new("oha");
    process.args(["-n", &rows, "-c", concurrency, "-m", "POST", "-T", "application/json", "-d", body]);
    if args.rate < UNLIMITED {
        process.args(["-q", &args.rate.to_string()]);
    }
    let address = format!("{base}/external/messages/whatsapp");
    let mut child = process.args(["--no-tui", &address]).stdout(Stdio::piped()).spawn().ok()?;
    let proc = PathBuf::from(format!("/proc/{}", child.id()));
    let mut cpu = 0.0;
    while child.try_wait().unwrap().is_none() {
        cpu = usage(&proc).map_or(cpu, |(cpu, _)| cpu);
        std::thread::sleep(Duration::from_millis(2));
    }
    let text = std::io::read_to_string(child.stdout.take()?).ok()?;
    let rate = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"))?.trim().parse().ok()?;
    Some((rate, cpu / args.rows as f64 * 1e6))
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
