//! Judging rows: whether a record becomes a message that the provider's document takes.
//!
//! A row is judged once, when it is planned; sending it only renders it again. Everything that is wrong with it is told
//! at once: its number, its cells, and what the document says about the message they make.

use crate::messages::{self, Finding, Severity};
use crate::model::{Channel, Phone, RowProblem};
use crate::recipients::Record;
use crate::render::Renderer;

use super::links::{Links, Noted};

/// Something that may not be right with rows that can be sent, told once however many they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind of warning it is: stable and short.
    pub code: &'static str,
    /// Where in the body it is.
    pub path: String,
    /// What it is about, in the words of the first row that has it.
    pub message: String,
    /// Rows that have it.
    pub rows: u64,
}

/// Decides about rows.
pub(super) struct Judge {
    /// A body that is used again for row after row.
    body: serde_json::Value,
    renderer: Renderer,
    channel: Channel,
    /// Of each kind and place one, so no more than the message has places.
    warnings: Vec<Warning>,
    /// The media links of the rows that were found good, where somebody wants to know.
    links: Option<Noted>,
}

impl Judge {
    pub(super) fn new(channel: Channel, renderer: Renderer) -> Self {
        Self { body: renderer.blank(), renderer, channel, warnings: Vec::new(), links: None }
    }

    /// Notes the media links of the rows from now on.
    pub(super) fn note_links(&mut self) {
        self.links = Some(Noted::default());
    }

    /// The media links that were noted.
    pub(super) fn take_links(&mut self) -> Links {
        self.links.take().map(Noted::into_links).unwrap_or_default()
    }

    /// What may not be right with the rows that were found good.
    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// Whether a record can become a message; its number, if so, or all that is wrong with it.
    pub(super) fn row(&mut self, record: &Record) -> Result<Phone, Vec<RowProblem>> {
        if let Some(problem) = &record.problem {
            // Its cells may not be what they seem, so there is nothing else to say.
            return Err(vec![problem.clone()]);
        }
        let to = record.to.as_ref().ok().copied();
        let mut problems = Vec::new();
        problems.extend(record.to.as_ref().err().cloned());
        if let Err(missing) = self.renderer.render_value(to, &record.cells, &mut self.body) {
            problems.extend(missing);
        }
        let findings = messages::check(self.channel, &self.body);
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let told: Vec<RowProblem> = errors
            .filter(|finding| !follows(finding, to, &problems))
            .map(|finding| in_the_message(finding, &self.renderer))
            .collect();
        problems.extend(told);
        match to {
            Some(phone) if problems.is_empty() => {
                self.note(findings);
                if let Some(links) = &mut self.links {
                    links.row(self.channel, &self.body, record.row);
                }
                Ok(phone)
            }
            _ => Err(problems),
        }
    }

    /// As [`Judge::row`], with the exact bytes of the body.
    pub(super) fn body(&mut self, record: &Record) -> Result<(Phone, Vec<u8>), Vec<RowProblem>> {
        let phone = self.row(record)?;
        let mut body = Vec::new();
        self.renderer.render(phone, &record.cells, &mut body)?;
        Ok((phone, body))
    }

    /// Takes note of the warnings about a row that can be sent.
    fn note(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            let same = |told: &&mut Warning| (told.code, &told.path) == (finding.code, &finding.path);
            match self.warnings.iter_mut().find(same) {
                Some(told) => told.rows += 1,
                None => self.warnings.push(Warning {
                    code: finding.code,
                    message: finding.to_string(),
                    path: finding.path,
                    rows: 1,
                }),
            }
        }
    }
}

/// Whether a finding is only what comes of a number or a text that could not be had.
fn follows(finding: &Finding, to: Option<Phone>, problems: &[RowProblem]) -> bool {
    let mut missing = problems.iter().filter_map(|problem| problem.path.as_deref());
    (finding.path == "to" && to.is_none()) || missing.any(|path| path.starts_with(&finding.path))
}

/// A finding as a problem of the row, with the columns that brought the value.
fn in_the_message(finding: &Finding, renderer: &Renderer) -> RowProblem {
    let mut problem = RowProblem::new(finding.code, finding.message.clone());
    problem.hint = finding.hint.as_deref().map(Into::into);
    problem.columns = renderer.columns_at(&finding.path).map(str::to_owned).collect();
    problem.columns.sort_unstable();
    problem.columns.dedup();
    problem.path = Some(finding.path.as_str().into());
    problem.value = finding.value.as_deref().map(Into::into);
    problem.rule = finding.rule.as_deref().map(Into::into);
    problem
}
