//! Several workers on one store on a PostgreSQL server: killed, stopped past their lease, cut off from the database,
//! and the database itself killed.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::provider::SendCounts;
use crate::tcp_proxy::TcpProxy;
use crate::{Args, Found, HELD, List, Provider};

/// How long a worker is stopped: longer than its lease, so that others take it for dead.
const STOPPED: Duration = Duration::from_secs(13);
/// The longest that a worker is cut off from the database. Some cuts are shorter than its lease, some longer. Half of
/// them end its connections; in the others, the connections go silent, and what was sent arrives later.
const LONGEST_CUT: f64 = 16.0;
/// The longest time between two faults.
const LONGEST_PEACE: Duration = Duration::from_secs(3);
/// How often workers of a list are started again that could not reach the database when they began.
const MOST_STARTS: u32 = 50;
/// How long the workers may take to end after the last fault.
const LONGEST_END: Duration = Duration::from_secs(300);

/// What is done to workers, and how often.
#[derive(Clone, Copy, Default)]
struct Faults {
    kills: u32,
    stops: u32,
    cuts: u32,
    restarts: u32,
}

impl Faults {
    fn left(&self) -> u32 {
        self.kills + self.stops + self.cuts + self.restarts
    }
}

/// A worker with its own way to the database.
struct Worker {
    child: Child,
    way: TcpProxy,
    /// Its output goes to this file.
    log: String,
    /// Until when it is stopped.
    stopped_until: Option<Instant>,
}

/// Soaks lists until all faults were made. Exits with 1 if the guarantee was broken.
pub(crate) fn soak(args: &Args, binary: &Path, url: &str, counts: &SendCounts, interrupted: &AtomicBool) -> ExitCode {
    let database = args.db.as_deref().unwrap_or_default();
    let restarts = if args.restart_with.is_some() { args.restarts } else { 0 };
    let mut left = Faults { kills: args.kills, stops: args.stops, cuts: args.cuts, restarts };
    let mut found = Found::default();
    let mut moments = fastrand::Rng::with_seed(args.seed);
    let begun = Instant::now();
    while (found.lists == 0 || left.left() > 0) && !interrupted.load(Ordering::Relaxed) {
        let folder = tempfile::tempdir().unwrap();
        let schema = format!("soak_{}_{}", std::process::id(), found.lists);
        let of_list = |address: &str| format!("{}?schema={schema}", at(database, address));
        let direct = of_list(&host(database));
        let provider = Provider::Incs(url, counts);
        let list = List { folder: folder.path(), binary, provider, number: found.lists, db: direct, args };
        run(&list, &of_list, &mut left, &mut found, &mut moments);
        println!(
            "{} ({} stops, {} cuts, {} restarts left)",
            found.line(begun.elapsed()),
            left.stops,
            left.cuts,
            left.restarts
        );
    }
    println!("\nseed {}, {} workers, {} rows per list, {}/s", args.seed, args.workers, args.rows, args.rate);
    found.wrong.iter().for_each(|wrong| println!("  WRONG: {wrong}"));
    // Only a kill leaves rows in doubt: a worker that was stopped or cut off records its answers later.
    let few = found.uncertain <= u64::from(found.kills) * args.in_flight;
    let good = found.lost + found.doubled == 0 && few && found.wrong.is_empty();
    println!("{}", if good { "nothing was lost or doubled" } else { "THE GUARANTEE WAS BROKEN" });
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(
    list: &List<'_>,
    of_list: &impl Fn(&str) -> String,
    left: &mut Faults,
    found: &mut Found,
    moments: &mut fastrand::Rng,
) {
    found.lists += 1;
    list.write();
    let target = host(list.args.db.as_deref().unwrap_or_default());
    let start = |way: &TcpProxy, log: &str| {
        let log = File::create(list.folder.join(log)).unwrap();
        list.start_on(&of_list(&way.address), log.into(), &["run", "job.yaml", "-q", "--progress", "none"])
    };
    let mut workers: Vec<Worker> = (0..list.args.workers)
        .map(|number| {
            let (way, log) = (TcpProxy::to(&target), format!("worker-{number}.log"));
            // The first one creates the run.
            std::thread::sleep(Duration::from_millis(700));
            Worker { child: start(&way, &log), way, log, stopped_until: None }
        })
        .collect();
    let mut next = Instant::now() + LONGEST_PEACE.mul_f64(moments.f64());
    let mut ending_since = None;
    let mut kills = 0;
    let mut starts_left = MOST_STARTS;
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let now = Instant::now();
        for worker in &mut workers {
            if worker.stopped_until.is_some_and(|until| until <= now) {
                signal(&worker.child, "CONT");
                worker.stopped_until = None;
            }
        }
        let mut ended = 0;
        for worker in &mut workers {
            let Some(status) = worker.child.try_wait().unwrap() else { continue };
            // The database was away before the worker had begun. A supervisor would start it again.
            if status.code() == Some(1) && starts_left > 0 {
                std::thread::sleep(Duration::from_secs(1));
                worker.child = start(&worker.way, &worker.log);
                starts_left -= 1;
            } else {
                ended += 1;
            }
        }
        if ended == workers.len() {
            break;
        }
        let is_ending = ended > 0 || left.left() == 0;
        if is_ending && *ending_since.get_or_insert(now) + LONGEST_END < now {
            found.wrong.push(format!("list {}: the workers do not end", list.number));
            break;
        }
        if is_ending || now < next {
            continue;
        }
        next = now + LONGEST_PEACE.mul_f64(moments.f64());
        let chosen = moments.usize(..workers.len());
        let awake = workers.iter().filter(|worker| worker.stopped_until.is_none()).count();
        let worker = &mut workers[chosen];
        if worker.stopped_until.is_some() {
            continue;
        }
        match moments.u32(..left.left()) {
            n if n < left.kills => {
                worker.child.kill().unwrap();
                worker.child.wait().unwrap();
                worker.child = start(&worker.way, &worker.log);
                (left.kills, kills) = (left.kills - 1, kills + 1);
            }
            n if n < left.kills + left.stops => {
                // One is always awake.
                if awake > 1 {
                    signal(&worker.child, "STOP");
                    worker.stopped_until = Some(now + STOPPED);
                    left.stops -= 1;
                }
            }
            n if n < left.kills + left.stops + left.cuts => {
                let length = Duration::from_secs_f64(LONGEST_CUT * moments.f64() * moments.f64());
                if moments.bool() {
                    worker.way.cut(length)
                } else {
                    worker.way.silence(length)
                }
                left.cuts -= 1;
            }
            _ => {
                let command = list.args.restart_with.as_deref().unwrap_or_default();
                let done = Command::new("sh").args(["-c", command]).status().unwrap();
                if !done.success() {
                    found.wrong.push(format!("`{command}` failed"));
                }
                left.restarts -= 1;
            }
        }
    }
    found.kills += kills;
    for worker in &mut workers {
        let code = worker.child.try_wait().unwrap().and_then(|status| status.code());
        // A worker that starts after the run is over reports that nothing is left to do.
        if !matches!(code, Some(0 | 2 | 3 | HELD)) {
            let log = std::fs::read_to_string(list.folder.join(&worker.log)).unwrap_or_default();
            found.wrong.push(format!("list {}: a worker ended with {code:?}: {}", list.number, log.trim()));
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
    let states = list.status()["states"].clone();
    let uncertain = states["uncertain"].as_u64().unwrap_or_default();
    found.uncertain += uncertain;
    found.in_doubt += uncertain;
    found.most_a_kill = found.most_a_kill.max(uncertain / u64::from(kills.max(1)));
    if let Provider::Incs(_, counts) = list.provider {
        list.check(found, uncertain, counts, true);
    }
}

fn signal(child: &Child, name: &str) {
    Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
}

/// Returns the host and port of a database URL.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or_default();
    rest.rsplit_once('@').map_or(rest, |(_, host)| host).to_owned()
}

/// Returns a database URL with another host and port, without parameters.
fn at(url: &str, address: &str) -> String {
    url.split('?').next().unwrap_or_default().replacen(&host(url), address, 1)
}
