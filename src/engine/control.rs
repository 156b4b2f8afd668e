//! What people order of a run, from whichever process: noted for whoever works on it, and done by whoever does.

use std::time::Duration;

use crate::engine::error::EngineError;
use crate::engine::job::Job;
use crate::engine::recovery::take_up;
use crate::engine::status::thaw;
use crate::engine::stop::Reason;
use crate::model::{Event, Millis, Notice};
use crate::store::{Orders, Run, Stage, Store, StoreError};

/// How often a job looks for orders.
const LOOK: Duration = Duration::from_secs(1);

/// Follows what stands ordered already.
pub(super) fn begin(job: &Job, sends: bool) {
    if job.run.cancelled_at.is_some() {
        job.stop.stop(Reason::Cancelled);
    }
    if job.run.paused_at.is_some() && sends {
        pause(job, true);
    }
}

/// Looks for orders and follows them. Ends only if the store is no longer where it was opened.
pub(super) async fn follow(job: &Job) -> EngineError {
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
                pause(job, paused);
                if let Some(new) = ordered.filter(|_| ordered != rate) {
                    rate = ordered;
                    job.limiter.request(new);
                    tracing::info!(run = %job.run.id, requests = new.0, per = ?new.1, "another rate");
                }
            }
            // The stages meet the same trouble and report it.
            Err(error) => tracing::warn!(%error, "cannot look for orders"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn pause(job: &Job, paused: bool) {
    if !job.stop.pause(paused) {
        return;
    }
    let id = &job.run.id;
    tracing::info!(run = %id, paused, "pause");
    let notice = if paused { Notice::Paused } else { Notice::Resumed };
    (job.events)(Event::Notice(notice(id.clone())));
}

/// How a cancelled run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelResult {
    /// No process was working on it: it has stopped.
    Stopped,
    /// The process that works on it stops it within two seconds.
    Soon,
}

/// Cancels a run for the person `by`: nothing more is sent. If no process works on it, its rows are cancelled at once.
///
/// # Errors
/// When the store fails.
pub async fn cancel(store: &Store, run: &Run, by: &str) -> Result<CancelResult, EngineError> {
    store.cancel(run.key, by, Millis::now()).await?;
    let _lock = match store.lock(&run.id) {
        Ok(lock) => lock,
        Err(StoreError::Held(_)) => return Ok(CancelResult::Soon),
        Err(error) => return Err(error.into()),
    };
    // After a crash nobody may have gone on with the run yet: then those in doubt are not marked as such.
    let (owner, _) = take_up(store, run, &thaw(run)?, None).await?;
    store.cancel_waiting(owner).await?;
    store.reach(run.key, Stage::Dispatched, Millis::now()).await?;
    if store.next_poll(run.key, Millis(i64::MIN)).await?.is_none() {
        store.reach(run.key, Stage::Finished, Millis::now()).await?;
    }
    Ok(CancelResult::Stopped)
}
