//! Messages: a request body in, what is wrong with it out, so that everything that can be known before sending is.
//!
//! What each channel takes is in tables; the check reads them, and so does the reference ([`reference()`]), so that the
//! two cannot say different things. The limits are those of the document "Messages API" of INCS and, for the
//! parameters of WhatsApp templates, of Meta's Cloud API, which the provider hands them on to.
//!
//! What a document does not forbid passes, with a warning where it is not known to be right. Nothing is sent or
//! fetched here: whether a template exists and what it needs are for the provider to say, how large a file is for
//! its server.

mod link;
mod links;
mod open;
mod path;
mod reference;
mod rules;
mod shape;
mod tables;
mod text;
mod walk;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use crate::model::{Channel, escaped};

use path::Path;
use walk::Check;

pub use link::{is_public, why_not_public};
pub use links::links;
pub use open::Open;
pub use reference::reference;
pub use shape::Media;

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
    fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    fn rule(&mut self, rule: impl fmt::Display) -> &mut Self {
        self.rule = Some(rule.to_string());
        self
    }

    fn value(&mut self, value: &str) -> &mut Self {
        self.value = Some(words::shortened(value));
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

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The provider's document, or Meta's, says that this is refused.
    Error,
    /// It may be refused, or not be what was meant.
    Warning,
}

/// The code of the warning that a message only reaches those who wrote within the last 24 hours. It is about the kind
/// of message, and so the same for every row of a campaign.
pub const SESSION_ONLY: &str = "session_only";

/// Everything that is wrong with a body as it would be posted, `to` and all: first what is there, from the top, then
/// what is missing. No memory is taken if nothing is.
#[must_use]
pub fn check(channel: Channel, body: &Value) -> Vec<Finding> {
    look(channel, body, Check::new(false)).findings
}

/// Everything that is wrong with a campaign's message whatever the row: `to` is not in it, and a text with `{{`, `{%`
/// or `{#` may become any text that is right.
#[must_use]
pub fn check_message(channel: Channel, message: &Value) -> Vec<Finding> {
    look(channel, message, Check::new(true)).findings
}

fn look(channel: Channel, body: &Value, mut check: Check) -> Check {
    let sheet = tables::sheet(channel);
    text::characters(&mut check, body, &Path::Root);
    let Some(map) = body.as_object() else {
        let is = words::kind_of(body);
        check.error(&Path::Root, "wrong_type", format!("a message has to be an object with a `type`, and is {is}"));
        return check;
    };
    let kind = check.object(&sheet.body, map, &Path::Root);
    if let (Some(kind), Some(at_any_time)) = (kind, sheet.at_any_time)
        && !at_any_time.contains(&kind.name)
    {
        let words = format!(
            "on {} a message of the type `{}` reaches only those who wrote to you within the last 24 hours",
            sheet.title, kind.name
        );
        let hint = format!("for anyone else send {}", words::list(at_any_time.iter().copied()));
        check.warning(&Path::Root.key("type"), SESSION_ONLY, words).hint(hint).value(kind.name);
    }
    check
}
