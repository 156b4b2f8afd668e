//! Errors of the engine, apart from the outcomes of rows.

use crate::model::{Millis, Problem, RowNumber};
use crate::store::StoreError;

/// The message for a task that panicked. Its own message may contain recipient data.
pub(super) const PANICKED: &str = "a task panicked";

/// A failure of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed.
    #[error("{0}")]
    Store(#[source] StoreError),
    /// A row that was rendered for the plan can no longer be rendered.
    #[error("{}", cannot_build(*row, problem))]
    Render {
        /// The row's number.
        row: RowNumber,
        /// Why.
        problem: Problem,
    },
    /// The provider could not be asked for statuses.
    #[error("cannot ask the provider for statuses: {0}")]
    Unreachable(Problem),
    /// The provider asked for a pause that is too long to wait for; nothing was requested.
    #[error("the provider asked for a pause until {0}; no statuses were requested")]
    Paused(Millis),
    /// The run's message cannot be compiled, although it could be when the run was planned.
    #[error("cannot compile the run's stored message: {0}")]
    Frozen(String),
    /// The provider speaks another API than when the run was planned.
    #[error(
        "the run's stored message is for {planned}, but the account now uses {found}; restore the provider's `kind` in \
         campaigner.toml, or cancel the run and start a new one"
    )]
    OtherApi {
        /// The API of the message.
        planned: &'static str,
        /// The API of the account.
        found: &'static str,
    },
    /// The provider's client could not be created.
    #[error("{0}")]
    Client(#[source] crate::provider::SetupError),
    /// The run is sent through a different account from the one that is configured here.
    #[error(
        "the run is sent through another account: the `base_url` or credential of the provider `{0}` on this machine \
         differs from that of the process that sent it so far; make them the same, or continue it through this account with \
         `campaigner resume`"
    )]
    OtherAccount(String),
    /// An internal task failed: a bug.
    #[error("internal error: {0} (please report it)")]
    Defect(String),
}

/// Returns the words for a row whose message cannot be built. `problem` is the problem, or only its code where the
/// words must not quote the row.
pub fn cannot_build(row: RowNumber, problem: &dyn std::fmt::Display) -> String {
    format!(
        "the message of row {row} can no longer be built from the store: {problem}; the row was not sent. Check the store \
         with `campaigner verify`"
    )
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
