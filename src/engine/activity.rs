//! What is happening with a run: what the store records, and whether a process works on it.

use std::fmt;

use crate::engine::job::thaw;
use crate::model::{Millis, RunId, StatusSource, Timing};
use crate::send_window::{RowTiming, day_of};
use crate::store::{Run, Store, StoreError};
use crate::text;

/// The recorded name of a person whose name is not known.
const NOBODY: &str = "unknown";

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
    /// All rows that are left wait until this time, for this reason. A process sends them then.
    Waiting(Millis, WaitReason),
    /// A process waits for free space on the disk of the store.
    DiskFull,
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
        /// Requests of the process that ended whose outcome is not known.
        in_flight: u64,
        /// Whether a process collects statuses meanwhile.
        collected: bool,
        /// Whether the disk of the store is full.
        disk_full: bool,
    },
    /// All rows are sent, and statuses are awaited.
    AwaitingStatuses {
        /// Whether a process collects them.
        collected: bool,
        /// How they arrive.
        source: StatusSource,
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

/// Why no row of a run can be sent before a certain time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Rows wait for the send window, for their own time or for another attempt.
    Rows {
        /// Whether the campaign has a send window.
        window: bool,
        /// Whether rows have times of their own.
        send_at: bool,
    },
    /// Today's quota is used up.
    Quota(u32),
    /// The provider asked for a pause.
    Provider,
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
        let is_worked_on = store.is_worked_on(&run.id).await?;
        if run.dispatched_at.is_some() {
            let collected = is_worked_on || store.is_served().await?;
            return Ok(Self::AwaitingStatuses { collected, source: thaw(run)?.api.statuses() });
        }
        if run.planned_at.is_none() {
            return Ok(if is_worked_on { Self::Importing } else { Self::NotImported });
        }
        if run.paused_at.is_some() {
            return Ok(Self::Paused { at: run.paused_at, by: run.paused_by.clone() });
        }
        // The process that sends removes the reason of the last stop. Another one only collects statuses.
        let sends = is_worked_on && run.stopped_at.is_none();
        if (sends || store.is_waited_for(&run.id).await?)
            && let Some((until, why)) = waits_until(store, run, now).await?
        {
            return Ok(Self::Waiting(until, why));
        }
        let disk_full = store.is_disk_full();
        Ok(match run {
            _ if sends && disk_full => Self::DiskFull,
            _ if sends => Self::Sending,
            Run { started_at: None, stopped_at: None, .. } => Self::Ready,
            _ => Self::Stopped {
                at: run.stopped_at,
                why: run.stopped_why.clone(),
                in_flight: if is_worked_on { 0 } else { store.in_flight(run.key).await? },
                collected: is_worked_on,
                disk_full,
            },
        })
    }

    /// Returns its name, in one or two words.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Ready => "ready",
            Self::Sending => "sending",
            Self::Waiting(..) | Self::DiskFull => "waiting",
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
        let by = |by: &Option<String>| match by.as_deref() {
            None | Some(NOBODY) => String::new(),
            Some(by) => format!(" by {by}"),
        };
        let since = |at: &Option<Millis>| at.map(|at| format!(" since {at}")).unwrap_or_default();
        Some(match self {
            Self::Waiting(until, why) => format!("waiting until {until}: {why}; sending continues then"),
            Self::DiskFull => "the store's disk is full, so nothing is being sent; free some space, and sending \
                               continues. If the disk stays full, the process ends after five minutes"
                .to_owned(),
            Self::Paused { at, by: who } => {
                format!("paused{}{}; to continue: {command} resume {run}", by(who), since(at))
            }
            Self::Stopped { at, why, in_flight, collected, disk_full } => {
                let why = why.as_deref().unwrap_or("its process ended before the run was finished");
                let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
                let in_doubt = match in_flight {
                    0 => String::new(),
                    1 => "; 1 message was in flight and may have been accepted".to_owned(),
                    n => format!("; {} messages were in flight and may have been accepted", text::grouped(*n)),
                };
                let first = match (disk_full, collected) {
                    (true, _) => ", free some space on the store's disk, which is full, then run:",
                    (_, true) => ", stop the process that is collecting the statuses of the run, then run:",
                    _ => ":",
                };
                format!("stopped{at}: {why}{in_doubt}; to continue{first} {command} resume {run}")
            }
            Self::NotImported => {
                format!("the import was interrupted, and nothing was sent; to import again: {command} run FILE")
            }
            Self::Ready => format!("nothing has been sent yet; to send: {command} resume {run}"),
            Self::AwaitingStatuses { collected: false, source: StatusSource::Polled } => {
                format!("no process is collecting the statuses; to collect them: {command} reconcile {run}")
            }
            Self::AwaitingStatuses { collected: false, source: StatusSource::Pushed } => {
                format!(
                    "no service receives the statuses, which come by webhook; to receive them: {command} serve --webhook"
                )
            }
            Self::Cancelled { at, by: who } => {
                let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
                format!("cancelled{}{at}; the remaining rows will not be sent", by(who))
            }
            Self::Importing | Self::Sending | Self::Finished | Self::AwaitingStatuses { collected: true, .. } => {
                return None;
            }
        })
    }
}

/// Returns until when no row of a run can be sent, and why: all wait for their time, today's quota is used up, or the
/// provider asked for a pause. The longest wait counts.
async fn waits_until(store: &Store, run: &Run, now: Millis) -> Result<Option<(Millis, WaitReason)>, StoreError> {
    let campaign = thaw(run)?;
    let timing = &campaign.timing;
    let own = store.waits_until(run.key, now).await?.map(|until| (until, rows_wait(timing)));
    let all = all_wait_until(store, run, timing, now).await?;
    let pause = store.provider_pause(&campaign.provider, now).await?.map(|until| (until, WaitReason::Provider));
    Ok(longest([own, all, pause]))
}

fn rows_wait(timing: &Timing) -> WaitReason {
    WaitReason::Rows { window: timing.window.is_some(), send_at: timing.columns.send_at.is_some() }
}

fn longest<const N: usize>(waits: [Option<(Millis, WaitReason)>; N]) -> Option<(Millis, WaitReason)> {
    waits.into_iter().flatten().reduce(|longest, wait| if wait.0 > longest.0 { wait } else { longest })
}

/// Returns until when the campaign's times and quota let no row of a run be sent, whatever its own times are.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn all_wait_until(
    store: &Store,
    run: &Run,
    timing: &Timing,
    now: Millis,
) -> Result<Option<(Millis, WaitReason)>, StoreError> {
    // A stored campaign was valid when its rows were imported.
    let timed = RowTiming::new(timing, &run.columns, run.created_at).ok().flatten();
    let closed = timed.and_then(|timed| timed.closed_until(now)).map(|until| (until, rows_wait(timing)));
    let Some(most) = timing.quota else { return Ok(closed) };
    let (from, tomorrow) = day_of(now, timing.timezone.as_deref());
    let is_used_up = store.taken_since(run.id.name(), Some(run.key), from).await? >= most.get().into();
    Ok(longest([closed, is_used_up.then_some((tomorrow, WaitReason::Quota(most.get())))]))
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { window, send_at } => {
                let for_what = match (window, send_at) {
                    (true, true) => "the send window, their own send times or their next attempt",
                    (true, false) => "the send window or their next attempt",
                    (false, true) => "their own send times or their next attempt",
                    (false, false) => "their next attempt",
                };
                write!(f, "the remaining rows are waiting for {for_what}")
            }
            Self::Quota(1) => f.write_str("today's quota of 1 message is used up"),
            Self::Quota(most) => write!(f, "today's quota of {} messages is used up", text::grouped((*most).into())),
            Self::Provider => f.write_str("the provider asked for a pause"),
        }
    }
}

impl fmt::Display for RunActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_and_comes_before_continuing() {
        let run = RunId::new("sale", 1);
        assert_eq!(RunActivity::DiskFull.name(), "waiting");
        let words = RunActivity::DiskFull.details(&run, "campaigner").unwrap();
        assert!(words.starts_with("the store's disk is full, so nothing is being sent; free some space"), "{words}");
        let stopped = |disk_full, collected| {
            let (at, why) = (None, None);
            let stopped = RunActivity::Stopped { at, why, in_flight: 1, collected, disk_full };
            stopped.details(&run, "campaigner").unwrap()
        };
        let why = "stopped: its process ended before the run was finished; 1 message was in flight and may have been \
                   accepted; to continue";
        let freed = ", free some space on the store's disk, which is full, then run: campaigner resume sale-1";
        assert_eq!(stopped(true, true), format!("{why}{freed}"));
        assert_eq!(stopped(false, false), format!("{why}: campaigner resume sale-1"));
        let nobody = RunActivity::Paused { at: None, by: Some("unknown".to_owned()) };
        assert_eq!(nobody.details(&run, "campaigner").unwrap(), "paused; to continue: campaigner resume sale-1");
    }
}
