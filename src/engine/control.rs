//! Pause, rate and cancel requests from any process. They are saved in the store, and the process working on the run
//! follows them.

use std::time::Duration;

use crate::engine::error::EngineError;
use crate::engine::job::Job;
use crate::engine::job::thaw;
use crate::engine::recovery::take_over;
use crate::engine::stop::Reason;
use crate::model::{Event, Millis, Notice};
use crate::store::{Orders, Run, Stage, Store, StoreError};

/// How often a job checks for requests.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Follows the requests that exist at the start.
pub(super) fn begin(job: &Job, sends: bool) {
    if job.run.cancelled_at.is_some() {
        job.stop.stop(Reason::Cancelled);
    }
    if job.run.paused_at.is_some() && sends {
        pause(job, true);
    }
}

/// Checks for requests and follows them. Returns only if the store's file is no longer where it was opened.
pub(super) async fn follow(job: &Job) -> EngineError {
    // The job starts with its own rate: the campaign's, or the one on the command line.
    let mut rate = job.run.rate;
    loop {
        if let Err(error) = job.store.is_in_place() {
            return error.into();
        }
        // Another process may have received a pause for the account.
        if let Err(error) = job.keep_pause().await {
            tracing::warn!(%error, "reading the account's pause failed");
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
                    tracing::info!(run = %job.run.id, requests = new.0, per = ?new.1, "rate changed");
                }
            }
            // The stages meet the same error and report it.
            Err(error) => tracing::warn!(%error, "reading control changes failed"),
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

fn pause(job: &Job, paused: bool) {
    if !job.stop.pause(paused) {
        return;
    }
    let id = &job.run.id;
    tracing::info!(run = %id, paused, "pause changed");
    let notice = if paused { Notice::Paused } else { Notice::Resumed };
    (job.events)(Event::Notice(notice(id.clone())));
}

/// How a cancelled run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelResult {
    /// No process was working on the run; it has stopped.
    Stopped,
    /// The process working on the run stops it within two seconds.
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
    // After a crash the run may not have been resumed yet; then its rows in doubt are not marked as uncertain.
    let (owner, _) = take_over(store, run, &thaw(run)?, None).await?;
    store.cancel_waiting(owner).await?;
    store.reach(run.key, Stage::Dispatched, Millis::now()).await?;
    if store.next_poll(run.key, Millis(i64::MIN)).await?.is_none() {
        store.reach(run.key, Stage::Finished, Millis::now()).await?;
    }
    Ok(CancelResult::Stopped)
}
