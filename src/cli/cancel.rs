//! `campaigner cancel RUN`: no further sends.

use super::exit::{Exit, Failure};
use super::{Global, run_id, screen};
use crate::engine::{self, Stops};
use crate::model::{RunId, State};
use crate::store::Store;

/// What `cancel` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run, NAME-N
    #[arg(value_parser = run_id)]
    run: RunId,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(Some(&args.run)).await?;
    if run.dispatched_at.is_some() {
        return Err(Failure::new(Exit::Wrong, format!("{} has nothing left to send", run.id)));
    }
    if engine::cancel(&store, &run).await? == Stops::Soon && !global.quiet {
        screen::say(&format!("{} is being sent by another process, which stops within a second or two", run.id));
    }
    let run = store.run(Some(&run.id)).await?;
    let tally = store.tally(&run).await?;
    if !global.quiet {
        let left = screen::count(tally.of(State::Cancelled), "row");
        screen::say(&format!("{} is cancelled: {left} will not be sent", run.id));
    }
    Ok(Exit::Done)
}
