//! `campaigner pause RUN` and `campaigner rate RUN RATE`: control a run from another process.

use std::time::Duration;

use crate::campaign_file;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::cli::who;
use crate::model::{Millis, Rate, RunId};
use crate::store::{Run, Store};
use crate::text;

/// The arguments of `pause`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PauseArgs {
    /// The run, NAME-N
    #[arg(value_parser = run_id)]
    run: RunId,
}

/// The arguments of `rate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RateArgs {
    /// The run, NAME-N
    #[arg(value_parser = run_id)]
    run: RunId,
    /// The new rate: 80/s or 1000/min
    #[arg(value_parser = rate)]
    rate: Rate,
}

fn rate(text: &str) -> Result<Rate, String> {
    campaign_file::parse_rate(text).map_err(|error| error.to_string())
}

/// While a rate counts per second or less, nobody notices the pause after it was lowered.
const A_SECOND: Duration = Duration::from_secs(1);

pub(in crate::cli) async fn pause(args: &PauseArgs, global: &Global) -> Result<Exit, CliError> {
    let (store, run) = unsent(&args.run, global).await?;
    store.pause(run.key, &who::user_name(), Millis::now()).await?;
    store.close().await?;
    if !global.quiet {
        console::info(&format!(
            "{0} is paused; a process that is sending it stops within about two seconds. \
             To continue: {1} resume {0}",
            run.id,
            global.command()
        ));
    }
    Ok(Exit::Done)
}

pub(in crate::cli) async fn change(args: &RateArgs, global: &Global) -> Result<Exit, CliError> {
    let (store, run) = unsent(&args.run, global).await?;
    store.set_rate(run.key, args.rate, &who::user_name(), Millis::now()).await?;
    let is_shared = store.can_be_joined();
    store.close().await?;
    if !global.quiet {
        let rate = text::rate(args.rate);
        // Earlier messages count: see `store::postgres::pace`.
        let pause = match args.rate.1 {
            per if is_shared && per > A_SECOND => {
                format!(". If it is lower than before, sending pauses once for {}", text::duration(per))
            }
            _ => String::new(),
        };
        console::info(&format!(
            "the rate of {} is now {rate}; it takes effect within about two seconds{pause}",
            run.id
        ));
    }
    Ok(Exit::Done)
}

/// Returns the run if it has rows left to send.
async fn unsent(id: &RunId, global: &Global) -> Result<(Store, Run), CliError> {
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(Some(id)).await?;
    // A cancelled run counts as done, even if the process that sends it has not noticed yet.
    if run.cancelled_at.is_some() {
        return Err(CliError::new(Exit::Wrong, format!("{} was cancelled, and sends nothing more", run.id)));
    }
    if run.dispatched_at.is_some() {
        return Err(CliError::new(Exit::Wrong, format!("{} has nothing left to send", run.id)));
    }
    Ok((store, run))
}
