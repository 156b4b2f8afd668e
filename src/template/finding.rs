//! Findings about a definition.

use std::fmt;

/// Something that is not right with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding this is: stable and short, such as `too_long`.
    pub code: &'static str,
    /// Where in the definition it is: `components[0].text`. For something that is missing, where it should be.
    pub path: String,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It is refused, by the documents.
    Error,
    /// It may be refused, or not be what was meant.
    Warning,
}

impl Finding {
    pub(crate) fn error(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, path: path.into(), message: message.into(), hint: None }
    }

    pub(crate) fn warning(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, message) }
    }

    /// A key that is left out of what a provider gets; the template can do without.
    pub(crate) fn left_out(path: String, why: &str) -> Self {
        let key = path.rsplit('.').next().unwrap_or_default();
        let message = format!("`{key}` is left out: {why}");
        Self::warning("left_out", path, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Displayed as the path, what is wrong and what to do, on one line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}
