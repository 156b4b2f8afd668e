//! The end of a run: its reports and its hook.

mod message_text;
mod notify;
mod write;

pub use notify::Notifier;
pub use write::{ReportingError, each_attempt, each_row, facts, write_reports};
