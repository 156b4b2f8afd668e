//! Waits that end in the future only because the clock was set back: they start again from now.

use crate::engine::error::EngineError;
use crate::engine::job::Job;
use crate::model::{Event, Notice};
use crate::store::WaitKind;

/// Corrects rows that wait for their next attempt.
pub(super) async fn attempts(job: &Job) -> Result<(), EngineError> {
    let corrected = job.store.correct_times(job.run.key, WaitKind::Attempts, job.clock.now()).await?;
    report(job, corrected);
    Ok(())
}

/// Corrects messages that wait for a status request.
pub(super) async fn polls(job: &Job) -> Result<(), EngineError> {
    let (run, now) = (job.run.key, job.clock.now());
    if job.store.has_polls_ahead(run, now).await? {
        report(job, job.store.correct_times(run, WaitKind::Polls, now).await?);
    }
    Ok(())
}

/// Does the same while messages are sent, since scanning millions of messages would delay them. Returns only on
/// failure.
pub(super) async fn polls_meanwhile(job: &Job, sends: bool) -> EngineError {
    match sends {
        true => match polls(job).await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        },
        false => std::future::pending().await,
    }
}

fn report(job: &Job, corrected: u64) {
    if corrected > 0 {
        (job.events)(Event::Notice(Notice::ClockSetBack { waits: corrected }));
    }
}
