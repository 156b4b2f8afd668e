//! The soak test: kills `campaigner` with SIGKILL at random moments, resumes it each time, and counts lost and doubled
//! messages.
//!
//! ```text
//! cargo build --release
//! cargo run --release --example soak -- --kills 1000 --rows 20000 --rate 2000 --in-flight 32
//! cargo run --release --example soak -- --provider meta --kills 60 --rows 10000
//! cargo run --release --example soak -- --provider meta --kills 0 --rows 4000 --dropped 0.02 --errors 0.01 --missing 0.05
//! cargo run --release --example soak -- --restores 100
//! cargo run --release --example soak -- --calm 100
//! cargo run --release --example soak -- --db postgres://postgres@127.0.0.1:5432/postgres --workers 3 --rate 600 \
//!     --kills 300 --stops 50 --cuts 50 --restarts 10 --restart-with 'pg_ctl -D DATA restart -m immediate'
//! ```
//!
//! With `--restores`, the store's files are moved, copied, restored or deleted after each kill, as people do. No one
//! may be messaged twice until the program has stopped with "this store …" and was started again with `--moved`. With
//! `--calm`, only things happen that must never stop a run. Both need the `sqlite3` tool.
//!
//! With `--provider meta`, a `serve --webhook` runs beside the runs and is killed now and then too. The provider calls it
//! back: signed, in any order, half of the statuses twice, and a call that was not taken comes again. At the end, only
//! messages that were never accepted may be uncertain, and those about which no webhook came.
//!
//! With `--db`, several workers send each list together, with their store on a PostgreSQL server (over TCP). They are killed,
//! stopped past their lease, and cut off from the database, and the database is killed.
//!
//! The provider runs in this process, with one thread per connection. Its count of sends decides, and shares no code
//! with the product. The seed determines the moments of the kills; what is in flight then depends on the machine. Exits
//! with 1 if a row was lost or doubled, a kill left more rows in doubt than were in flight, a webhook did not settle its
//! row, or a run's records are inconsistent.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::exit,
    reason = "it prints its findings, and may panic if a folder cannot be created"
)]

#[path = "../../tests/it/support/http.rs"]
#[allow(dead_code, reason = "shared with the integration tests, which use more of it")]
mod http;
mod meta;
#[path = "../../tests/it/support/scripted_provider/meta_wire.rs"]
#[allow(dead_code, reason = "shared with the integration tests, which use more of it")]
mod meta_wire;
mod provider;
mod restores;
mod service;
#[path = "../../tests/it/recovery/tcp_proxy.rs"]
mod tcp_proxy;
mod workers;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::Value;

use meta::{Faults, MetaProvider};
use provider::SendCounts;
use service::Service;

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
    /// The API that the provider speaks
    #[arg(long, value_enum, default_value_t = Wire::Incs, conflicts_with_all = ["restores", "calm"])]
    provider: Wire,
    /// Share of messages that Meta accepts, and whose answer it loses
    #[arg(long, default_value_t = 0.0)]
    dropped: f64,
    /// Share of messages that Meta does not accept, with an error that does not say so
    #[arg(long, default_value_t = 0.0)]
    errors: f64,
    /// Share of accepted messages about which Meta sends no webhook
    #[arg(long, default_value_t = 0.0)]
    missing: f64,
    /// A PostgreSQL database, `postgres://USER@HOST:PORT/DATABASE`: several workers send each list together
    #[arg(long, value_name = "URL", conflicts_with_all = ["restores", "calm", "provider"])]
    db: Option<String>,
    /// Number of workers, with --db
    #[arg(long, default_value_t = 3)]
    workers: u32,
    /// How often a worker is stopped for longer than its lease, with --db
    #[arg(long, default_value_t = 0)]
    stops: u32,
    /// How often a worker is cut off from the database, with --db: half of the cuts close its connections, in the
    /// others they go silent
    #[arg(long, default_value_t = 0)]
    cuts: u32,
    /// How often the database is killed and started again, with --db
    #[arg(long, default_value_t = 0, requires = "restart_with")]
    restarts: u32,
    /// The command that does it
    #[arg(long, value_name = "COMMAND")]
    restart_with: Option<String>,
    /// Seed for the moments of the kills and the faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The binary; by default the one built next to this example
    #[arg(long, value_name = "PATH")]
    campaigner: Option<PathBuf>,
}

/// Whose API the provider speaks.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Wire {
    Incs,
    Meta,
}

/// The provider of a list.
#[derive(Clone, Copy)]
enum Provider<'a> {
    Incs(&'a str, &'a SendCounts),
    Meta(&'a MetaProvider),
}

/// The longest a process lives before its kill. Much less than a list takes, so that kills also hit the import and the
/// report, but mostly the sending.
const LONGEST_LIFE: Duration = Duration::from_millis(1_500);

/// The exit code of a command if another process works on the run.
const HELD: i32 = 5;

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
    /// Rows that were in doubt after a kill.
    in_doubt: u64,
    /// Answers that Meta lost, and errors that it gave.
    dropped: u64,
    errors: u64,
    /// Rows in doubt although Meta has the message and said so.
    unsettled: u64,
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
    if args.db.is_some() {
        return workers::soak(&args, &binary, &url, &counts, &interrupted);
    }
    let faults = Faults { dropped: args.dropped, errors: args.errors, missing: args.missing };
    let has_faults = args.dropped + args.errors + args.missing > 0.0;
    if has_faults && args.provider == Wire::Incs {
        println!("--dropped, --errors and --missing need --provider meta");
        return ExitCode::FAILURE;
    }
    let meta = (args.provider == Wire::Meta).then(|| MetaProvider::start(faults, args.seed));
    let provider = meta.as_ref().map_or(Provider::Incs(&url, &counts), Provider::Meta);
    let mut found = Found::default();
    let mut moments = fastrand::Rng::with_seed(args.seed);
    let begun = Instant::now();
    while (found.lists == 0 || found.kills < args.kills) && !interrupted.load(Ordering::Relaxed) {
        let folder = tempfile::tempdir().unwrap();
        let list = List {
            folder: folder.path(),
            binary: &binary,
            provider,
            number: found.lists,
            db: "store.db".to_owned(),
            args: &args,
        };
        list.soak(&mut found, &mut moments, &interrupted);
        println!("{}", found.line(begun.elapsed()));
    }
    println!("\nseed {}, {} rows per list, {}/s, {} in flight", args.seed, args.rows, args.rate, args.in_flight);
    found.wrong.iter().for_each(|wrong| println!("  WRONG: {wrong}"));
    // With faults, rows are in doubt without a kill.
    let few = found.most_a_kill <= args.in_flight || has_faults;
    let good = found.lost + found.doubled + found.unsettled == 0 && few && found.wrong.is_empty();
    println!("{}", if good { "nothing was lost or doubled" } else { "THE GUARANTEE WAS BROKEN" });
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Found {
    fn line(&self, time: Duration) -> String {
        let Self { messages, lists, kills, lost, doubled, uncertain, most_a_kill, wrong, .. } = self;
        let verify = if wrong.is_empty() { "consistent" } else { "INCONSISTENT" };
        format!(
            "{} s: {lists} lists, {messages} messages, {kills} kills, {lost} lost, {doubled} doubled, {uncertain} \
             uncertain{} (in doubt: at most {most_a_kill} per kill, {} in all), records {verify}{}",
            time.as_secs(),
            if self.unsettled > 0 { format!(", {} of them NOT SETTLED", self.unsettled) } else { String::new() },
            self.in_doubt,
            if self.dropped + self.errors > 0 {
                format!("; {} answers lost, {} errors", self.dropped, self.errors)
            } else {
                String::new()
            },
        )
    }
}

/// One list, in its own folder and store.
struct List<'a> {
    folder: &'a Path,
    binary: &'a Path,
    provider: Provider<'a>,
    number: u32,
    db: String,
    args: &'a Args,
}

impl List<'_> {
    /// Runs the list to its end, killing as long as kills are left, and checks its records.
    fn soak(&self, found: &mut Found, moments: &mut fastrand::Rng, interrupted: &AtomicBool) {
        found.lists += 1;
        self.write();
        let mut service = match self.provider {
            Provider::Incs(..) => None,
            Provider::Meta(meta) => Some(Service::start(self.folder, self.binary, meta)),
        };
        let (mut uncertain, mut ended, kills) = (0, None, found.kills);
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
                let more = u64::saturating_sub(in_doubt, uncertain);
                found.most_a_kill = found.most_a_kill.max(more);
                found.in_doubt += more;
                uncertain = in_doubt;
                if let Some(service) = service.as_mut().filter(|_| moments.u8(..4) == 0) {
                    service.kill();
                }
            } else if ended == Some(Some(HELD)) && service.is_some() {
                // The service is finishing the run.
                ended = None;
            }
        }
        if let (Provider::Meta(meta), Some(service)) = (self.provider, service) {
            let kills = u64::from(found.kills - kills);
            self.finish_meta(found, ended.flatten(), kills, meta, service);
            return;
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
        if let Provider::Incs(_, counts) = self.provider {
            self.check(found, uncertain, counts, ended.is_some());
        }
    }

    /// Waits for the last webhooks, and compares the report with Meta's record. `ended` is the exit code of `run`, if it
    /// came to its end.
    fn finish_meta(
        &self,
        found: &mut Found,
        ended: Option<i32>,
        kills: u64,
        meta: &MetaProvider,
        service: Service<'_>,
    ) {
        let is_over = || !self.status()["finished_at"].is_null();
        // If the last kill came when the service had finished the run, the next start says that there is nothing to do.
        let is_right = matches!(ended, Some(0 | 3)) || (ended == Some(2) && is_over());
        let is_finished = is_right && service.finish(is_over);
        let record = meta.take_record();
        found.messages += record.accepted.len() as u64;
        found.doubled += record.doubled();
        (found.dropped, found.errors) = (found.dropped + record.dropped, found.errors + record.errors);
        if ended.is_none() {
            return;
        }
        let judged = service::judge(&self.ask(&["report"]).1, &record, found);
        found.uncertain += judged.never_accepted + judged.unreported;
        let verified = self.ask(&["verify"]).0 == Some(0);
        let double_sends = self.status()["double_sends"].as_u64();
        // A request in flight at a kill may have left or not.
        let explained = record.errors + kills * self.args.in_flight;
        let is_explained = judged.never_accepted <= explained;
        if !is_finished || !verified || double_sends != Some(0) || judged.lines != self.args.rows || !is_explained {
            let what = format!(
                "`run` ended with {ended:?}, finished: {is_finished}, {} lines, verified: {verified}, double sends: \
                 {double_sends:?}, {} never accepted of {explained} explained",
                judged.lines, judged.never_accepted
            );
            found.wrong.push(format!("list {}: {what}", self.number));
        }
        println!(
            "list {}: {} webhook calls; uncertain: {} never accepted, {} without a webhook",
            self.number, record.calls, judged.never_accepted, judged.unreported
        );
    }

    fn write(&self) {
        let mut csv = String::from("phone,first_name\n");
        (1..=self.args.rows).for_each(|row| writeln!(csv, "{},Name{row}", FIRST_NUMBER + row).unwrap());
        std::fs::write(self.folder.join("list.csv"), csv).unwrap();
        let (provider, channel, horizon) = match self.provider {
            Provider::Incs(..) => ("incs", "viber", "1m"),
            // Rows without a webhook are waited for.
            Provider::Meta(_) => ("meta", "whatsapp", if self.args.missing > 0.0 { "20s" } else { "10m" }),
        };
        let campaign = format!(
            "name: job\nprovider: {provider}\nchannel: {channel}\nrecipients: {{csv: list.csv, to: phone}}\n\
             message: {{type: text, text: \"Hello {{{{ first_name }}}}\"}}\n\
             dispatch: {{rate: {}/s, concurrency: {}}}\nreconcile: {{after: 200ms, every: 500ms, for: {horizon}}}\n",
            self.args.rate, self.args.in_flight
        );
        std::fs::write(self.folder.join("job.yaml"), campaign).unwrap();
    }

    fn start(&self, args: &[&str]) -> Child {
        self.start_on(&self.db, Stdio::null(), args)
    }

    fn start_on(&self, db: &str, log: Stdio, args: &[&str]) -> Child {
        let mut command = Command::new(self.binary);
        command.args(args).args(["--db", db]).current_dir(self.folder);
        match self.provider {
            Provider::Incs(url, _) => command.env("INCS_BASE_URL", url).env("INCS_CERTIFICATION_CODE", "soak"),
            Provider::Meta(meta) => command.envs(meta_wire::variables(&meta.url)),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap()
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
