//! Judging rows: whether a record becomes a message that the provider's document takes.
//!
//! A row is judged once, when it is planned; sending it only renders it again.

use crate::messages::{self, Severity};
use crate::model::{Channel, Phone, Problem};
use crate::recipients::Record;
use crate::render::Renderer;

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
    renderer: Renderer,
    channel: Channel,
    /// Of each kind and place one, so no more than the message has places.
    warnings: Vec<Warning>,
}

impl Judge {
    pub(super) fn new(channel: Channel, renderer: Renderer) -> Self {
        Self { renderer, channel, warnings: Vec::new() }
    }

    /// What may not be right with the rows that were found good.
    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// Whether a record can become a message; its number and body, if so.
    pub(super) fn row(&mut self, record: &Record, body: &mut Vec<u8>) -> Result<Phone, Problem> {
        if let Some(problem) = &record.problem {
            return Err(problem.clone());
        }
        let phone: Phone = record.to.clone()?;
        self.renderer.render(phone, &record.cells, body).map_err(|error| error.problem)?;
        self.body(body)?;
        Ok(phone)
    }

    /// Whether the provider's document takes a body.
    fn body(&mut self, body: &[u8]) -> Result<(), Problem> {
        let body = serde_json::from_slice(body).map_err(|error| Problem::new("bad_body", error.to_string()))?;
        let findings = messages::check(self.channel, &body);
        let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        if let Some(first) = errors.next() {
            let more = match errors.count() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            return Err(Problem::new(first.code, format!("{first}{more}")));
        }
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
        Ok(())
    }
}
