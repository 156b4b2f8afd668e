//! Problems as the store holds them: a provider's own words as they came, or a code and values that the words are made
//! of where they are shown.

use super::row_cause::RowCause;
use super::row_problem::RowProblem;
use super::sending::SendProblem;

/// A problem that the program knows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// What it decided of a row.
    Row(RowCause),
    /// What is wrong with a row of the list: all of it, at least one.
    List(Vec<RowProblem>),
    /// What it met while sending.
    Send(SendProblem),
}

impl Known {
    /// The stable code; of a row of the list that of the first problem.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Row(cause) => cause.code().to_owned(),
            Self::List(problems) => problems.first().map_or("", RowProblem::code).to_owned(),
            Self::Send(problem) => problem.code().into_owned(),
        }
    }

    /// The values as JSON, for the store.
    #[must_use]
    pub fn values(&self) -> Option<String> {
        match self {
            Self::Row(cause) => cause.values(),
            Self::List(problems) => serde_json::to_string(problems).ok(),
            Self::Send(problem) => serde_json::to_string(problem).ok(),
        }
    }

    /// What the store holds as this code and these values; nothing where that is no problem that the program knows.
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

    /// Takes a secret out of what came from outside, for good.
    pub fn cut(&mut self, secret: &str) {
        if let Self::Send(problem) = self
            && let Some(text) = problem.text_mut()
            && text.contains(secret)
        {
            *text = text.replace(secret, "…");
        }
    }

    /// The words of what the store holds: a provider's, else those of the code and the values.
    #[must_use]
    pub fn in_words(code: Option<&str>, message: Option<String>, values: Option<&str>) -> Option<String> {
        message.or_else(|| Self::read(code?, values).map(|known| known.words()))
    }
}
