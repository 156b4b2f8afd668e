//! Sends rows of a run that another process owns; both share a store on a server. The owner imports, collects statuses,
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

/// How often a worker that has nothing to send checks for rows.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whether processes other than the owner may send rows of a run: not with a daily quota, which one process counts.
///
/// # Errors
/// When the stored campaign cannot be read.
pub fn can_join(run: &Run) -> Result<bool, StoreError> {
    let is_being_sent = run.dispatched_at.is_none() && run.cancelled_at.is_none();
    Ok(is_being_sent && thaw(run)?.timing.quota.is_none())
}

/// Sends rows of a run until all are sent or the job is stopped. Returns once this worker has no request in flight.
///
/// # Errors
/// When the store fails, a row cannot be rendered, or the others considered this process dead. Rows whose outcome could
/// not be recorded then become `uncertain`.
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
        // The worker is removed later, with the process's entry.
        tracing::warn!(%error, "removing the worker failed");
    }
    sent
}

/// Sends due rows as long as any may remain.
async fn send(job: &Arc<Job>, eligibility: &Arc<Eligibility>, owner: Owner) -> Result<(), EngineError> {
    while !job.stop.ends_sending() {
        let run = job.store.run(Some(&job.run.id)).await?;
        if run.dispatched_at.is_some() || run.cancelled_at.is_some() {
            break;
        }
        // One worker is enough to find out whether the provider accepts the messages.
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
