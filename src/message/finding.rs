//! Findings of the check.

use std::fmt;

use super::schema::describe;
use crate::model::Severity;
use crate::text::escaped;

/// Something that is not right with a body. Displayed as the path, what is wrong and what to do, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding this is: stable and short, such as `too_long`.
    pub code: &'static str,
    /// Where in the body it is: `template.components[0].parameters[1].text`. A key that is not letters, digits, `_`
    /// and `-` stands in brackets as JSON. For something that is missing, where it should be.
    pub path: String,
    /// What is wrong, with the value, shortened, and the rule: one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The value, shortened; none for what is missing, and for lists and objects.
    pub value: Option<String>,
    /// The rule with its limit, in the words of the reference; none where no rule of the document is broken.
    pub rule: Option<String>,
}

impl Finding {
    pub(super) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn rule(&mut self, rule: impl fmt::Display) -> &mut Self {
        self.rule = Some(rule.to_string());
        self
    }

    pub(super) fn value(&mut self, value: &str) -> &mut Self {
        self.value = Some(describe::shortened(value));
        self
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
