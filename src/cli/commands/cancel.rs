//! `campaigner cancel RUN`: no further sends.

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::cli::who;
use crate::engine::{self, CancelResult};
use crate::model::{RunId, State};
use crate::store::Store;
use crate::text;

/// What `cancel` takes.
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
    let stops = engine::cancel(&store, &run, &who::runs_this()).await?;
    store.close().await?;
    if global.quiet {
        return Ok(Exit::Done);
    }
    let id = &run.id;
    console::info(&match stops {
        // How many rows that leaves unsent is known when it has.
        CancelResult::Soon => format!(
            "{id} is cancelled: another process sends it, which stops within a second or two; `campaigner status {id}` tells \
             then how many rows were not sent"
        ),
        CancelResult::Stopped => {
            let left = store.tally(&store.run(Some(id)).await?).await?.of(State::Cancelled);
            format!("{id} is cancelled: {} will not be sent", text::count(left, "row"))
        }
    });
    Ok(Exit::Done)
}
