//! Errors of creating a client and of status requests.

use std::time::Duration;

use crate::model::Problem;

/// Why a client could not be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the connection to the provider")]
pub struct SetupError(#[source] pub(super) Box<dyn std::error::Error + Send + Sync>);

/// Why a status request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollError {
    /// A later request may work.
    TryAgain(Problem),
    /// The account is throttled; the wait that the provider asked for, if any.
    Throttled(Problem, Option<Duration>),
    /// No connection could be made.
    Unreachable(Problem),
    /// A problem of the account: no poll can work until someone fixes it.
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
