//! The vocabulary of the product: ids, campaign, recipient, attempt, outcome, state, events, report row.
//!
//! Everything here is plain data and pure functions. It must not know the store, HTTP, the runtime or the
//! terminal: no `sqlx`, `reqwest`, `tokio`, and no I/O.

mod account_event;
mod account_finding;
mod attempt_row;
mod campaign;
mod delivery;
mod event;
mod header;
mod id;
mod notice;
mod opt_out;
mod phone;
mod problem;
mod provider_text;
mod reply;
mod report_row;
mod time;
mod zone;

pub use account_event::{AccountChange, AccountEvent, TemplateName};
pub use account_finding::{AccountFinding, AccountWeight, HealthProblem, PeopleLimit, TemplateNotAsked, TokenExpiry};
pub use attempt_row::AttemptRow;
pub use campaign::{
    BadCron, Campaign, Channel, Cron, DATE, Days, Dispatch, Halt, IfLate, Inline, NotAfter, ProviderApi, Rate, Reading,
    Recipients, Reconcile, Schedule, Source, Span, StatusSource, TemplateProvider, TemplateSource, TimeColumns, Timing,
    When, WhenUncertain, WhoseClock, Window, WrittenTime,
};
pub use delivery::{
    Delivery, DeliveryStatus, IllegalChange, Outcome, Pause, Problem, Reference, ReferenceKey, State, StateChange,
    StatusUpdate,
};
pub use event::{Event, Events, Tally};
pub use header::{Header, NO_HEADER};
pub use id::{AttemptNumber, BadRunId, RowNumber, RunId};
pub use notice::Notice;
pub use opt_out::{OptOut, OptOutMatch};
pub use phone::{KnownPerson, Phone, UserId};
pub use problem::{
    BadAnswer, CellProblem, Damage, Doubt, Finding, Flaw, Is, Known, Lengths, LinkFlaw, MessageProblem, Misfit,
    Mismatch, NoParameter, NumberKind, NumberProblem, OddCharacter, OffTemplate, Part, RowCause, RowProblem, Rule,
    SendProblem, Severity, TimeProblem, TooMany, TypeFix, WhyUncertain, column_by_key, column_key, shortened,
};
#[cfg(test)]
pub(crate) use problem::{every_row_problem, every_send_problem};
pub use provider_text::{ProviderText, plain_code};
pub use reply::{Choice, Replies, Reply, TitleCount};
pub use report_row::ReportRow;
pub use time::Millis;
pub use zone::Zone;
