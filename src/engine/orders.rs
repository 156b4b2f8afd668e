//! What people order of a run, from whichever process: noted for whoever works on it, and done by whoever does.

use std::time::Duration;

use super::stop::Reason;
use super::{EngineError, Job, close_open_intents, thaw};
use crate::model::{Event, Millis};
use crate::store::{Orders, Run, Stage, Store, StoreError};

/// How often a job looks for orders.
const LOOK: Duration = Duration::from_secs(1);

/// Begins with what stands ordered already.
pub(super) fn begin(job: &Job, sends: bool) {
    if job.run.cancelled_at.is_some() {
        job.stop.stop(Reason::Cancelled);
    }
    if job.run.paused_at.is_some() && sends {
        hold(job, true);
    }
}

/// Polls for orders and follows them. Ends only if the store is no longer where it was opened.
pub(super) async fn obey(job: &Job) -> EngineError {
    // What the job was begun with is its own: the campaign's rate, or that of the command line for this time.
    let mut rate = job.run.rate;
    loop {
        if let Err(error) = job.store.is_in_place() {
            return error.into();
        }
        // Another process may have been asked for a pause of the account.
        if let Err(error) = job.keep_pause().await {
            tracing::warn!(%error, "cannot look for a pause of the account");
        }
        match job.store.orders(job.run.key).await {
            Ok(Orders { cancelled, paused, rate: ordered }) => {
                if cancelled {
                    job.stop.stop(Reason::Cancelled);
                }
                hold(job, paused);
                if let Some(new) = ordered.filter(|_| ordered != rate) {
                    rate = ordered;
                    job.pace.ask_for(new);
                    tracing::info!(run = %job.run.id, requests = new.0, per = ?new.1, "another rate");
                }
            }
            // The stages meet the same trouble and report it.
            Err(error) => tracing::warn!(%error, "cannot look for orders"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn hold(job: &Job, paused: bool) {
    if !job.stop.hold(paused) {
        return;
    }
    let id = &job.run.id;
    let words = match paused {
        true => format!("{id} is paused; it goes on after: campaigner resume {id}"),
        false => format!("{id} goes on"),
    };
    tracing::info!(run = %id, paused, "pause");
    (job.events)(Event::Said(words));
}

/// Who stops a run that was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// Nobody was at work on it: it has stopped.
    Stopped,
    /// Whoever is at work on it, within a second or two.
    Soon,
}

/// Cancels a run: no further sends. Where nobody is at work on it, its books are closed at once.
///
/// # Errors
/// Where the store fails.
pub async fn cancel(store: &Store, run: &Run) -> Result<Stops, EngineError> {
    let mut writer = store.writer().await?;
    writer.cancel(run.key, Millis::now()).await?;
    let stops = match store.lock(&run.id) {
        Ok(_lock) => {
            // After a crash nobody may have gone on with the run yet: then those in doubt are not marked as such.
            close_open_intents(store, run, &thaw(run)?, &mut writer).await?;
            writer.cancel_waiting(run.key).await?;
            writer.reach(run.key, Stage::Dispatched, Millis::now()).await?;
            if store.next_poll(run.key, Millis(i64::MIN)).await?.is_none() {
                writer.reach(run.key, Stage::Finished, Millis::now()).await?;
            }
            Stops::Stopped
        }
        Err(StoreError::Held(_)) => Stops::Soon,
        Err(error) => return Err(error.into()),
    };
    writer.close().await?;
    Ok(stops)
}
