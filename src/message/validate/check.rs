//! The state of a check.

use std::cell::Cell;

use crate::message::path::Path;
use crate::message::schema::types::Shape;
use crate::model::{Finding, MessageProblem, Severity};

/// The findings and state of a check.
pub(in crate::message) struct Check {
    /// The findings, in order.
    pub(in crate::message) findings: Vec<Finding>,
    /// Whether the body is a campaign's message: its templates are unknown texts, and it has no `to`.
    pub(in crate::message) message: bool,
    /// The kind of a body that names none, if the API allows that.
    pub(in crate::message) default_kind: Option<&'static str>,
    /// The templates for which only their own text matters.
    pub(in crate::message) open: Vec<OpenText>,
    /// The characters left for templates that share a limit.
    pub(in crate::message) spare: usize,
    /// Whether a template was found whose text is compared with others.
    pub(in crate::message) entangled: Cell<bool>,
}

/// A template in a message.
pub(in crate::message) struct OpenText {
    pub(in crate::message) path: String,
    pub(in crate::message) shape: Shape,
}

impl Check {
    pub(in crate::message) fn new(message: bool) -> Self {
        Self {
            findings: Vec::new(),
            message,
            default_kind: None,
            open: Vec::new(),
            spare: usize::MAX,
            entangled: Cell::new(false),
        }
    }

    /// Adds an error.
    pub(in crate::message) fn error(&mut self, at: &Path<'_>, problem: MessageProblem) -> &mut Finding {
        self.add(Severity::Error, at, problem)
    }

    /// Adds a warning.
    pub(in crate::message) fn warning(&mut self, at: &Path<'_>, problem: MessageProblem) -> &mut Finding {
        self.add(Severity::Warning, at, problem)
    }

    fn add(&mut self, severity: Severity, at: &Path<'_>, problem: MessageProblem) -> &mut Finding {
        let last = self.findings.len();
        self.findings.push(Finding::of_message(severity, at.to_string(), problem));
        &mut self.findings[last]
    }

    /// Whether a text is a template; if so, records that its result affects other values.
    pub(in crate::message) fn is_open(&self, text: &str) -> bool {
        let open = self.is_template(text);
        self.entangled.set(self.entangled.get() || open);
        open
    }

    /// Whether a text is a template.
    pub(in crate::message) fn is_template(&self, text: &str) -> bool {
        self.message && ["{{", "{%", "{#"].iter().any(|sign| text.contains(sign))
    }
}
