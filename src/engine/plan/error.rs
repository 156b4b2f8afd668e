//! Why a plan cannot be made at all, or broke off.

use crate::recipients::{self, SpillError};
use crate::render::TemplateProblem;
use crate::send_window::NoColumn;
use crate::store::StoreError;
use crate::yaml::FileError;

/// Why a plan cannot be made at all, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The recipients cannot be read.
    #[error("{0}")]
    Open(#[source] recipients::OpenError),
    /// Reading them broke off.
    #[error("{0}")]
    Read(#[source] recipients::ReadError),
    /// The message's templates are wrong.
    #[error("the message's templates are wrong")]
    Templates(Vec<TemplateProblem>),
    /// The template's definition cannot be read.
    #[error("{0}")]
    Definition(#[source] FileError),
    /// A column of times is not there.
    #[error("{0}")]
    Timing(#[source] NoColumn),
    /// The file is not the one that was looked at first.
    #[error("the recipients changed while they were read; nothing was sent, run it again")]
    Changed,
    /// The store failed.
    #[error("{0}")]
    Store(#[source] StoreError),
    /// The search for duplicates failed.
    #[error("{0}")]
    Spill(#[source] SpillError),
    /// What was found could not be told.
    #[error("what was found cannot be written")]
    Tell(#[source] std::io::Error),
    /// The reading thread failed: a defect.
    #[error("a defect in campaigner: {0}")]
    Defect(String),
}
