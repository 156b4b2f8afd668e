//! The soak test: kills `campaigner` with SIGKILL at random moments, resumes it each time, and counts lost and doubled
//! messages.
//!
//! ```text
//! cargo build --release
//! cargo run --release --example soak -- --kills 1000 --rows 20000 --rate 2000 --in-flight 32
//! cargo run --release --example soak -- --restores 100
//! cargo run --release --example soak -- --calm 100
//! ```
//!
//! With `--restores`, the store's files are moved, copied, restored or deleted after each kill, as people do. No one
//! may be messaged twice until the program has stopped with "this store …" and was started again with `--moved`. With
//! `--calm`, only things happen that must never stop a run. Both need the `sqlite3` tool.
//!
//! The provider runs in this process, with one thread per connection. Its count of sends decides, and shares no code
//! with the product. The seed determines the moments of the kills; what is in flight then depends on the machine. Exits
//! with 1 if a row was lost or doubled, a kill left more rows in doubt than were in flight, or a run's records are
//! inconsistent.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::exit,
    reason = "it prints its findings, and may panic if a folder cannot be created"
)]

#[path = "../../tests/it/support/http.rs"]
#[allow(dead_code, reason = "shared with the integration tests, which use more of it")]
mod http;
mod provider;
mod restores;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::Value;

use provider::SendCounts;

/// Kills campaigner at random moments and counts lost and doubled messages.
#[derive(Parser)]
struct Args {
    /// Number of kills; when a list is done, the next one starts
    #[arg(long, default_value_t = 25)]
    kills: u32,
    /// Rows per list
    #[arg(long, default_value_t = 20_000)]
    rows: u64,
    /// Messages per second
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// Maximum requests in flight
    #[arg(long, default_value_t = 32)]
    in_flight: u64,
    /// Rounds in which the store's files are moved, copied, restored or deleted, instead of kills alone
    #[arg(long, conflicts_with = "calm")]
    restores: Option<u32>,
    /// Rounds in which other programs read the store, instead of kills alone
    #[arg(long)]
    calm: Option<u32>,
    /// Seed for the moments of the kills
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The binary; by default the one built next to this example
    #[arg(long, value_name = "PATH")]
    campaigner: Option<PathBuf>,
}

/// The longest a process lives before its kill. Much less than a list takes, so that kills also hit the import and the
/// report, but mostly the sending.
const LONGEST_LIFE: Duration = Duration::from_millis(1_500);

/// The first number of each list: mobile numbers of Hong Kong.
const FIRST_NUMBER: u64 = 85_264_000_000;

/// The findings so far.
#[derive(Default)]
struct Found {
    messages: u64,
    lists: u32,
    kills: u32,
    lost: u64,
    doubled: u64,
    uncertain: u64,
    most_a_kill: u64,
    /// Runs whose states do not add up, whose records are inconsistent, or that ended in an unexpected way.
    wrong: Vec<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // target/release/examples/soak stands below target/release/campaigner.
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("campaigner"));
    let binary = args.campaigner.clone().or_else(beside).unwrap_or_default();
    if !binary.is_file() {
        println!("{} does not exist; build it with cargo build --release", binary.display());
        return ExitCode::FAILURE;
    }
    let binary = binary.canonicalize().unwrap();
    let counts = SendCounts::default();
    let url = provider::serve(counts.clone());
    let interrupted = Arc::new(AtomicBool::new(false));
    on_interrupt(interrupted.clone());
    if let Some(rounds) = args.restores.or(args.calm) {
        return restores::soak(rounds, args.calm.is_some(), args.seed, &binary, &url, &counts);
    }
    let mut found = Found::default();
    let mut moments = fastrand::Rng::with_seed(args.seed);
    let begun = Instant::now();
    while found.kills < args.kills && !interrupted.load(Ordering::Relaxed) {
        let folder = tempfile::tempdir().unwrap();
        let list = List { folder: folder.path(), binary: &binary, url: &url, number: found.lists, args: &args };
        list.soak(&mut found, &mut moments, &counts, &interrupted);
        println!("{}", found.line(begun.elapsed()));
    }
    println!("\nseed {}, {} rows per list, {}/s, {} in flight", args.seed, args.rows, args.rate, args.in_flight);
    found.wrong.iter().for_each(|wrong| println!("  WRONG: {wrong}"));
    let good = found.lost == 0 && found.doubled == 0 && found.most_a_kill <= args.in_flight && found.wrong.is_empty();
    println!("{}", if good { "nothing was lost or doubled" } else { "THE GUARANTEE WAS BROKEN" });
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Found {
    fn line(&self, time: Duration) -> String {
        let Self { messages, lists, kills, lost, doubled, uncertain, most_a_kill, wrong } = self;
        let verify = if wrong.is_empty() { "consistent" } else { "INCONSISTENT" };
        format!(
            "{} s: {lists} lists, {messages} messages, {kills} kills, {lost} lost, {doubled} doubled, {uncertain} \
             uncertain (at most {most_a_kill} per kill), records {verify}",
            time.as_secs()
        )
    }
}

/// One list, in its own folder and store.
struct List<'a> {
    folder: &'a Path,
    binary: &'a Path,
    url: &'a str,
    number: u32,
    args: &'a Args,
}

impl List<'_> {
    /// Runs the list to its end, killing as long as kills are left, and checks its records.
    fn soak(&self, found: &mut Found, moments: &mut fastrand::Rng, counts: &SendCounts, interrupted: &AtomicBool) {
        found.lists += 1;
        self.write();
        let (mut uncertain, mut ended) = (0, None);
        while ended.is_none() && !interrupted.load(Ordering::Relaxed) {
            let mut child = self.start(&["run", "job.yaml", "-q", "--progress", "none"]);
            let life = LONGEST_LIFE.mul_f64(moments.f64());
            let kill_at = (found.kills < self.args.kills).then(|| Instant::now() + life);
            ended = wait(&mut child, kill_at, interrupted);
            if ended.is_none() {
                child.kill().unwrap();
                child.wait().unwrap();
                found.kills += u32::from(!interrupted.load(Ordering::Relaxed));
                // The next start makes intents without an outcome uncertain, if it lives that long.
                let states = self.status()["states"].clone();
                let in_doubt = ["sending", "uncertain"].iter().filter_map(|state| states[*state].as_u64()).sum();
                found.most_a_kill = found.most_a_kill.max(u64::saturating_sub(in_doubt, uncertain));
                uncertain = in_doubt;
            }
        }
        found.uncertain += uncertain;
        // If the last kill came after the last report, the next start says that there is nothing left to do.
        let over = || !self.status()["finished_at"].is_null();
        if let Some(code) = ended
            && code != Some(if uncertain == 0 { 0 } else { 3 })
            && !(code == Some(2) && over())
        {
            found.wrong.push(format!("list {}: `run` ended with {code:?}, {uncertain} uncertain", self.number));
        }
        self.check(found, uncertain, counts, ended.is_some());
    }

    fn write(&self) {
        let mut csv = String::from("phone,first_name\n");
        (1..=self.args.rows).for_each(|row| writeln!(csv, "{},Name{row}", FIRST_NUMBER + row).unwrap());
        std::fs::write(self.folder.join("list.csv"), csv).unwrap();
        let campaign = format!(
            "name: job\nprovider: incs\nchannel: viber\nrecipients: {{csv: list.csv, to: phone}}\n\
             message: {{type: text, text: \"Hello {{{{ first_name }}}}\"}}\n\
             dispatch: {{rate: {}/s, concurrency: {}}}\nreconcile: {{after: 200ms, every: 500ms, for: 1m}}\n",
            self.args.rate, self.args.in_flight
        );
        std::fs::write(self.folder.join("job.yaml"), campaign).unwrap();
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(self.binary);
        command.args(args).args(["--db", "store.db"]).current_dir(self.folder);
        command.env("INCS_BASE_URL", self.url).env("INCS_CERTIFICATION_CODE", "soak");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a command to its end; returns its exit code and output.
    fn ask(&self, args: &[&str]) -> (Option<i32>, String) {
        let done = self.start(args).wait_with_output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.ask(&["status", "--json"]).1).unwrap_or_default()
    }

    /// Compares the report with the provider's count, row by row.
    fn check(&self, found: &mut Found, in_doubt: u64, counts: &SendCounts, to_the_end: bool) {
        let counts = std::mem::take(&mut *counts.lock().unwrap());
        found.messages += counts.len() as u64;
        found.doubled += counts.values().filter(|times| **times > 1).count() as u64;
        if !to_the_end {
            return;
        }
        let (mut uncertain, mut lines) = (0, 0);
        for line in csv::Reader::from_reader(self.ask(&["report"]).1.as_bytes()).records().map(Result::unwrap) {
            lines += 1;
            let seen = line[1].parse().is_ok_and(|number: u64| counts.contains_key(&number));
            match &line[3] {
                "uncertain" => uncertain += 1,
                "read" if seen => {}
                _ => found.lost += 1,
            }
        }
        let verified = self.ask(&["verify"]).0 == Some(0);
        if lines != self.args.rows || uncertain != in_doubt || !verified {
            let what = format!("{lines} lines, {uncertain} uncertain of {in_doubt} in doubt, verified: {verified}");
            found.wrong.push(format!("list {}: {what}", self.number));
        }
    }
}

/// Waits for a process to end; returns its exit code, or `None` if its time is up or someone pressed Ctrl-C.
fn wait(child: &mut Child, kill_at: Option<Instant>, interrupted: &AtomicBool) -> Option<Option<i32>> {
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code());
        }
        if interrupted.load(Ordering::Relaxed) || kill_at.is_some_and(|at| at <= Instant::now()) {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Records a Ctrl-C; the second one ends the program at once.
fn on_interrupt(interrupted: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tokio::signal::ctrl_c().await.unwrap();
            interrupted.store(true, Ordering::Relaxed);
            tokio::signal::ctrl_c().await.unwrap();
            std::process::exit(1);
        });
    });
}
