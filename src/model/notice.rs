//! What the engine has to say to the person who watches: data here, and all of its words.

use std::fmt;
use std::path::PathBuf;

use super::RunId;

/// Something that the person who watches a run should know. Displayed as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A signal stops the run.
    Stopping,
    /// Messages may have been accepted when the process before ended.
    InDoubt {
        /// How many.
        messages: u64,
    },
    /// Waits lay too far ahead, since the clock was set back.
    ClockSetBack {
        /// How many begin again.
        waits: u64,
    },
    /// Rows are left out, since earlier runs reached their numbers.
    LeftOut {
        /// How many.
        rows: u64,
        /// Their code in the report.
        code: &'static str,
    },
    /// Something about rows that can be sent, in words that `check` has too.
    Warning(String),
    /// Nothing is sent before this time, by the campaign's clock: all rows that are left wait.
    NothingDue {
        /// That time.
        until: String,
        /// Whether rows may wait for times of their own, and not for their next attempt alone.
        own_times: bool,
    },
    /// Dispatch ended with rows that are due later.
    Waiting {
        /// The first time of theirs, by the campaign's clock.
        until: String,
        /// Whether this process waits for it whatever happens; else as long as it waits for statuses.
        in_any_case: bool,
    },
    /// The provider asked for a pause that is not over.
    ProviderPause {
        /// Its end, by the campaign's clock.
        until: String,
    },
    /// Another run of the same name sends within the same quota.
    QuotaInUse {
        /// The campaign's name.
        name: String,
    },
    /// A person paused the run.
    Paused(RunId),
    /// A person lifted the pause.
    Resumed(RunId),
    /// The provider cannot be reached.
    Unreachable {
        /// Why not.
        problem: String,
        /// Seconds until the next try.
        retry_s: u64,
    },
    /// The provider can be reached again.
    ReachableAgain,
    /// Statuses cannot be had.
    NoStatuses {
        /// Why not.
        problem: String,
        /// Seconds until the next try.
        retry_s: u64,
    },
    /// The store cannot be written for now.
    StoreBlocked {
        /// What failed.
        error: String,
        /// Why.
        reason: String,
    },
    /// The hook at the end of a run failed and is tried again.
    HookRetried {
        /// Why it failed.
        failed: String,
    },
    /// The hook at the end of a run failed for good.
    HookFailed {
        /// The run.
        run: RunId,
        /// Why it failed.
        failed: String,
        /// The file with what was to be told.
        summary: PathBuf,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopping => {
                f.write_str("stopping: what is in flight ends, nothing new begins; once more aborts at once")
            }
            Self::InDoubt { messages } => write!(
                f,
                "{messages} message{} may or may not have been accepted when the run was cut off: uncertain, not sent \
                 again",
                plural(*messages)
            ),
            Self::ClockSetBack { waits } => {
                write!(f, "this machine's clock was set back since the run stopped: {waits} waits begin anew")
            }
            Self::LeftOut { rows, code } => {
                write!(
                    f,
                    "skipped {rows} row{} already reached by earlier runs (`{code}` in the report)",
                    plural(*rows)
                )
            }
            Self::Warning(words) => f.write_str(words),
            Self::NothingDue { until, own_times } => {
                let why = if *own_times { "their time or their next try" } else { "their next try" };
                write!(f, "nothing to send before {until}: all rows left wait for {why}")
            }
            Self::Waiting { until, in_any_case } => {
                f.write_str(match in_any_case {
                    true => "nothing may leave now; waiting (Ctrl-C stops, and the same command goes on)",
                    false => "what is left has to wait; it is sent then if statuses are still waited for",
                })?;
                write!(f, ": not before {until}")
            }
            Self::ProviderPause { until } => {
                write!(f, "the provider asked to pause; nothing is sent before {until}")
            }
            Self::QuotaInUse { name } => {
                write!(f, "another run of `{name}` sends within the same quota: waiting until it has sent")
            }
            Self::Paused(run) => write!(f, "{run} is paused; it goes on after: campaigner resume {run}"),
            Self::Resumed(run) => write!(f, "{run} goes on"),
            Self::Unreachable { problem, retry_s } => {
                write!(f, "cannot reach the provider: {problem}; trying again in {retry_s} s")
            }
            Self::ReachableAgain => f.write_str("the provider can be reached again"),
            Self::NoStatuses { problem, retry_s } => {
                write!(f, "no statuses for now: {problem}; asking again in {retry_s} s")
            }
            Self::StoreBlocked { error, reason } => write!(f, "{error} ({reason}); trying again"),
            Self::HookRetried { failed } => {
                write!(f, "the done hook was not taken ({failed}); trying again, for some minutes")
            }
            Self::HookFailed { run, failed, summary } => write!(
                f,
                "nobody could be told that {run} is over: {failed}; what was to be told is in {}",
                summary.display()
            ),
        }
    }
}

fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}
