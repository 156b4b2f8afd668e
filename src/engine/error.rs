//! What can go wrong while working on a run, beyond what the outcomes of rows say.

use crate::model::{Millis, Problem, RowNumber};
use crate::store::StoreError;

/// What is said of a task that panicked. Its own message may hold what a recipient's row says.
pub(super) const PANICKED: &str = "a task panicked";

/// A failure of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed.
    #[error("{0}")]
    Store(#[source] StoreError),
    /// A row that was rendered when the run was planned cannot be rendered now.
    #[error("row {row} can no longer be rendered: {problem}; nothing was sent for it")]
    Render {
        /// The row's number.
        row: RowNumber,
        /// Why.
        problem: Problem,
    },
    /// The provider could not be asked.
    #[error("the provider cannot be asked for statuses: {0}")]
    Unreachable(Problem),
    /// The provider asked to pause for longer than is waited for; nothing was asked.
    #[error("the provider asked to pause until {0}; no status was asked for")]
    Paused(Millis),
    /// The run's own message cannot be compiled: it was, when the run was planned.
    #[error("the run's frozen message cannot be compiled: {0}")]
    Frozen(String),
    /// No client could be made for the provider.
    #[error("{0}")]
    Client(#[source] crate::provider::SetupError),
    /// A task of ours failed: a defect.
    #[error("a defect in campaigner: {0}")]
    Defect(String),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
