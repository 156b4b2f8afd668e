//! How long a write is tried again that another process or a full disk holds up.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::job::Job;
use crate::model::{Event, Notice};
use crate::store::StoreError;

/// For how long it is tried again.
const LONGEST: Duration = Duration::from_secs(300);
/// For how long at least, however long ago the run was stopped: it holds outcomes that are known.
const LEAST: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_secs(1);
/// How often a person is told what holds it up.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Retries a write that is blocked; outcomes wait in memory meanwhile. A run that stops does not wait for longer than a
/// request may take.
pub(super) struct StoreRetry<'j> {
    job: &'j Job,
    begun: Instant,
    told: Option<Instant>,
}

impl<'j> StoreRetry<'j> {
    pub(super) fn new(job: &'j Job) -> Self {
        Self::since(job, Instant::now())
    }

    /// Continues the retries that began then.
    pub(super) fn since(job: &'j Job, begun: Instant) -> Self {
        Self { job, begun, told: None }
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// The failure itself, where waiting does not help or was long enough.
    pub(super) async fn bear(&mut self, error: StoreError) -> Result<(), StoreError> {
        let waited = self.begun.elapsed();
        let stopped_for = self.job.stop.ended_for();
        let timeout = self.job.campaign.dispatch.timeout;
        let is_over = waited >= LONGEST || waited >= LEAST && stopped_for.is_some_and(|stopped| stopped >= timeout);
        if is_over || !error.may_pass() {
            return Err(error);
        }
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            (self.job.events)(Event::Notice(Notice::StoreBlocked {
                error: error.to_string(),
                reason: error.reason().to_string(),
            }));
            self.told = Some(Instant::now());
        }
        tokio::time::sleep(BETWEEN).await;
        Ok(())
    }
}
