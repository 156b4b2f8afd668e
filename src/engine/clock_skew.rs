//! What waits in a run for a time that lies ahead only because the clock was set back: its wait starts again from now.

use crate::engine::error::EngineError;
use crate::engine::job::Job;
use crate::model::{Event, Notice};
use crate::store::WaitKind;

/// Rows that wait for their next attempt.
pub(super) async fn attempts(job: &Job) -> Result<(), EngineError> {
    let corrected = job.store.correct_times(job.run.key, WaitKind::Attempts, job.clock.now()).await?;
    report(job, corrected);
    Ok(())
}

/// Messages that wait to be asked about.
pub(super) async fn polls(job: &Job) -> Result<(), EngineError> {
    let (run, now) = (job.run.key, job.clock.now());
    if job.store.has_polls_ahead(run, now).await? {
        report(job, job.store.correct_times(run, WaitKind::Polls, now).await?);
    }
    Ok(())
}

/// The same while messages are sent, which a look at millions of messages would hold up. Ends only where it fails.
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
