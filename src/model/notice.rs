//! Notices of the engine to the person watching a run: data, and all of its wording.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{AccountEvent, RunId};
use crate::text::{any_of, count, duration};

/// Something that the person watching a run should know. Displayed as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A signal stops the run.
    Stopping,
    /// Messages may have been accepted when the previous process ended.
    InDoubt {
        /// Their number.
        messages: u64,
    },
    /// Waits ended too far in the future, because the clock was set back.
    ClockSetBack {
        /// The number of waits that start again.
        waits: u64,
    },
    /// The system clock was ahead and was set back, so nothing is sent that depends on the time of day.
    ClockWasAhead {
        /// By how much it was set back.
        by: Duration,
    },
    /// Rows are skipped because earlier runs reached their numbers.
    LeftOut {
        /// Their number.
        rows: u64,
        /// Their code in the report.
        code: &'static str,
    },
    /// A warning about rows that can be sent, worded as in `check`.
    Warning(String),
    /// Nothing is sent before this time, on the campaign's clock: all remaining rows wait.
    NothingDue {
        /// That time.
        until: String,
        /// Whether rows have times of their own, or a send window.
        timed: bool,
        /// Whether the campaign has a daily quota.
        quota: bool,
    },
    /// Dispatch ended with rows that are due later.
    Waiting {
        /// When the first of them is due, on the campaign's clock.
        until: String,
        /// Whether this process waits until then in any case; otherwise only while it waits for statuses.
        in_any_case: bool,
    },
    /// The provider asked for a pause that is not over yet.
    ProviderPause {
        /// Its end, on the campaign's clock.
        until: String,
    },
    /// Another run of the same name uses the same quota.
    QuotaInUse {
        /// The campaign's name.
        name: String,
    },
    /// A person paused the run.
    Paused(RunId),
    /// A person lifted the pause.
    Resumed(RunId),
    /// Earlier messages of this run went through another account.
    OtherAccount(RunId),
    /// The other process that worked on this run is gone, and this one takes over.
    TakenOver(RunId),
    /// The provider cannot be reached.
    Unreachable {
        /// Why not.
        problem: String,
        /// Seconds until the next attempt.
        retry_s: u64,
    },
    /// The provider is reachable again.
    ReachableAgain,
    /// Statuses cannot be fetched.
    NoStatuses {
        /// Why not.
        problem: String,
        /// Seconds until the next attempt.
        retry_s: u64,
    },
    /// The provider reported something about the account or the run's template.
    Account(Box<AccountEvent>),
    /// The store cannot be written at the moment.
    StoreBlocked {
        /// What failed.
        error: String,
        /// Why.
        reason: String,
    },
    /// The `on_done` hook failed and is retried.
    HookRetried {
        /// Why it failed.
        failed: String,
    },
    /// The `on_done` hook failed for good.
    HookFailed {
        /// The run.
        run: RunId,
        /// Why it failed.
        failed: String,
        /// The file with the content of the notification.
        summary: PathBuf,
    },
}

impl Notice {
    /// Returns whether the run is paused from now on, if this says so.
    #[must_use]
    pub fn pauses(&self) -> Option<bool> {
        match self {
            Self::Paused(_) => Some(true),
            Self::Resumed(_) => Some(false),
            _ => None,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopping => f.write_str(
                "stopping: requests in flight finish, and nothing new starts; a second signal aborts at once",
            ),
            Self::InDoubt { messages: 1 } => f.write_str(
                "1 message was in flight when the last process ended; it may have been accepted, so it is marked uncertain \
                 and not resent",
            ),
            Self::InDoubt { messages } => write!(
                f,
                "{messages} messages were in flight when the last process ended; they may have been accepted, so they are \
                 marked uncertain and not resent"
            ),
            Self::ClockSetBack { waits } => write!(
                f,
                "the system clock has been set back since the run stopped; {waits} waiting row{} rescheduled",
                if *waits == 1 { " was" } else { "s were" }
            ),
            Self::ClockWasAhead { by } => write!(
                f,
                "the system clock was set back by {}; nothing is sent for about {}, because the campaign depends on the time of \
                 day. To continue at once, stop this process and run the command again",
                duration(*by),
                duration(*by * 2)
            ),
            Self::LeftOut { rows, code } => {
                let rows = count(*rows, "row");
                write!(f, "left out {rows}: earlier runs have already reached these people (`{code}` in the report)")
            }
            Self::Warning(words) => f.write_str(words),
            Self::NothingDue { until, timed, quota } => {
                let reasons = [(*timed, "its send time"), (*quota, "the daily quota"), (true, "its next attempt")];
                let reasons: Vec<&str> = reasons.into_iter().filter(|(applies, _)| *applies).map(|(_, why)| why).collect();
                write!(f, "nothing to send before {until}: each remaining row is waiting for {}", any_of(&reasons))
            }
            Self::Waiting { until, in_any_case } => {
                write!(f, "no remaining row can be sent before {until}; ")?;
                f.write_str(match in_any_case {
                    true => "waiting (Ctrl-C stops; run the same command to continue)",
                    false => "the rows will be sent then if this process is still waiting for statuses",
                })
            }
            Self::ProviderPause { until } => {
                write!(f, "the provider asked for a pause; nothing will be sent before {until}")
            }
            Self::QuotaInUse { name } => {
                write!(f, "another run of `{name}` uses the same daily quota; waiting for it to finish sending")
            }
            Self::Paused(run) => write!(f, "{run} is paused; `resume` continues it"),
            Self::Resumed(run) => write!(f, "{run} resumed"),
            Self::OtherAccount(run) => write!(
                f,
                "warning: earlier messages of {run} went through another account or with another credential; the rest goes through \
                 this one"
            ),
            Self::TakenOver(run) => write!(f, "the other process is gone; taking over {run}"),
            Self::Unreachable { problem, retry_s } => {
                write!(f, "cannot reach the provider: {problem}; retrying in {retry_s} s")
            }
            Self::ReachableAgain => f.write_str("the provider is reachable again"),
            Self::NoStatuses { problem, retry_s } => {
                write!(f, "cannot fetch statuses: {problem}; retrying in {retry_s} s")
            }
            Self::Account(event) if event.is_bad() => write!(f, "warning: {event}"),
            Self::Account(event) => write!(f, "{event}"),
            Self::StoreBlocked { error, reason } => write!(f, "{error} ({reason}); retrying"),
            Self::HookRetried { failed } => {
                write!(f, "the on_done hook failed ({failed}); retrying for about four minutes")
            }
            Self::HookFailed { run, failed, summary } => write!(
                f,
                "could not deliver the notification that {run} finished: {failed}; the result is in {}",
                summary.display()
            ),
        }
    }
}
