//! `campaigner status [RUN]`: what is where.

use std::time::Duration;

use serde_json::json;

use super::exit::{Exit, Failure};
use super::{Global, cannot_print, run_id, screen, session, summary};
use crate::model::{Campaign, Millis, RunId, State, Tally};
use crate::provider;
use crate::store::{Run, Store};

/// What `status` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
    /// One line for each of the newest runs
    #[arg(long, conflicts_with = "run")]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Again every two seconds until the run is finished
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

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
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
                    stage(&run),
                    screen::grouped(tally.rows()),
                    screen::grouped(tally.accepted())
                )
            };
            screen::data(&line).map_err(cannot_print)?;
        }
        return Ok(Exit::Done);
    }
    loop {
        let run = store.run(args.run.as_ref()).await?;
        let tally = store.tally(&run).await?;
        if args.json {
            screen::data(&whole(&store, &run, &tally).await?.to_string()).map_err(cannot_print)?;
        } else {
            show(&store, &run, &tally).await?;
        }
        if !args.watch || run.finished_at.is_some() {
            return Ok(Exit::Done);
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        }
    }
}

async fn show(store: &Store, run: &Run, tally: &Tally) -> Result<(), Failure> {
    let print = |line: &str| screen::data(line).map_err(cannot_print);
    let campaign = session::thaw(run)?;
    print(&format!("{} · {} via {} · {}", run.id, campaign.channel, campaign.provider, stage(run)))?;
    for line in summary::states(tally) {
        print(&line)?;
    }
    if let Some((rate, left)) = speed(run, &campaign, tally) {
        print(&format!("  sending {rate:.1}/s, about {} left", session::plain_seconds(left)))?;
    }
    if let Some(waiting) = store.waiting(run.key, Millis::now()).await? {
        print(&format!("  {}", summary::waiting(&waiting)))?;
    }
    for (code, rows, sample) in store.problems(run, ERRORS).await? {
        print(&format!("    {:>9}  {code}: {sample}", screen::grouped(rows)))?;
        if let Some(advice) = provider::advice(&code) {
            print(&format!("               what to do: {advice}"))?;
        }
    }
    let uncertain = store.uncertain(run.key, UNCERTAIN).await?;
    if !uncertain.is_empty() {
        print("  uncertain: may or may not have been accepted")?;
    }
    for row in &uncertain {
        let tried = row.tried_at.map_or_else(String::new, |at| format!(", tried at {at}"));
        print(&format!("    row {:<5} {:<15} {}: {}{tried}", row.row.0, row.phone.digits(), row.code, row.message))?;
    }
    let more = tally.of(State::Uncertain).saturating_sub(uncertain.len() as u64);
    if more > 0 {
        print(&format!("    … and {} in the report", screen::count(more, "more row")))?;
    }
    Ok(())
}

async fn whole(store: &Store, run: &Run, tally: &Tally) -> Result<serde_json::Value, Failure> {
    let campaign = session::thaw(run)?;
    let states: serde_json::Map<String, serde_json::Value> =
        State::ALL.into_iter().map(|state| (state.to_string(), tally.of(state).into())).collect();
    let errors: Vec<_> = store
        .problems(run, ERRORS)
        .await?
        .into_iter()
        .map(|(code, rows, sample)| {
            json!({"code": code, "rows": rows, "sample": sample, "what_to_do": provider::advice(&code)})
        })
        .collect();
    let speed = speed(run, &campaign, tally);
    let time = |at: Option<Millis>| at.map(|at| at.to_string());
    let uncertain: Vec<_> = store
        .uncertain(run.key, UNCERTAIN)
        .await?
        .into_iter()
        .map(|row| {
            json!({
                "row": row.row.0, "to": row.phone.digits(), "code": row.code, "message": row.message,
                "tried_at": time(row.tried_at),
            })
        })
        .collect();
    let waiting = store.waiting(run.key, Millis::now()).await?.map(|waiting| {
        json!({"rows": waiting.rows, "first_at": waiting.first.to_string(), "last_at": waiting.last.to_string()})
    });
    Ok(json!({
        "run": run.id.to_string(), "campaign": run.id.name(), "provider": campaign.provider,
        "channel": campaign.channel.as_str(), "stage": stage(run),
        "created_at": run.created_at.to_string(), "started_at": time(run.started_at),
        "dispatched_at": time(run.dispatched_at), "finished_at": time(run.finished_at),
        "cancelled_at": time(run.cancelled_at),
        "rows": tally.rows(), "states": states, "polls": run.polls,
        "rate": speed.map(|(rate, _)| rate), "eta_seconds": speed.map(|(_, left)| left.as_secs()),
        "waiting": waiting, "errors": errors, "uncertain": uncertain,
    }))
}

fn stage(run: &Run) -> &'static str {
    match run {
        Run { planned_at: None, .. } => "importing",
        Run { cancelled_at: Some(_), .. } => "cancelled",
        Run { finished_at: Some(_), .. } => "finished",
        Run { dispatched_at: Some(_), .. } => "awaiting statuses",
        Run { started_at: Some(_), .. } => "sending",
        Run { .. } => "ready",
    }
}

/// Rows settled a second since dispatch began, and the time the rest takes at that speed; `None` when nothing is being
/// sent, or nothing was yet.
fn speed(run: &Run, campaign: &Campaign, tally: &Tally) -> Option<(f64, Duration)> {
    if run.dispatched_at.is_some() || run.cancelled_at.is_some() {
        return None;
    }
    let elapsed = Millis::now().since(run.started_at?).as_secs_f64();
    let most = f64::from(campaign.dispatch.rate.get()) / campaign.dispatch.per.as_secs_f64();
    let rate = (tally.settled() as f64 / elapsed.max(0.001)).min(most);
    let left = (tally.of(State::Pending) + tally.of(State::Sending)) as f64;
    (rate > 0.0).then(|| (rate, Duration::from_secs_f64((left / rate).min(1e9))))
}
