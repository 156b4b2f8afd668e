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
    /// A body that is used again for row after row.
    body: serde_json::Value,
    renderer: Renderer,
    channel: Channel,
    /// Of each kind and place one, so no more than the message has places.
    warnings: Vec<Warning>,
}

impl Judge {
    pub(super) fn new(channel: Channel, renderer: Renderer) -> Self {
        Self { body: renderer.blank(), renderer, channel, warnings: Vec::new() }
    }

    /// What may not be right with the rows that were found good.
    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// Whether a record can become a message; its number, if so.
    pub(super) fn row(&mut self, record: &Record) -> Result<Phone, Problem> {
        if let Some(problem) = &record.problem {
            return Err(problem.clone());
        }
        let phone: Phone = record.to.clone()?;
        self.renderer.render_value(phone, &record.cells, &mut self.body).map_err(|error| error.problem)?;
        self.check()?;
        Ok(phone)
    }

    /// As [`Judge::row`], with the exact bytes of the body.
    pub(super) fn body(&mut self, record: &Record) -> Result<(Phone, Vec<u8>), Problem> {
        let phone = self.row(record)?;
        let mut body = Vec::new();
        self.renderer.render(phone, &record.cells, &mut body).map_err(|error| error.problem)?;
        Ok((phone, body))
    }

    /// Whether the provider's document takes the body.
    fn check(&mut self) -> Result<(), Problem> {
        let findings = messages::check(self.channel, &self.body);
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
