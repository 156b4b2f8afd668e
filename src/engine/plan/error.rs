//! Errors that prevent or interrupt a plan.

use crate::recipients::{self, SpillError};
use crate::render::TemplateProblem;
use crate::send_window::NoColumn;
use crate::store::StoreError;
use crate::yaml::FileError;

/// Why a plan cannot be made or was interrupted.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The recipients cannot be read.
    #[error("{0}")]
    Open(#[source] recipients::OpenError),
    /// Reading the recipients failed midway.
    #[error("{0}")]
    Read(#[source] recipients::ReadError),
    /// There is nobody on the list.
    #[error("the list has no rows; write one row per person below the header line")]
    NoRows,
    /// The placeholders in the message are invalid.
    #[error("the message's placeholders are invalid")]
    Templates(Vec<TemplateProblem>),
    /// The template's definition cannot be read.
    #[error("{0}")]
    Definition(#[source] FileError),
    /// A column for times is missing.
    #[error("{0}")]
    Timing(#[source] NoColumn),
    /// The recipients changed since they were first read.
    #[error("the recipient list changed while it was being read; nothing was sent. Run the command again")]
    Changed,
    /// The store failed.
    #[error("{0}")]
    Store(#[source] StoreError),
    /// The search for duplicates failed.
    #[error("{0}")]
    Spill(#[source] SpillError),
    /// The findings could not be written.
    #[error("cannot write the results of the check")]
    Tell(#[source] std::io::Error),
    /// The reading thread failed: a bug.
    #[error("internal error: {0} (please report it)")]
    Defect(String),
}
