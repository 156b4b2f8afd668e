//! The engine: plan, dispatch, reconcile, report. Each stage reads what it needs from the store and leaves what it did
//! there; nothing is handed from one to the next in memory. So `run` and `resume` are the same code, and after a crash
//! between any two instructions the same code goes on.
//!
//! The engine never prints, never looks at a status number, and never ends the process.
//!
//! `plan` (with `judge`, `scan`, `links`) reads the list into the store. [`run`] takes a planned run up (`recovery`), sends
//! it (`dispatch`) and asks for statuses (`reconcile`; `webhooks` brings those that come by themselves), while `control`
//! follows what people order. `report` writes what came of it, and `done` tells whoever wants to know.

mod clock;
mod clock_skew;
#[cfg(test)]
mod compare;
mod control;
mod dispatch;
mod done;
mod error;
#[cfg(test)]
mod examples;
mod forecast;
mod hold;
mod job;
mod judge;
mod links;
mod patience;
mod plan;
mod plan_error;
mod reconcile;
mod recovery;
mod report;
mod run;
mod scan;
mod status;
mod stop;
mod tasks;
mod webhooks;
#[cfg(test)]
mod week;

pub use clock::Clock;
pub use control::{Stops, cancel};
pub use dispatch::MOST_IN_FLIGHT;
pub use done::Done;
pub use error::EngineError;
pub use forecast::sent_by;
pub use hold::hold_left;
pub use job::Job;
pub use judge::{Times, Warning};
pub use links::{Link, Links, ask};
pub use plan::{Bad, Body, Checked, Plan};
pub use plan_error::PlanError;
pub use recovery::take_up;
pub use report::{ReportingError, each_attempt, each_row, facts, write_reports};
pub use run::{RunMode, RunResult, run};
pub use status::{Details, details, provider_pause, rate_now, speed, stage, status, thaw, time_to_send, told, waiting};
pub use stop::{Reason, Stop};
pub use webhooks::{Counts, Place, WebhookQueue, WebhookWriter};
