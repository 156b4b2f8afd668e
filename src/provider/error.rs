//! Errors of creating a client and of status requests.

use std::time::Duration;

use crate::model::{BadAnswer, Outcome, Problem, SendProblem};

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

impl From<Outcome> for PollError {
    /// Converts the outcome of a send: a request that sends nothing fails in the same ways.
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Throttled { problem, wait } => Self::Throttled(problem, wait),
            Outcome::Unreachable(problem) => Self::Unreachable(problem),
            Outcome::Halted(problem) => Self::Halted(problem),
            Outcome::Refused(problem)
            | Outcome::RetryOnce(problem)
            | Outcome::TemplateRefused(problem)
            | Outcome::Uncertain(problem)
            | Outcome::Unnamed(problem)
            | Outcome::Deferred { problem, .. }
            | Outcome::TryAgain { problem, .. } => Self::TryAgain(problem),
            Outcome::Accepted { .. } | Outcome::Unsent => {
                Self::TryAgain(SendProblem::BadAnswer(BadAnswer::NoStatuses).into())
            }
        }
    }
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
