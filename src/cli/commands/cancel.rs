//! `campaigner cancel RUN`: stops sending for good.

use crate::cli::confirm::Confirm;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::cli::who;
use crate::engine::{self, CancelResult};
use crate::model::{RunId, State};
use crate::store::{Run, Store};
use crate::text;

/// The arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N
    #[arg(value_parser = run_id)]
    run: RunId,
    #[command(flatten)]
    confirm: Confirm,
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(Some(&args.run)).await?;
    if run.dispatched_at.is_some() {
        return Err(CliError::new(Exit::Wrong, format!("{} has nothing left to send", run.id)));
    }
    if run.cancelled_at.is_none() && !args.confirm.ask(&question(&store, &run, global).await?).unwrap_or(true) {
        return Err(CliError::new(Exit::Wrong, "nothing was cancelled"));
    }
    let result = engine::cancel(&store, &run, &who::user_name()).await?;
    store.close().await?;
    if global.quiet {
        return Ok(Exit::Done);
    }
    let id = &run.id;
    console::info(&match result {
        // How many rows stay unsent is known only after the other process has stopped.
        CancelResult::Soon => format!(
            "{id} is cancelled; the process that is sending it stops within about two seconds. \
             After that, `{} status {id}` shows how many rows were not sent",
            global.command()
        ),
        CancelResult::Stopped => {
            let tally = store.tally(&store.run(Some(id)).await?).await?;
            let (left, rows) = (tally.of(State::Cancelled), tally.rows());
            match rows {
                0 => format!("{id} is cancelled; it had no rows yet"),
                rows => format!(
                    "{id} is cancelled: {} of {} will not be sent",
                    text::grouped(left),
                    text::count(rows, "row")
                ),
            }
        }
    });
    Ok(Exit::Done)
}

/// Returns what to ask: how many rows would never be sent, and what to do instead.
async fn question(store: &Store, run: &Run, global: &Global) -> Result<String, CliError> {
    let tally = store.tally(run).await?;
    let left = tally.of(State::Pending);
    if tally.rows() == 0 {
        return Ok(format!("{} has no rows yet. If you cancel it, it cannot be continued.\nCancel it?", run.id));
    }
    Ok(format!(
        "if you cancel {0}, {1} of {2} will never be sent. This cannot be undone; to stop sending for a while, use \
         `{3} pause {0}`.\nCancel it?",
        run.id,
        text::grouped(left),
        text::count(tally.rows(), "row"),
        global.command()
    ))
}
