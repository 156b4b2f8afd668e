//! Template management: one definition in WhatsApp's vocabulary, and the two providers that keep templates.
//!
//! A definition is read from YAML ([`read`]), held against the documented rules ([`check`]), translated into NXLink's
//! fields or CAMS's components, compared with what a provider has ([`diff()`]), and held against a rendered message
//! ([`Loaded::hold`]). What a provider has can be kept as it stood ([`Snapshot`]). The providers' dialects, signatures and error codes are in their own folders. This module knows
//! nothing of campaigns, rows or the store, and never prints.

mod api;
mod definition;
mod diff;
mod fields;
mod hold;
mod http;
mod read;
mod rules;
mod snapshot;
mod variables;

pub mod cams;
pub mod nxlink;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use crate::model::escaped;
use crate::yaml::{self, Document, FileError, FileKind, FileProblem, Places};

pub use api::{Answer, Error, RemoteTemplate, TemplateApi, TemplateSummary, Translated};
pub use definition::{
    Body, Button, ButtonKind, Card, Category, Component, Definition, Examples, Footer, Format, Header, Nxlink, Offer,
};
pub use diff::{Change, diff};
pub use hold::Disagreement;
pub use rules::check;
pub use snapshot::Snapshot;

/// Template definitions, as their problems speak of them.
static DEFINITION: FileKind = FileKind {
    name: "template",
    needs: "a template needs `name`, `language`, `category` and `components`",
    too_large: "no template comes near that size",
    cells: &[],
};

/// A definition, and its file to show problems in.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the file means.
    pub definition: Definition,
    /// Where its parts are: `components[0].buttons[1].url`.
    pub places: Places,
    /// The file's text.
    pub document: Document,
    /// Where it is from, in words, if not from a file.
    pub origin: Option<String>,
    /// Whether it tells of a header or footer, if there is one.
    pub complete: bool,
}

impl Loaded {
    /// Holds a rendered WhatsApp message against this template; nothing if it is no template message.
    #[must_use]
    pub fn hold(&self, message: &serde_json::Value) -> Vec<Disagreement> {
        let mut found = self.definition.hold(message);
        found.retain(|found| self.complete || found.code != "no_header");
        found
    }

    /// A place of the definition, in words for who reads of it somewhere else.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        if let Some(origin) = &self.origin {
            return format!("`{path}` ({origin})");
        }
        let place = self.places.of(path);
        format!("`{path}` ({}:{}:{})", self.document.path().display(), place.line, place.column)
    }

    /// These findings as a person reads them, each at its place in the file: the errors with their lines, then the
    /// warnings, one on a line.
    #[must_use]
    pub fn show(&self, findings: &[Finding], color: bool) -> String {
        self.with_warnings(self.document.show(&self.errors(findings), color), findings)
    }

    /// These findings in a line each; see [`Document::tell`].
    #[must_use]
    pub fn tell(&self, findings: &[Finding]) -> String {
        self.with_warnings(self.document.tell(&self.errors(findings)), findings)
    }

    fn errors(&self, findings: &[Finding]) -> Vec<FileProblem> {
        let problem = |finding: &Finding| {
            let problem = FileProblem::new(finding.code, self.places.of(&finding.path), finding.message.as_str());
            match &finding.hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        };
        findings.iter().filter(|finding| finding.is_error()).map(problem).collect()
    }

    fn with_warnings(&self, mut shown: String, findings: &[Finding]) -> String {
        for warning in findings.iter().filter(|finding| !finding.is_error()) {
            let place = self.places.of(&warning.path);
            let path = self.document.path().display();
            let hint = warning.hint.iter().map(|hint| format!("; {hint}")).collect::<String>();
            let Finding { code, message, .. } = warning;
            let gap = if shown.is_empty() { "" } else { "\n" };
            let line = format!("warning: {path}:{}:{}: {message}{hint} [{code}]", place.line, place.column);
            shown += &format!("{gap}{}", escaped(&line));
        }
        shown
    }
}

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
    pub(super) fn error(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, path: path.into(), message: message.into(), hint: None }
    }

    pub(super) fn warning(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, message) }
    }

    /// A key that is left out of what a provider gets; the template can do without.
    pub(super) fn left_out(path: String, why: &str) -> Self {
        let key = path.rsplit('.').next().unwrap_or_default();
        let message = format!("`{key}` is left out: {why}");
        Self::warning("left_out", path, message)
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
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

/// Reads a definition file: its shape, not yet its rules; see [`check`].
///
/// # Errors
///
/// If the file cannot be read, or is not shaped like a definition.
pub fn read(path: &Path) -> Result<Loaded, FileError> {
    parse(&yaml::read(path, &DEFINITION)?, path)
}

/// Reads a definition from a text. `path` is where the text is from.
///
/// # Errors
///
/// If the text is not shaped like a definition.
pub fn parse(text: &str, path: &Path) -> Result<Loaded, FileError> {
    let decode = |root: &yaml::Node<'_>, problems: &mut yaml::Found| {
        let (value, places) = yaml::json(root, yaml::Place::TOP, problems);
        if !problems.is_empty() {
            return None;
        }
        let (definition, findings) = read::definition(&value);
        for Finding { code, path, message, hint, .. } in findings {
            let place = if code == read::UNKNOWN_KEY { places.of_key(&path) } else { places.of(&path) };
            let problem = FileProblem::new(code, place, message);
            problems.push(FileProblem { hint, ..problem });
        }
        Some((definition?, places))
    };
    let ((definition, places), document) = yaml::parse(text, path, &DEFINITION, decode)?;
    Ok(Loaded { definition, places, document, origin: None, complete: true })
}
