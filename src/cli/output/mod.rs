//! Everything that the command line prints.

pub(in crate::cli) mod account_findings;
pub(in crate::cli) mod console;
pub(in crate::cli) mod media_findings;
pub(in crate::cli) mod problem_groups;
pub(in crate::cli) mod problem_json;
pub(in crate::cli) mod problem_report;
pub(in crate::cli) mod reached;
pub(in crate::cli) mod rejects_csv;
pub(in crate::cli) mod run_question;
pub(in crate::cli) mod summary;
pub(in crate::cli) mod table;
pub(in crate::cli) mod template_table;
pub(in crate::cli) mod terminal;
mod wrap;
