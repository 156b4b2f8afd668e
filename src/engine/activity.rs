//! What is happening with a run: what the store records, and whether a process works on it.

use std::fmt;

use crate::engine::job::thaw;
use crate::model::{Millis, RunId};
use crate::send_window::day_of;
use crate::store::{Run, Store, StoreError};

/// What is happening with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunActivity {
    /// Its list is being imported.
    Importing,
    /// The import did not finish, and no process works on it.
    NotImported,
    /// It is imported, and nothing was sent yet.
    Ready,
    /// A process sends its rows.
    Sending,
    /// All rows that are left wait until this time.
    Waiting(Millis),
    /// A person paused it.
    Paused {
        /// Since when.
        at: Option<Millis>,
        /// Who did.
        by: Option<String>,
    },
    /// Rows are left, and no process works on it.
    Stopped {
        /// When; `None` if its process ended without recording it.
        at: Option<Millis>,
        /// Why.
        why: Option<String>,
    },
    /// All rows are sent, and statuses are awaited.
    AwaitingStatuses {
        /// Whether a process collects them.
        collected: bool,
    },
    /// Everything is known.
    Finished,
    /// A person cancelled it.
    Cancelled {
        /// When.
        at: Option<Millis>,
        /// Who did.
        by: Option<String>,
    },
}

impl RunActivity {
    /// Returns what is happening.
    ///
    /// # Errors
    /// When the store or its locks cannot be read.
    pub async fn of(store: &Store, run: &Run, now: Millis) -> Result<Self, StoreError> {
        if run.cancelled_at.is_some() {
            return Ok(Self::Cancelled { at: run.cancelled_at, by: run.cancelled_by.clone() });
        }
        if run.finished_at.is_some() {
            return Ok(Self::Finished);
        }
        let is_worked_on = store.is_worked_on(&run.id)?;
        let is_served = !is_worked_on && store.is_served()?;
        if run.dispatched_at.is_some() {
            return Ok(Self::AwaitingStatuses { collected: is_worked_on || is_served });
        }
        if run.planned_at.is_none() {
            return Ok(if is_worked_on { Self::Importing } else { Self::NotImported });
        }
        if run.paused_at.is_some() {
            return Ok(Self::Paused { at: run.paused_at, by: run.paused_by.clone() });
        }
        // The process that sends removes the reason of the last stop. Another one only collects statuses.
        let sends = is_worked_on && run.stopped_at.is_none();
        if (sends || is_served)
            && let Some(until) = waits_until(store, run, now).await?
        {
            // A service works on the run again then.
            return Ok(Self::Waiting(until));
        }
        Ok(match run {
            _ if sends => Self::Sending,
            Run { started_at: None, stopped_at: None, .. } => Self::Ready,
            _ => Self::Stopped { at: run.stopped_at, why: run.stopped_why.clone() },
        })
    }

    /// Returns its name, in one or two words.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Ready => "ready",
            Self::Sending => "sending",
            Self::Waiting(_) => "waiting",
            Self::Paused { .. } => "paused",
            Self::NotImported | Self::Stopped { .. } => "stopped",
            Self::AwaitingStatuses { .. } => "awaiting statuses",
            Self::Finished => "finished",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Returns more in words, and what to do; `None` if the name says it all. `command` is how the program is called.
    #[must_use]
    pub fn details(&self, run: &RunId, command: &str) -> Option<String> {
        let by = |by: &Option<String>| by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let since = |at: &Option<Millis>| at.map(|at| format!(" since {at}")).unwrap_or_default();
        Some(match self {
            Self::Waiting(until) => format!("waiting until {until}"),
            Self::Paused { at, by: who } => {
                format!("paused{}{}; to continue: {command} resume {run}", by(who), since(at))
            }
            Self::Stopped { at, why } => {
                let why = why.as_deref().unwrap_or("its process ended before the run was finished");
                let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
                format!("stopped{at}: {why}; to continue: {command} resume {run}")
            }
            Self::NotImported => {
                format!("the import was interrupted, and nothing was sent; to import again: {command} run FILE")
            }
            Self::Ready => format!("nothing has been sent yet; to send: {command} resume {run}"),
            Self::AwaitingStatuses { collected: false } => {
                format!("no process is collecting the statuses; to collect them: {command} reconcile {run}")
            }
            Self::Cancelled { at, by: who } => {
                let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
                format!("cancelled{}{at}; the remaining rows will not be sent", by(who))
            }
            Self::Importing | Self::Sending | Self::Finished | Self::AwaitingStatuses { collected: true } => {
                return None;
            }
        })
    }
}

/// Returns until when no row of a run can be sent: all wait for their time, today's quota is used up, or the provider
/// asked for a pause.
async fn waits_until(store: &Store, run: &Run, now: Millis) -> Result<Option<Millis>, StoreError> {
    let campaign = thaw(run)?;
    let timing = &campaign.timing;
    let mut until = store.waits_until(run.key, now).await?;
    if let Some(most) = timing.quota {
        let (from, tomorrow) = day_of(now, timing.timezone.as_deref());
        if store.taken_since(run.id.name(), from).await? >= most.get().into() {
            until = until.max(Some(tomorrow));
        }
    }
    Ok(until.max(store.provider_pause(&campaign.provider, now).await?))
}

impl fmt::Display for RunActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
