//! The end of a run: its reports, and who is told.

mod notify;
mod write;

pub use notify::Done;
pub use write::{ReportingError, each_attempt, each_row, facts, write_reports};
