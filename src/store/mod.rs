//! The store: runs, their rows, the state of each row, and the outcome of every attempt.
//!
//! Each stage of a run reads what it needs from here and writes its results back, so the same code continues after a
//! crash between any two instructions. This module knows SQL, and nothing of HTTP, rendering or the terminal.
//!
//! [`Store`] is the contract: its methods are what a store can do, grouped by caller. The types in their signatures are
//! in the files here, in the order in which data meets them: `location`, `key`, `run`, `start` (what a second run of a
//! name may do), `attempt` (a row in flight), `waiting` (what becomes of a row that is no longer sent), `status`,
//! `report`, `test_message`, `error`. The methods are in `plan`, `dispatch`, `statuses`, `reports` and `runs`. `sqlite`
//! keeps everything in one file, `postgres` on a server, and `sql` runs a statement on either. `tests` is the contract
//! suite: it defines what a store does.

mod attempt;
mod dispatch;
mod error;
mod handle;
mod key;
mod location;
mod locks;
#[cfg(test)]
mod model_test;
mod open;
mod plan;
mod postgres;
mod report;
mod reports;
mod run;
mod runs;
mod sql;
mod sqlite;
mod start;
mod status;
mod statuses;
mod test_message;
#[cfg(test)]
mod tests;
mod waiting;
mod writer;

// The statements whose guards keep anyone from getting two messages pass through this: tests run them without a guard.
#[cfg(test)]
use model_test::guarded;
#[cfg(not(test))]
use std::convert::identity as guarded;

pub use attempt::{Advanced, Attempt, Claim, Deferral, History, SendSlot, Settlement, Step, Waiting};
pub use dispatch::accounts::PollSlot;
pub use error::{StatementError, StoreError, StoreMismatch};
pub use handle::Store;
pub use key::{Owner, RowKey, WorkerId};
pub use location::{BadServerUrl, Location, ServerUrl};
pub use locks::{RunLock, ServiceLock};
pub use report::{
    AccountPause, BrokenRule, LeaveOut, LeftOut, Occurrence, OccurrenceStart, ProblemCount, PulledTemplate, Reached,
    ReachedBy, ReasonsByPhone, Recurrence, Uncertain, Verdict, WaitKind, Wanted, Which,
};
pub use reports::listing::Listing;
pub use reports::rows::{ReportPage, ReportRows};
pub use reports::tally::Counting;
pub use run::{NewRun, Orders, PlannedRow, PurgeBlocker, RequeueFilter, Requeued, Run, Stage};
pub use runs::workers::WorkerAtWork;
pub use start::{Repeat, StartDecision};
pub use status::{Awaiting, KeptReply, Polled, PossibleOptOut, WebhookBatch, WebhookResult};
pub use test_message::{NewTestMessage, TestMessage};
pub use waiting::stopped;
