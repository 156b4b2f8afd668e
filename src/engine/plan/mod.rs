//! The plan: what a campaign would send, and its rows in the store.
//!
//! `import` opens the recipients and compiles the message. `scan` reads rows on all cores, `validate` decides whether a
//! row becomes a message, `warnings` counts what is odd about rows that can be sent, `due_rows` counts when rows are
//! due, `row_lines` keeps the lines of rows, and `media_links` collects the files that messages link to.
//! `remaining_rows` validates the remaining rows against a newer template. `account_check` judges what the provider
//! says of the account.

mod account_check;
mod due_rows;
mod error;
mod import;
mod media_links;
mod remaining_rows;
mod row_lines;
mod scan;
mod validate;
mod warnings;

pub use account_check::{AccountUse, MessageTemplate, judge_account};
pub use due_rows::DueRows;
pub use error::PlanError;
pub use import::{Bad, Checked, Plan, RowBody};
pub use media_links::{Link, Links, ask};
pub use remaining_rows::check_remaining_rows;
pub use warnings::{WarnedRow, Warning};
