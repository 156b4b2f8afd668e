//! `campaigner status [RUN]`: what is where.

use std::time::Duration;

use serde_json::json;

use super::exit::{Exit, Failure};
use super::{Global, cannot_print, run_id, screen, session, summary};
use crate::engine;
use crate::model::{Millis, RunId, State, Tally};
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
                    engine::stage(&run),
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
    let campaign = engine::thaw(run)?;
    print(&format!("{} · {} via {} · {}", run.id, campaign.channel, campaign.provider, engine::stage(run)))?;
    for line in summary::states(tally) {
        print(&line)?;
    }
    if let Some((rate, left)) = engine::speed(run, &campaign, tally) {
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

/// All of it, with the uncertain rows, which are personal data.
async fn whole(store: &Store, run: &Run, tally: &Tally) -> Result<serde_json::Value, Failure> {
    let mut whole = engine::status(store, run, tally).await?;
    let uncertain: Vec<_> = store
        .uncertain(run.key, UNCERTAIN)
        .await?
        .into_iter()
        .map(|row| {
            json!({
                "row": row.row.0, "to": row.phone.digits(), "code": row.code, "message": row.message,
                "tried_at": row.tried_at.map(|at| at.to_string()),
            })
        })
        .collect();
    whole["uncertain"] = uncertain.into();
    Ok(whole)
}
