//! The words of the product: ids, campaign, recipient, attempt, outcome, state, events, report row.
//!
//! Everything here is plain data and pure functions. It must not know the store, HTTP, the runtime or the
//! terminal: no `sqlx`, `reqwest`, `tokio`, and no I/O.

mod attempt_row;
mod campaign;
mod channel;
mod cron;
mod delivery;
mod event;
mod header;
mod id;
mod outcome;
mod phone;
mod provider_text;
mod reply;
mod report_row;
mod row_cause;
mod row_problem;
mod schedule;
mod state;
mod status;
mod template;
mod time;
mod timing;

pub use attempt_row::AttemptRow;
pub use campaign::{Campaign, DATE, Dispatch, Halt, Inline, Recipients, Reconcile, Source, WhenUncertain};
pub use channel::Channel;
pub use cron::{BadCron, Cron};
pub use delivery::Delivery;
pub use event::{Event, Events, Moved, Tally};
pub use header::{Header, NO_HEADER};
pub use id::{AttemptNumber, BadRunId, RowNumber, RunId};
pub use outcome::{Outcome, Pause, Problem};
pub use phone::Phone;
pub use provider_text::{ProviderText, plain_code};
pub use reply::{Choice, OptOut, Replies, Reply};
pub use report_row::ReportRow;
pub use row_cause::RowCause;
pub use row_problem::{RowProblem, shortened};
pub use schedule::{IfLate, Schedule, When};
pub use state::{Change, IllegalChange, State};
pub use status::{DeliveryStatus, NO_REASON, StatusUpdate};
pub use template::{TemplateProvider, TemplateSource};
pub use time::Millis;
pub use timing::{Days, NotAfter, Span, TimeColumns, Timing, WhoseClock, Window, WrittenTime};
