//! Why there is no client, or no answer to a status request.

use std::time::Duration;

use crate::model::Problem;

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the connection to the provider")]
pub struct SetupError(#[source] pub(super) Box<dyn std::error::Error + Send + Sync>);

/// Why a status request brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollError {
    /// Asking again later may work.
    TryAgain(Problem),
    /// The account is being throttled; the provider's wish for the wait, if it had one.
    Throttled(Problem, Option<Duration>),
    /// No connection could be made.
    Unreachable(Problem),
    /// A problem of the account: no poll can work until a person mends it.
    Halted(Problem),
}

impl PollError {
    pub(super) fn problem_mut(&mut self) -> &mut Problem {
        match self {
            Self::TryAgain(problem)
            | Self::Throttled(problem, _)
            | Self::Unreachable(problem)
            | Self::Halted(problem) => problem,
        }
    }
}
