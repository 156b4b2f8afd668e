//! Problems as they are stored: either a provider's original words, or a code and values from which words are built
//! when shown.

use super::row_cause::RowCause;
use super::row_problem::RowProblem;
use super::sending::SendProblem;

/// A problem that the program itself found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// A decision about a row.
    Row(RowCause),
    /// All problems of a row of the list, at least one.
    List(Vec<RowProblem>),
    /// A problem while sending.
    Send(SendProblem),
}

impl Known {
    /// Returns the stable code; for a row of the list, that of its first problem.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Row(cause) => cause.code().to_owned(),
            Self::List(problems) => problems.first().map_or("", RowProblem::code).to_owned(),
            Self::Send(problem) => problem.code().into_owned(),
        }
    }

    /// Returns the values as JSON, for the store.
    #[must_use]
    pub fn values(&self) -> Option<String> {
        match self {
            Self::Row(cause) => cause.values(),
            Self::List(problems) => serde_json::to_string(problems).ok(),
            Self::Send(problem) => serde_json::to_string(problem).ok(),
        }
    }

    /// Reads a problem from its stored code and values; `None` if it is not one of these.
    #[must_use]
    pub fn read(code: &str, values: Option<&str>) -> Option<Self> {
        if let Some(cause) = RowCause::read(code, values) {
            return Some(Self::Row(cause));
        }
        let values = values?;
        match values.starts_with('[') {
            true => serde_json::from_str(values).ok().map(Self::List),
            false => serde_json::from_str(values).ok().map(Self::Send),
        }
    }

    /// Removes a secret from text that came from outside.
    pub fn cut(&mut self, secret: &str) {
        if let Self::Send(problem) = self
            && let Some(text) = problem.text_mut()
            && text.contains(secret)
        {
            *text = text.replace(secret, "…");
        }
    }

    /// Returns the words of a stored problem: the provider's, otherwise those built from the code and values.
    #[must_use]
    pub fn in_words(code: Option<&str>, message: Option<String>, values: Option<&str>) -> Option<String> {
        message.or_else(|| Self::read(code?, values).map(|known| known.words()))
    }
}
