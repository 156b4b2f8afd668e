//! Retries writes that another process or a full disk blocks.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::job::Job;
use crate::model::{Event, Notice};
use crate::store::StoreError;

/// How long a write is retried.
const MAX_RETRY_TIME: Duration = Duration::from_secs(300);
/// Minimum retry time, even if the run was stopped long ago: the write holds known outcomes.
const MIN_RETRY_TIME: Duration = Duration::from_secs(5);
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How often the blockage is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Retries a blocked write while outcomes wait in memory. A run that is stopping waits no longer than a request may
/// take.
pub(super) struct StoreRetry<'j> {
    job: &'j Job,
    started_at: Instant,
    reported_at: Option<Instant>,
}

/// Writes, and retries if that is blocked. Repeating the write must change nothing.
pub(super) async fn patiently<T>(job: &Job, write: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut retry = StoreRetry::new(job);
    loop {
        match write().await {
            Err(error) => retry.wait_or_fail(error).await?,
            done => return done,
        }
    }
}

impl<'j> StoreRetry<'j> {
    pub(super) fn new(job: &'j Job) -> Self {
        Self::since(job, Instant::now())
    }

    /// Continues retries that started at `started_at`.
    pub(super) fn since(job: &'j Job, started_at: Instant) -> Self {
        Self { job, started_at, reported_at: None }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The failure itself, when waiting does not help or took too long.
    pub(super) async fn wait_or_fail(&mut self, error: StoreError) -> Result<(), StoreError> {
        let waited = self.started_at.elapsed();
        let stopped_for = self.job.stop.ended_for();
        let timeout = self.job.campaign.dispatch.timeout;
        // A server is waited for as long as it takes.
        let is_over = waited >= MAX_RETRY_TIME && !error.is_away()
            || waited >= MIN_RETRY_TIME && stopped_for.is_some_and(|stopped| stopped >= timeout);
        if is_over || !error.may_pass() {
            return Err(error);
        }
        if self.reported_at.is_none_or(|reported_at| reported_at.elapsed() >= REPORT_INTERVAL) {
            (self.job.events)(Event::Notice(Notice::StoreBlocked {
                error: error.to_string(),
                reason: error.reason().to_string(),
            }));
            self.reported_at = Some(Instant::now());
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
        Ok(())
    }
}
