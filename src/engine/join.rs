//! Sends rows of a run beside its owner, which is another process on the same server. The owner imports, collects statuses,
//! settles what dead workers left in flight, and ends the run.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::control;
use crate::engine::dispatch::{self, Eligibility, Role};
use crate::engine::error::EngineError;
use crate::engine::job::{Job, thaw};
use crate::engine::tasks::stop_on_error;
use crate::model::Millis;
use crate::store::{Owner, Run, StoreError};

/// How often a worker with nothing to send looks for rows.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whether there may be rows of a run for others than its owner. Not with a daily quota, which one process counts.
///
/// # Errors
/// When the stored campaign cannot be read.
pub fn can_join(run: &Run) -> Result<bool, StoreError> {
    let is_being_sent = run.dispatched_at.is_none() && run.cancelled_at.is_none();
    Ok(is_being_sent && thaw(run)?.timing.quota.is_none())
}

/// Sends rows of a run until all are sent or the job is stopped. Returns once nothing of this worker is in flight.
///
/// # Errors
/// When the store fails, a row cannot be rendered, or this process was taken for dead. Rows whose outcome could not be
/// recorded then become `uncertain`.
pub async fn join(job: Job) -> Result<(), EngineError> {
    let job = Arc::new(job);
    let eligibility = Arc::new(Eligibility::of(&job)?);
    if job.store.sends_through(job.run.key).await?.is_some_and(|account| account != job.account) {
        return Err(EngineError::OtherAccount(job.campaign.provider.clone()));
    }
    let owner = job.store.join(job.run.key, &job.lock, Millis::now()).await?;
    tracing::info!(run = %job.run.id, "joined the run");
    control::begin(&job, true);
    let sent = {
        let sends = send(&job, &eligibility, owner);
        tokio::pin!(sends);
        let failed = tokio::select! {
            done = &mut sends => Ok(done),
            failed = control::follow(&job, &eligibility, true) => Err(failed),
        };
        match failed {
            Ok(done) => done,
            Err(failed) => {
                // Requests in flight finish first.
                let failed = stop_on_error(&job.stop, Err(failed));
                sends.await.and(failed)
            }
        }
    };
    if let Err(error) = job.store.leave(owner).await {
        // It is removed with the process's line.
        tracing::warn!(%error, "removing the worker failed");
    }
    sent
}

/// Sends due rows as long as there may be some.
async fn send(job: &Arc<Job>, eligibility: &Arc<Eligibility>, owner: Owner) -> Result<(), EngineError> {
    while !job.stop.ends_sending() {
        let run = job.store.run(Some(&job.run.id)).await?;
        if run.dispatched_at.is_some() || run.cancelled_at.is_some() {
            break;
        }
        // The first messages show whether the provider accepts them: one worker is enough for that.
        if job.store.has_accepted(run.key).await? {
            dispatch::dispatch(job, eligibility, owner, Role::Joined).await?;
        }
        tokio::select! {
            () = job.stop.sending_ended() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    Ok(())
}
