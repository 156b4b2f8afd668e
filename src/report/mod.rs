//! Writes the three reports of a run from one ordered stream of report rows.
//!
//! `recipients.csv` has one line per row, `summary.json` has the figures for programs, and `report.html` has the same
//! figures for people. Memory does not grow with the rows, and the same rows and facts give the same bytes. This module
//! does not use the store: the caller passes the rows, in the order of the input.
//!
//! `recipients_csv`, `recipients_jsonl` and `xlsx` write the cells; the fixed columns are `ReportRow::COLUMNS` in
//! `model`.

mod attempts;
mod compare;
mod files;
mod html;
mod recipients_csv;
mod recipients_jsonl;
mod stats;
mod summary;
mod summary_json;
mod types;
mod wording;
mod xlsx;

pub use attempts::AttemptsReport;
pub use compare::Comparison;
pub use files::{NewFile, Paths, Reports};
pub use html::{STYLES, funnel, html, source, states};
pub use recipients_csv::{CsvDialect, CsvReport};
pub use recipients_jsonl::JsonLines;
pub use stats::calling_codes::country_of;
pub use summary::Summary;
pub use summary_json::summary_json;
pub use types::{BadFormat, ReportError, ReportFormat, RunFacts};
pub use wording::{contradicted, double_sends};
pub use xlsx::XlsxReport;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
