//! What came of one attempt: a closed type, so that the engine never looks at a status number.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::model::{Damage, Known, ProviderText, RowCause, RowProblem, SendProblem, TooMany};

/// Why something did not work: a stable code for counting, and words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable and short: the provider's own code where it gave one (`132012`, `10001`), else a word of ours
    /// (`timeout`, `connect`).
    pub code: String,
    reason: Reason,
}

/// Where the words are from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// The provider's own.
    Told(ProviderText),
    /// Made of what the program knows.
    Known(Box<Known>),
    /// Too many rows have the same problem. It stops a run, and is of no row that the store holds.
    TooMany(TooMany, Box<Problem>),
}

impl Problem {
    /// A problem of this code and these words, which are a provider's.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<ProviderText>) -> Self {
        Self { code: code.into(), reason: Reason::Told(message.into()) }
    }

    /// The problem that the store holds as this.
    #[must_use]
    pub fn stored(code: String, message: Option<String>, values: Option<&str>) -> Self {
        match (message, Known::read(&code, values)) {
            (None, Some(known)) => Self { code, reason: Reason::Known(Box::new(known)) },
            (message, _) => Self::new(code, message.unwrap_or_default()),
        }
    }

    /// This problem as the reason for a run to stop, since so many rows have it.
    #[must_use]
    pub fn too_many(self, rows: TooMany) -> Self {
        Self { code: self.code.clone(), reason: Reason::TooMany(rows, Box::new(self)) }
    }

    /// The provider's own words, or ours.
    #[must_use]
    pub fn message(&self) -> Cow<'_, ProviderText> {
        match &self.reason {
            Reason::Told(message) => Cow::Borrowed(message),
            Reason::Known(known) => Cow::Owned(known.words().into()),
            Reason::TooMany(rows, problem) => Cow::Owned(rows.words(&problem.message().to_string()).into()),
        }
    }

    /// The provider's own words as they came, for the store; none where they are ours.
    #[must_use]
    pub fn told(&self) -> Option<&str> {
        match &self.reason {
            Reason::Told(message) => Some(message.original()),
            Reason::Known(_) | Reason::TooMany(..) => None,
        }
    }

    /// The values that our words are made of, for the store.
    #[must_use]
    pub fn values(&self) -> Option<String> {
        match &self.reason {
            Reason::Told(_) | Reason::TooMany(..) => None,
            Reason::Known(known) => known.values(),
        }
    }

    /// Takes a secret out of what came from outside, for good.
    pub fn cut(&mut self, secret: &str) {
        match &mut self.reason {
            Reason::Told(message) => message.cut(secret),
            Reason::Known(known) => known.cut(secret),
            Reason::TooMany(_, problem) => problem.cut(secret),
        }
    }
}

impl From<Known> for Problem {
    fn from(known: Known) -> Self {
        Self { code: known.code(), reason: Reason::Known(Box::new(known)) }
    }
}

impl From<RowCause> for Problem {
    fn from(cause: RowCause) -> Self {
        Known::Row(cause).into()
    }
}

impl From<SendProblem> for Problem {
    fn from(problem: SendProblem) -> Self {
        Known::Send(problem).into()
    }
}

impl From<Damage> for Problem {
    fn from(damage: Damage) -> Self {
        SendProblem::Damaged(damage).into()
    }
}

impl From<Vec<RowProblem>> for Problem {
    fn from(problems: Vec<RowProblem>) -> Self {
        Known::List(problems).into()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.code)
    }
}

/// For how long one recipient is to get nothing. It grows each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Seconds, then minutes. The first few times no try is used up.
    Short,
    /// A day and more; each time a try is used up.
    Days,
}

/// What came of one attempt to send one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took the message and named it. Not yet "delivered".
    Accepted {
        /// The provider's id of the message.
        message_id: String,
    },
    /// The provider took the message and gave no id that can be used: nobody will know what became of it, and it is
    /// never sent again by itself.
    Unnamed(Problem),
    /// The provider refused this message for good.
    Refused(Problem),
    /// Known not to have been accepted; another try may work. Uses up one of the row's tries.
    TryAgain {
        /// What happened.
        problem: Problem,
        /// The provider's wish for the time until the next try, if it had one.
        wait: Option<Duration>,
    },
    /// Known not to have been accepted; one more try may work, a third would not. Then it is refused for good.
    RetryOnce(Problem),
    /// This one recipient is to get nothing for a while. Known not to have been accepted, and nobody else's concern.
    Deferred {
        /// What happened.
        problem: Problem,
        /// For how long.
        pause: Pause,
    },
    /// The account is being throttled. Known not to have been accepted, and never uses up one of the row's
    /// tries; the whole account slows down.
    Throttled {
        /// What happened.
        problem: Problem,
        /// The provider's wish for the time until the next request, if it had one.
        wait: Option<Duration>,
    },
    /// No connection could be made, so no byte of the request left. A problem of the way to the provider and of every
    /// row alike: never uses up one of the row's tries; the whole account waits until it can be reached again.
    Unreachable(Problem),
    /// It may or may not have been accepted. Never sent again unless the campaign or a person says so.
    Uncertain(Problem),
    /// A problem of the account, not of this row: known not to have been accepted, the row stays as it was,
    /// and the run stops.
    Halted(Problem),
    /// The template of this message is missing, paused or disabled: known not to have been accepted. Where all rows
    /// share the template, the row stays as it was, and the run stops.
    TemplateRefused(Problem),
    /// No byte left: the run was being stopped, or the provider was found unreachable, after this row was given its
    /// turn. The row stays as it was.
    Unsent,
}

impl Outcome {
    /// The kind of outcome, for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Unnamed(_) => "unnamed",
            Self::Refused(_) => "refused",
            Self::TryAgain { .. } => "try again",
            Self::RetryOnce(_) => "once more",
            Self::Deferred { .. } => "put off",
            Self::Throttled { .. } => "throttled",
            Self::Unreachable(_) => "unreachable",
            Self::Uncertain(_) => "uncertain",
            Self::Halted(_) => "halted",
            Self::TemplateRefused(_) => "template refused",
            Self::Unsent => "unsent",
        }
    }

    /// What went wrong, if something did.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Accepted { .. } | Self::Unsent => None,
            Self::TryAgain { problem, .. } | Self::Throttled { problem, .. } | Self::Deferred { problem, .. } => {
                Some(problem)
            }
            Self::Unnamed(problem)
            | Self::Refused(problem)
            | Self::RetryOnce(problem)
            | Self::Unreachable(problem)
            | Self::Uncertain(problem)
            | Self::Halted(problem)
            | Self::TemplateRefused(problem) => Some(problem),
        }
    }

    /// As [`Outcome::problem`], to be changed.
    pub fn problem_mut(&mut self) -> Option<&mut Problem> {
        match self {
            Self::Accepted { .. } | Self::Unsent => None,
            Self::TryAgain { problem, .. } | Self::Throttled { problem, .. } | Self::Deferred { problem, .. } => {
                Some(problem)
            }
            Self::Unnamed(problem)
            | Self::Refused(problem)
            | Self::RetryOnce(problem)
            | Self::Unreachable(problem)
            | Self::Uncertain(problem)
            | Self::Halted(problem)
            | Self::TemplateRefused(problem) => Some(problem),
        }
    }
}
