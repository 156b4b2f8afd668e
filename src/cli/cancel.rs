//! `campaigner cancel RUN`: no further sends.

use super::exit::{Exit, Failure};
use super::{Global, run_id, screen, session};
use crate::engine;
use crate::model::{Millis, RunId, State};
use crate::store::{Stage, Store, StoreError};

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
    let mut writer = store.writer().await?;
    writer.cancel(run.key, Millis::now()).await?;
    match store.lock(&run.id) {
        Ok(_lock) => {
            // After a crash nobody may have gone on with the run yet: then those in doubt are not marked as such.
            engine::close_open_intents(&store, &run, &session::thaw(&run)?, &mut writer).await?;
            writer.cancel_waiting(run.key).await?;
            writer.reach(run.key, Stage::Dispatched, Millis::now()).await?;
            if store.next_poll(run.key, Millis(i64::MIN)).await?.is_none() {
                writer.reach(run.key, Stage::Finished, Millis::now()).await?;
            }
        }
        Err(StoreError::Held(_)) => {
            if !global.quiet {
                screen::say(&format!(
                    "{} is being sent by another process, which stops within a second or two",
                    run.id
                ));
            }
        }
        Err(error) => return Err(error.into()),
    }
    writer.close().await?;
    let run = store.run(Some(&run.id)).await?;
    let tally = store.tally(&run).await?;
    if !global.quiet {
        let left = screen::count(tally.of(State::Cancelled), "row");
        screen::say(&format!("{} is cancelled: {left} will not be sent", run.id));
    }
    Ok(Exit::Done)
}
