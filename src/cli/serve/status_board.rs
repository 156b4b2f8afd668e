//! What the loop tells those who watch it over HTTP. Nobody decides anything by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{Millis, Tally};

/// The loop's last word on everything.
#[derive(Debug, Default)]
pub(super) struct StatusBoard(Mutex<ServiceStatus>);

/// What stands on it.
#[derive(Debug, Default)]
pub(super) struct ServiceStatus {
    /// When the loop last had a look at everything.
    looked: Option<Instant>,
    /// Campaigns with a schedule, by name.
    pub(super) campaigns: BTreeMap<String, CampaignStatus>,
    /// Files that are no right campaigns: what is wrong with each.
    pub(super) wrong: BTreeMap<String, String>,
    /// Runs that are worked on, and those that were until they stopped by themselves.
    pub(super) runs: BTreeMap<String, RunStatus>,
    /// Accounts, with the requests a second that they go at.
    pub(super) rates: Vec<(String, f64)>,
}

/// A campaign with a schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct CampaignStatus {
    pub(super) file: String,
    pub(super) rule: String,
    /// When it is due next.
    pub(super) next: Option<Millis>,
    /// Why what is due does not begin.
    pub(super) trouble: Option<String>,
}

/// A run.
#[derive(Clone, Debug, Default)]
pub(super) struct RunStatus {
    pub(super) tally: Tally,
    /// What is done with it now, if anything.
    pub(super) work: Option<&'static str>,
    /// Why it stopped, where a person has to do something.
    pub(super) halted: Option<String>,
}

/// A loop that did not look for so long is stuck.
const STUCK: Duration = Duration::from_secs(60);

impl StatusBoard {
    pub(super) fn words(&self) -> MutexGuard<'_, ServiceStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop has looked at everything.
    pub(super) fn looked(&self) {
        self.words().looked = Some(Instant::now());
    }

    /// Whether the loop looks regularly.
    pub(super) fn is_well(&self) -> bool {
        self.words().looked.is_some_and(|looked| looked.elapsed() < STUCK)
    }

    /// Changes what is told of a run.
    pub(super) fn of_run(&self, run: &str, change: impl FnOnce(&mut RunStatus)) {
        change(self.words().runs.entry(run.to_owned()).or_default());
    }
}
