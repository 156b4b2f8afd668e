//! What a check finds: in a message, in a template's definition, in a media file.

use std::fmt;

use super::message::MessageProblem;
use super::rule::Rule;
use crate::text::escaped;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It is refused, by the documents.
    Error,
    /// It may be refused, or not be what was meant.
    Warning,
}

impl Severity {
    /// The word for it in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something that is not right. Displayed as the path, what is wrong and what to do, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding this is: stable and short, such as `too_long`.
    pub code: &'static str,
    /// Where in the message or the definition it is: `components[0].text`. A key that is not letters, digits, `_` and
    /// `-` stands in brackets as JSON. For something that is missing, where it should be. Empty where it is about the
    /// whole.
    pub path: String,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The value, shortened; none for what is missing, and for lists and objects.
    pub value: Option<String>,
    /// The rule with its limit; none where no rule of the document is broken.
    pub rule: Option<Rule>,
    /// What a row would have wrong with it, where this is about the message that the row makes.
    pub of_message: Option<Box<MessageProblem>>,
}

impl Finding {
    /// An error of this code at this path, in these words.
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

    /// A warning of this code at this path, in these words.
    #[must_use]
    pub fn warning(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, message) }
    }

    /// What is wrong with a message at this path.
    #[must_use]
    pub fn of_message(severity: Severity, path: String, problem: MessageProblem) -> Self {
        let said = Self::error(problem.code(), path, problem.words());
        Self { severity, hint: problem.hint(), rule: problem.rule(), of_message: Some(Box::new(problem)), ..said }
    }

    /// The same finding with what to do about it.
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
