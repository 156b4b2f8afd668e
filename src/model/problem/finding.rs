//! Findings of a check of a message, a template definition or a media file.

use std::fmt;

use super::message::MessageProblem;
use super::rule::Rule;
use crate::text::escaped;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// According to the documentation, it is refused.
    Error,
    /// It may be refused, or may be a mistake.
    Warning,
}

impl Severity {
    /// Returns its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A problem, or a possible one. Displayed on one line: the path, what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding this is: stable and short, such as `too_long`.
    pub code: &'static str,
    /// Where in the message or the definition it is: `components[0].text`. A key that is not letters, digits, `_` and
    /// `-` stands in brackets as JSON. For something missing, where it should be. Empty if it concerns the whole.
    pub path: String,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The value, shortened; `None` for a missing value, a list or an object.
    pub value: Option<String>,
    /// The broken rule with its limit; `None` if no documented rule is broken.
    pub rule: Option<Rule>,
    /// The problem as it is stored for a row, if it concerns a rendered message.
    pub of_message: Option<Box<MessageProblem>>,
}

impl Finding {
    /// Returns an error with this code, path and message.
    #[must_use]
    pub fn error(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            path: path.into(),
            message: message.into(),
            hint: None,
            value: None,
            rule: None,
            of_message: None,
        }
    }

    /// Returns a warning with this code, path and message.
    #[must_use]
    pub fn warning(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, message) }
    }

    /// Returns a finding for a problem of a message at this path.
    #[must_use]
    pub fn of_message(severity: Severity, path: String, problem: MessageProblem) -> Self {
        let error = Self::error(problem.code(), path, problem.words());
        Self { severity, hint: problem.hint(), rule: problem.rule(), of_message: Some(Box::new(problem)), ..error }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", escaped(&self.path))?;
        }
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}
