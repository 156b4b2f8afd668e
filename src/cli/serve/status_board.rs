//! The state of the service as HTTP shows it. The service bases no decision on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{Millis, Tally};

/// The state of the service, shared by the loop and HTTP.
#[derive(Debug, Default)]
pub(super) struct StatusBoard(Mutex<ServiceStatus>);

/// The state of the service at its last check.
#[derive(Debug, Default)]
pub(super) struct ServiceStatus {
    /// When the loop last checked everything.
    checked_at: Option<Instant>,
    /// Campaigns with a schedule, by name.
    pub(super) campaigns: BTreeMap<String, CampaignStatus>,
    /// Files that are not valid campaigns, with their problems.
    pub(super) wrong: BTreeMap<String, String>,
    /// Runs that the service is working on, or was until they stopped.
    pub(super) runs: BTreeMap<String, RunStatus>,
    /// Accounts with their rate limits, in requests per second.
    pub(super) rates: Vec<(String, f64)>,
}

/// A campaign with a schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct CampaignStatus {
    pub(super) file: String,
    pub(super) rule: String,
    /// When it is due next.
    pub(super) next: Option<Millis>,
    /// Why the due occurrence cannot start.
    pub(super) trouble: Option<String>,
}

/// The state of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct RunStatus {
    pub(super) tally: Tally,
    /// What the service is doing with it, if anything.
    pub(super) work: Option<&'static str>,
    /// Why it stopped, if a person must act.
    pub(super) halted: Option<String>,
}

/// A loop that has not finished a check for this long is stuck.
const STUCK: Duration = Duration::from_secs(60);

impl StatusBoard {
    pub(super) fn status(&self) -> MutexGuard<'_, ServiceStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the loop has checked everything.
    pub(super) fn set_checked(&self) {
        self.status().checked_at = Some(Instant::now());
    }

    /// Returns whether the loop checks regularly.
    pub(super) fn is_healthy(&self) -> bool {
        self.status().checked_at.is_some_and(|at| at.elapsed() < STUCK)
    }

    /// Changes the state of a run.
    pub(super) fn of_run(&self, run: &str, change: impl FnOnce(&mut RunStatus)) {
        change(self.status().runs.entry(run.to_owned()).or_default());
    }
}
