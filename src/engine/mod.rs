//! The engine: plan, dispatch, reconcile, report. Each stage reads what it needs from the store and writes its results
//! back; stages share nothing in memory. So `run` and `resume` are the same code, and that code also continues after a
//! crash between any two instructions.
//!
//! The engine never prints, never looks at a status number, and never ends the process.
//!
//! [`plan`](Plan) reads the list into the store. [`run()`] takes over a planned run (a row that was claimed and has
//! no outcome becomes uncertain), sends it (`dispatch`) and collects statuses (`reconcile`), while `control`
//! follows pause, rate and cancel requests. [`join()`] sends rows of a run that another process owns. `report` writes
//! the reports and calls the hook. `test_message` sends a single message outside every run. `activity` says what is
//! happening with a run.

mod activity;
mod clock;
mod clock_skew;
mod control;
mod dispatch;
mod error;
mod estimate;
mod job;
mod join;
mod plan;
mod reconcile;
mod report;
mod run;
mod status;
mod stop;
mod store_retry;
mod tasks;
mod test_message;
#[cfg(test)]
mod tests;

pub use activity::RunActivity;
pub use clock::Clock;
pub use control::{CancelResult, cancel};
pub use dispatch::MOST_IN_FLIGHT;
pub use dispatch::take_over;
pub use error::{EngineError, cannot_build};
pub use estimate::sent_by;
pub use job::{Job, renderer, thaw};
pub use join::{can_join, join};
pub use plan::PlanError;
pub use plan::check_remaining_rows;
pub use plan::{AccountUse, MessageTemplate, judge_account};
pub use plan::{Bad, Checked, Plan, RowBody};
pub use plan::{DueRows, WarnedRow, Warning};
pub use plan::{Link, Links, ask};
pub use reconcile::{QueuePlace, WebhookCounts, WebhookQueue, WebhookWriter};
pub use report::Notifier;
pub use report::{ReportingError, each_attempt, each_row, facts, write_reports};
pub use run::{RunMode, RunResult, needs_a_person, run};
pub use status::{
    Details, details, provider_pause, rate_now, speed, status, status_of, time_to_send, waiting, workers,
};
pub use stop::{Reason, StopHandle};
pub use test_message::TestSender;
