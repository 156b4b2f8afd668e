//! `campaigner cancel RUN`: stops sending for good.

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::cli::who;
use crate::engine::{self, CancelResult};
use crate::model::{RunId, State};
use crate::store::Store;
use crate::text;

/// The arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N
    #[arg(value_parser = run_id)]
    run: RunId,
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(Some(&args.run)).await?;
    if run.dispatched_at.is_some() {
        return Err(CliError::new(Exit::Wrong, format!("{} has nothing left to send", run.id)));
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
             After that, `campaigner status {id}` shows how many rows were not sent"
        ),
        CancelResult::Stopped => {
            let left = store.tally(&store.run(Some(id)).await?).await?.of(State::Cancelled);
            format!("{id} is cancelled: {} will not be sent", text::count(left, "row"))
        }
    });
    Ok(Exit::Done)
}
