//! The outcome of one attempt: a closed type, so the engine never looks at HTTP status numbers.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::model::{Damage, Known, ProviderText, RowCause, RowProblem, SendProblem, TooMany};

/// Why something did not work: a stable code for counting, and words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable and short: the provider's code if it gave one (`132012`, `10001`), otherwise one of ours (`timeout`,
    /// `connect`).
    pub code: String,
    reason: Reason,
}

/// Where the words come from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// The provider's words.
    Told(ProviderText),
    /// Built from what the program knows.
    Known(Box<Known>),
    /// Too many rows have the same problem. It stops a run and belongs to no row in the store.
    TooMany(TooMany, Box<Problem>),
}

impl Problem {
    /// Returns a problem with this code and a provider's words.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<ProviderText>) -> Self {
        Self { code: code.into(), reason: Reason::Told(message.into()) }
    }

    /// Reads a problem back from the store.
    #[must_use]
    pub fn stored(code: String, message: Option<String>, values: Option<&str>) -> Self {
        match (message, Known::read(&code, values)) {
            (None, Some(known)) => Self { code, reason: Reason::Known(Box::new(known)) },
            (message, _) => Self::new(code, message.unwrap_or_default()),
        }
    }

    /// Returns this problem as the reason why a run stops: many rows have it.
    #[must_use]
    pub fn too_many(self, rows: TooMany) -> Self {
        Self { code: self.code.clone(), reason: Reason::TooMany(rows, Box::new(self)) }
    }

    /// Returns the provider's words, or ours.
    #[must_use]
    pub fn message(&self) -> Cow<'_, ProviderText> {
        match &self.reason {
            Reason::Told(message) => Cow::Borrowed(message),
            Reason::Known(known) => Cow::Owned(known.words().into()),
            Reason::TooMany(rows, problem) => Cow::Owned(rows.words(&problem.message().to_string()).into()),
        }
    }

    /// Returns the provider's original words, for the store; `None` if they are ours.
    #[must_use]
    pub fn provider_message(&self) -> Option<&str> {
        match &self.reason {
            Reason::Told(message) => Some(message.original()),
            Reason::Known(_) | Reason::TooMany(..) => None,
        }
    }

    /// Returns the values that our words are built from, for the store.
    #[must_use]
    pub fn values(&self) -> Option<String> {
        match &self.reason {
            Reason::Told(_) | Reason::TooMany(..) => None,
            Reason::Known(known) => known.values(),
        }
    }

    /// Removes a secret from text that came from outside.
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

/// How long one recipient gets nothing. It grows each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Seconds, then minutes. The first few times it uses up no attempt.
    Short,
    /// A day or more; each time it uses up an attempt.
    Days,
}

/// The outcome of one attempt to send one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider accepted the message and gave an id. Not yet "delivered".
    Accepted {
        /// The provider's id of the message.
        message_id: String,
        /// Whether the provider holds the message to assess its quality. A status says what becomes of it.
        is_held: bool,
    },
    /// The provider accepted the message but gave no usable id: what happens to it stays unknown, and it is never
    /// resent automatically.
    Unnamed(Problem),
    /// The provider refused this message for good.
    Refused(Problem),
    /// Known not to have been accepted; another attempt may work. Uses up one of the row's attempts.
    TryAgain {
        /// What happened.
        problem: Problem,
        /// The wait that the provider asked for before the next attempt, if any.
        wait: Option<Duration>,
    },
    /// Known not to have been accepted; one more attempt may work. If that fails too, the row is refused for good.
    RetryOnce(Problem),
    /// This one recipient gets nothing for a while. Known not to have been accepted; other recipients are not affected.
    Deferred {
        /// What happened.
        problem: Problem,
        /// For how long.
        pause: Pause,
    },
    /// The account is throttled. Known not to have been accepted; uses up none of the row's attempts. The whole account
    /// slows down.
    Throttled {
        /// What happened.
        problem: Problem,
        /// The wait that the provider asked for before the next request, if any.
        wait: Option<Duration>,
    },
    /// No connection could be made, so no byte of the request was sent. This affects every row: it uses up no attempts,
    /// and the whole account waits until the provider can be reached again.
    Unreachable(Problem),
    /// It may have been accepted. Never resent unless the campaign or a person says so.
    Uncertain(Problem),
    /// A problem of the account, not of this row: known not to have been accepted, the row stays as it was,
    /// and the run stops.
    Halted(Problem),
    /// The template of this message is missing, paused or disabled: known not to have been accepted. If all rows share
    /// the template, the row stays as it was, and the run stops.
    TemplateRefused(Problem),
    /// Nothing was sent: the run was stopping, or the provider became unreachable, after this row was claimed. The row
    /// stays as it was.
    Unsent,
}

impl Outcome {
    /// Returns the kind of outcome, for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Unnamed(_) => "unnamed",
            Self::Refused(_) => "refused",
            Self::TryAgain { .. } => "try again",
            Self::RetryOnce(_) => "retry once",
            Self::Deferred { .. } => "deferred",
            Self::Throttled { .. } => "throttled",
            Self::Unreachable(_) => "unreachable",
            Self::Uncertain(_) => "uncertain",
            Self::Halted(_) => "halted",
            Self::TemplateRefused(_) => "template refused",
            Self::Unsent => "unsent",
        }
    }

    /// Returns what went wrong, if anything.
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

    /// As [`Outcome::problem`], mutable.
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
