//! `campaigner status [RUN]`: what is where.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::{console, summary, terminal};
use crate::cli::session;
use crate::cli::value_parsers::run_id;
use crate::engine;
use crate::model::{Millis, RunId, State, Tally};
use crate::progress::{self, RunView};
use crate::provider;
use crate::report;
use crate::store::{ProblemCount, Run, Store};
use crate::text;

/// What `status` takes.
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
const LISTED: u32 = 50;
/// Kinds of errors shown.
const ERRORS: u32 = 10;
/// Uncertain rows shown.
const UNCERTAIN: u32 = 20;
/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(2);
/// Between two looks there is so many times as long as a look takes.
const LEISURE: u32 = 10;
/// Kinds of errors beside the bars.
const SEEN: u32 = 3;

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    if args.all {
        for run in store.runs(LISTED).await? {
            let tally = store.tally(&run).await?;
            let line = if args.json {
                whole(&store, &run, &tally).await?.to_string()
            } else {
                format!(
                    "{:<24} {}  {:<12} {} rows, {} accepted",
                    run.id.to_string(),
                    run.created_at,
                    engine::stage(&run),
                    text::grouped(tally.rows()),
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
        console::data(&whole(&store, &run, &tally).await?).map_err(cannot_print)?;
    } else {
        show(&store, &run, &tally).await?;
    }
    Ok(Exit::Done)
}

/// Looks again and again until the run is finished, or nobody wants to know any more.
async fn watch(args: &Args, store: &Store, global: &Global) -> Result<Exit, CliError> {
    // On a terminal the bars are the data.
    let screen = (!args.json && terminal::shows_data()).then(|| session::progress(global));
    loop {
        let begun = Instant::now();
        let run = store.run(args.run.as_ref()).await?;
        let tally = store.tally(&run).await?;
        let finished = run.finished_at.is_some();
        let drawn = match &screen {
            Some(screen) if !finished => screen.show(run_view(store, &run, &tally).await?),
            _ => false,
        };
        if args.json {
            console::data(&whole(store, &run, &tally).await?).map_err(cannot_print)?;
        } else if finished {
            screen.iter().for_each(progress::Progress::finish);
            show(store, &run, &tally).await?;
        } else if !drawn {
            let states: Vec<String> =
                tally.iter().map(|(state, rows)| format!("{} {state}", text::grouped(rows))).collect();
            let line = format!("{} {} · {}: {}", Millis::now(), run.id, engine::stage(&run), states.join(", "));
            console::line(&line).map_err(cannot_print)?;
        }
        if finished {
            return Ok(Exit::Done);
        }
        // Looking at a large run takes its time, which is the run's.
        let pause = EVERY.max(begun.elapsed() * LEISURE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = tokio::signal::ctrl_c() => {
                screen.iter().for_each(progress::Progress::finish);
                return Ok(Exit::Done);
            }
        }
    }
}

/// What `--watch` shows of a run in progress.
async fn run_view(store: &Store, run: &Run, tally: &Tally) -> Result<RunView, CliError> {
    let campaign = engine::thaw(run)?;
    let waiting = engine::waiting(store, run, tally).await?;
    let problems = store.problems(run, SEEN).await?;
    Ok(RunView {
        title: format!("{} · {} via {} · {}", run.id, campaign.channel, campaign.provider, engine::stage(run)),
        tally: *tally,
        waiting: waiting.map(|waiting| summary::waiting(&waiting)),
        problems: problems
            .into_iter()
            .map(|problem| (problem.code, problem.rows, problem.sample.to_string()))
            .collect(),
    })
}

async fn show(store: &Store, run: &Run, tally: &Tally) -> Result<(), CliError> {
    let print = |line: &str| console::line(line).map_err(cannot_print);
    let campaign = engine::thaw(run)?;
    print(&format!("{} · {} via {} · {}", run.id, campaign.channel, campaign.provider, engine::stage(run)))?;
    for line in summary::states(tally) {
        print(&line)?;
    }
    if let Some(until) = engine::provider_pause(store, run).await? {
        print(&format!("  the provider asked to pause until {until}"))?;
    } else if let Some((average, left)) = engine::speed(run, &campaign, tally) {
        print(&match engine::rate_now(store, run).await?.filter(|now| *now > 0.0) {
            Some(now) => format!("  sending {}", progress::pace(tally, now, average)),
            None => {
                let left = text::duration(left);
                format!("  sending nothing in the last seconds; {average:.1}/s on average, about {left} left")
            }
        })?;
    }
    if let Some(waiting) = engine::waiting(store, run, tally).await? {
        print(&format!("  {}", summary::waiting(&waiting)))?;
    }
    for ProblemCount { code, rows, sample, .. } in store.problems(run, ERRORS).await? {
        print(&format!("    {:>9}  {code}: {sample}", text::grouped(rows)))?;
        if let Some(advice) = provider::advice(&code) {
            print(&format!("               what to do: {advice}"))?;
        }
    }
    if let Some(words) = report::contradicted(store.contradicted(run).await?) {
        print(&format!("  {words}"))?;
    }
    let replies = store.replies_counted(run).await?;
    if replies.total > 0 {
        print(&format!("  replies from {}", text::count(replies.rows, "row")))?;
        for choice in replies.choices.iter().take(ERRORS as usize) {
            print(&format!("    {:>9}  {}", text::grouped(choice.replies), choice.name()))?;
        }
    }
    let uncertain = store.uncertain(run.key, UNCERTAIN).await?;
    if !uncertain.is_empty() {
        print("  uncertain: may or may not have been accepted")?;
    }
    for row in &uncertain {
        let tried = row.last_attempt_at.map_or_else(String::new, |at| format!(", tried at {at}"));
        let (row, phone, code, message) = (row.row.0, row.phone.digits(), &row.code, &row.message);
        print(&format!("    row {row:<5} {phone:<15} {code}: {message}{tried}"))?;
    }
    let more = tally.of(State::Uncertain).saturating_sub(uncertain.len() as u64);
    if more > 0 {
        print(&format!("    … and {} in the report", text::count(more, "more row")))?;
    }
    Ok(())
}

/// All of it, with the uncertain rows, which are personal data.
async fn whole(store: &Store, run: &Run, tally: &Tally) -> Result<serde_json::Value, CliError> {
    let mut whole = engine::status(store, run, tally).await?;
    let uncertain: Vec<_> = store
        .uncertain(run.key, UNCERTAIN)
        .await?
        .into_iter()
        .map(|row| {
            json!({
                "row": row.row.0, "to": row.phone.digits(), "code": row.code, "message": row.message,
                "tried_at": row.last_attempt_at.map(|at| at.to_string()),
            })
        })
        .collect();
    whole["uncertain"] = uncertain.into();
    Ok(whole)
}
