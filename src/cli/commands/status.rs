//! `campaigner status [RUN]`: shows the state of a run.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::{console, summary, terminal};
use crate::cli::session;
use crate::cli::value_parsers::run_id;
use crate::engine::{self, RunActivity};
use crate::model::{Millis, RunId, State, Tally};
use crate::progress::{self, RunView};
use crate::report;
use crate::store::{Run, Store};
use crate::text;

/// The arguments of `status`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
    /// Print one line for each of the newest runs
    #[arg(long, conflicts_with = "run")]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Repeat every two seconds until the run is finished: bars on a terminal, lines elsewhere
    #[arg(long)]
    watch: bool,
}

/// Runs listed by `--all`.
const MAX_RUNS: u32 = 50;
/// Kinds of errors shown.
const MAX_ERRORS: u32 = 10;
/// Uncertain rows shown.
const MAX_UNCERTAIN: u32 = 20;
/// How often `--watch` reads the store, at most.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);
/// `--watch` waits at least this many times as long as one read of the store took.
const WATCH_PAUSE_FACTOR: u32 = 10;
/// Kinds of errors shown with the bars.
const MAX_ERRORS_WITH_BARS: u32 = 3;

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    if args.all {
        for run in store.runs(MAX_RUNS).await? {
            let tally = store.tally(&run).await?;
            let line = if args.json {
                as_json(&store, &run, &tally).await?.to_string()
            } else {
                let activity = RunActivity::of(&store, &run, Millis::now()).await?;
                format!(
                    "{:<24} {}  {:<17} {}, {} accepted",
                    run.id.to_string(),
                    run.created_at,
                    activity.name(),
                    text::count(tally.rows(), "row"),
                    text::grouped(tally.accepted())
                )
            };
            console::line(&line).map_err(cannot_print)?;
        }
        return Ok(Exit::Done);
    }
    if args.watch {
        return watch(args, &store, global).await;
    }
    let run = store.run(args.run.as_ref()).await?;
    let tally = store.tally(&run).await?;
    if args.json {
        console::data(&as_json(&store, &run, &tally).await?).map_err(cannot_print)?;
    } else {
        show(&store, &run, &tally, global).await?;
    }
    Ok(Exit::Done)
}

/// Shows the state repeatedly until the run is finished, or until Ctrl-C.
async fn watch(args: &Args, store: &Store, global: &Global) -> Result<Exit, CliError> {
    // On a terminal the bars are the data.
    let screen = (!args.json && terminal::shows_data()).then(|| session::progress(global));
    loop {
        let started = Instant::now();
        let run = store.run(args.run.as_ref()).await?;
        let tally = store.tally(&run).await?;
        let finished = run.finished_at.is_some();
        let drawn = match &screen {
            Some(screen) if !finished => screen.show(run_view(store, &run, &tally).await?),
            _ => false,
        };
        if args.json {
            console::data(&as_json(store, &run, &tally).await?).map_err(cannot_print)?;
        } else if finished {
            screen.iter().for_each(progress::Progress::finish);
            show(store, &run, &tally, global).await?;
        } else if !drawn {
            let states: Vec<String> =
                tally.iter().map(|(state, rows)| format!("{} {state}", text::grouped(rows))).collect();
            let activity = RunActivity::of(store, &run, Millis::now()).await?;
            let line = format!("{} {} · {activity}: {}", Millis::now(), run.id, states.join(", "));
            console::line(&line).map_err(cannot_print)?;
        }
        if finished {
            return Ok(Exit::Done);
        }
        // Reading the state of a large run slows the run down, so a slow read is followed by a longer pause.
        let pause = WATCH_INTERVAL.max(started.elapsed() * WATCH_PAUSE_FACTOR);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = tokio::signal::ctrl_c() => {
                screen.iter().for_each(progress::Progress::finish);
                return Ok(Exit::Done);
            }
        }
    }
}

/// Returns what `--watch` shows of a run in progress.
async fn run_view(store: &Store, run: &Run, tally: &Tally) -> Result<RunView, CliError> {
    let campaign = engine::thaw(run)?;
    let waiting = engine::waiting(store, run, tally).await?;
    let activity = RunActivity::of(store, run, Millis::now()).await?;
    let problems = store.problems(run, MAX_ERRORS_WITH_BARS).await?;
    Ok(RunView {
        title: format!("{} · {} via {} · {activity}", run.id, campaign.channel, campaign.provider),
        tally: *tally,
        waiting: waiting.map(|waiting| summary::waiting(&waiting)),
        problems: problems
            .into_iter()
            .map(|problem| (problem.code, problem.rows, problem.sample.to_string()))
            .collect(),
    })
}

async fn show(store: &Store, run: &Run, tally: &Tally, global: &Global) -> Result<(), CliError> {
    let print = |line: &str| console::line(line).map_err(cannot_print);
    let campaign = engine::thaw(run)?;
    let waiting = engine::waiting(store, run, tally).await?;
    let activity = RunActivity::of(store, run, Millis::now()).await?;
    print(&format!("{} · {} via {} · {activity}", run.id, campaign.channel, campaign.provider))?;
    if let Some(details) = activity.details(&run.id, &global.command()) {
        print(&format!("  {details}"))?;
    }
    if let Some(at) = run.purged_at {
        let by =
            run.purged_by.as_deref().filter(|by| *by != "unknown").map_or_else(String::new, |by| format!(" by {by}"));
        print(&format!("  purged{by} at {at}: only the counts are left"))?;
    }
    let workers = store.workers().await?;
    let workers = workers.iter().filter(|worker| worker.run == run.id);
    let workers: Vec<_> = workers.map(|worker| format!("process {} on {}", worker.pid, worker.host)).collect();
    if !workers.is_empty() {
        print(&format!("  workers: {}", workers.join(", ")))?;
    }
    for line in summary::states(tally, &campaign, run.finished_at.is_some()) {
        print(&line)?;
    }
    if let Some(until) = engine::provider_pause(store, run).await? {
        print(&format!("  the provider asked for a pause until {until}"))?;
    } else if let (Some((average, left)), RunActivity::Sending) = (engine::speed(run, &campaign, tally), &activity) {
        print(&match engine::rate_now(store, run).await?.filter(|now| *now > 0.0) {
            Some(now) => format!("  sending {}", progress::pace(tally, now, average)),
            None => {
                let left = text::duration(left);
                format!("  nothing sent in the last few seconds; {average:.1}/s on average, about {left} left")
            }
        })?;
    }
    if let Some(waiting) = &waiting {
        print(&format!("  {}", summary::waiting(waiting)))?;
    }
    let problems = store.problems(run, MAX_ERRORS).await?;
    if !problems.is_empty() {
        print("  problems, with examples")?;
    }
    for line in summary::problem_lines(problems.iter(), campaign.api) {
        console::wrapped_line(&line).map_err(cannot_print)?;
    }
    if let Some(words) = report::contradicted(store.contradicted(run).await?) {
        print(&format!("  {words}"))?;
    }
    if let Some(words) = report::double_sends(store.double_sends(run).await?) {
        print(&format!("  {words}"))?;
    }
    let replies = store.replies_counted(run).await?;
    if replies.total > 0 {
        let people = if replies.rows == 1 { "person" } else { "people" };
        let opted_out = match replies.opted_out {
            0 => String::new(),
            1 => "; 1 person opted out".to_owned(),
            many => format!("; {} people opted out", text::grouped(many)),
        };
        print(&format!("  replies from {} {people}{opted_out}", text::grouped(replies.rows)))?;
        for count in replies.by_title.iter().take(MAX_ERRORS as usize) {
            let id = count.id_shown().map_or_else(String::new, |id| format!(" ({id})"));
            print(&format!("    {:>9}  {}{id}", text::grouped(count.replies), count.name()))?;
        }
    }
    let possible_opt_outs = store.count_possible_opt_outs().await?;
    if possible_opt_outs > 0 {
        let (count, command) = (text::count(possible_opt_outs, "possible opt-out"), global.command());
        print(&format!("  {count} to review (counted across all runs): {command} suppress review"))?;
    }
    let uncertain = store.uncertain(run.key, MAX_UNCERTAIN).await?;
    if !uncertain.is_empty() {
        print("  uncertain rows (the provider may have accepted them)")?;
    }
    for row in &uncertain {
        let tried = row.last_attempt_at.map_or_else(String::new, |at| format!(", last attempt at {at}"));
        let (row, phone, code, message) = (row.row.0, row.phone.digits(), &row.code, &row.message);
        print(&format!("    row {row:<5} {phone:<15} {code}: {message}{tried}"))?;
    }
    let more = tally.of(State::Uncertain).saturating_sub(uncertain.len() as u64);
    if more > 0 {
        print(&format!("    … and {} in the report", text::count(more, "more row")))?;
    }
    Ok(())
}

/// Returns the state as JSON, including the uncertain rows, which are personal data.
async fn as_json(store: &Store, run: &Run, tally: &Tally) -> Result<serde_json::Value, CliError> {
    let mut status = engine::status(store, run, tally).await?;
    let uncertain: Vec<_> = store
        .uncertain(run.key, MAX_UNCERTAIN)
        .await?
        .into_iter()
        .map(|row| {
            json!({
                "row": row.row.0, "to": row.phone.digits(), "code": row.code, "message": row.message,
                "tried_at": row.last_attempt_at.map(|at| at.to_string()),
            })
        })
        .collect();
    status["uncertain"] = uncertain.into();
    Ok(status)
}
