//! Definitions from files.

use std::path::Path;

use super::conformance::Disagreement;
use super::decode;
use super::definition::Definition;
use crate::model::{Finding, Mismatch};
use crate::text::escaped;
use crate::yaml::{self, Document, FileError, FileKind, FileProblem, Places};

/// How problems refer to template definitions.
static DEFINITION: FileKind = FileKind {
    name: "template",
    needs: "a template needs `name`, `language`, `category` and `components`",
    too_large: "check that this is a template definition",
    cells: &[],
};

/// A definition, with its file for showing problems.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The definition.
    pub definition: Definition,
    /// The places of its parts, by path: `components[0].buttons[1].url`.
    pub places: Places,
    /// The file's text.
    pub document: Document,
    /// Its origin in words, if it is not from a file.
    pub origin: Option<String>,
    /// Whether it includes any header and footer of the template.
    pub complete: bool,
}

impl Loaded {
    /// Compares a rendered WhatsApp message with this template; returns nothing if it is not a template message.
    #[must_use]
    pub fn hold(&self, message: &serde_json::Value) -> Vec<Disagreement> {
        let mut found = self.definition.hold(message);
        found.retain(|found| self.complete || found.mismatch != Mismatch::NoHeader);
        found
    }

    /// Describes where a path of the definition is: its origin, or file, line and column.
    #[must_use]
    pub fn source_of(&self, path: &str) -> String {
        if let Some(origin) = &self.origin {
            return origin.clone();
        }
        let place = self.places.of(path);
        format!("{}:{}:{}", self.document.path().display(), place.line, place.column)
    }

    /// Formats findings for the terminal: errors with their lines of the file, then warnings, one per line.
    #[must_use]
    pub fn show(&self, findings: &[Finding], color: bool) -> String {
        self.with_warnings(self.document.show(&self.errors(findings), color), findings)
    }

    /// Formats findings on one line each; see [`Document::tell`].
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

/// Reads a definition file. Checks its structure, but not its rules; see [`super::check`].
///
/// # Errors
///
/// When the file cannot be read, or does not have the structure of a definition.
pub fn read(path: &Path) -> Result<Loaded, FileError> {
    parse(&yaml::read(path, &DEFINITION)?, path)
}

/// Reads a definition from text. `path` is where the text is from.
///
/// # Errors
///
/// When the text does not have the structure of a definition.
pub fn parse(text: &str, path: &Path) -> Result<Loaded, FileError> {
    let read = |root: &yaml::Node<'_>, problems: &mut yaml::FoundProblems| {
        let (value, places) = yaml::json(root, yaml::Place::TOP, problems);
        if !problems.is_empty() {
            return None;
        }
        let (definition, findings) = decode::definition(&value);
        for Finding { code, path, message, hint, .. } in findings {
            let place = if code == decode::UNKNOWN_KEY { places.of_key(&path) } else { places.of(&path) };
            let problem = FileProblem::new(code, place, message);
            problems.push(FileProblem { hint, ..problem });
        }
        Some((definition?, places))
    };
    let ((definition, places), document) = yaml::parse(text, path, &DEFINITION, read)?;
    Ok(Loaded { definition, places, document, origin: None, complete: true })
}
