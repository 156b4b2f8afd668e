//! Warnings about rows that can be sent: one for each kind and place, however many rows it concerns.

use serde_json::Value;

use crate::model::{Finding, Flaw, MessageProblem, Millis, RowNumber, RowProblem, Severity};
use crate::recipients::{ListNote, Record};

/// The most rows of a warning that are remembered.
const MAX_ROWS: usize = 3;

/// A warning about rows that can be sent, or about the whole list, reported once however many rows it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind of warning it is: stable and short.
    pub code: &'static str,
    /// The columns that the value came from; empty if it did not come from cells.
    pub columns: Vec<String>,
    /// Where in the body the problem is; empty if it is not in the body.
    pub path: String,
    /// The warning, worded for the first row that has it.
    pub message: String,
    /// The first rows that have it; empty for a warning about the list.
    pub first: Vec<WarnedRow>,
    /// Number of rows that have it; 0 if it is about the list as a whole.
    pub rows: u64,
}

/// A row that has a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarnedRow {
    /// The row.
    pub row: RowNumber,
    /// The line where it starts.
    pub line: u64,
    /// The value with the problem, if it is known, shortened.
    pub value: Option<Box<str>>,
}

impl Warning {
    /// Returns a warning about the campaign as a whole.
    #[must_use]
    pub fn of_campaign(code: &'static str, message: String) -> Self {
        Self { code, columns: Vec::new(), path: String::new(), message, first: Vec::new(), rows: 0 }
    }

    /// Returns the warning about a row with this problem.
    pub(in crate::engine) fn new(problem: &RowProblem, record: &Record) -> Self {
        // Problems of the message quote the value.
        let quotes = matches!(problem.what, Flaw::Message(_) | Flaw::Template(_));
        let message = match (problem.columns_in_words(), &problem.value) {
            (Some(columns), Some(value)) if !quotes => {
                let hint = problem.hint().map_or_else(String::new, |hint| format!("; {hint}"));
                format!("{columns} (`{value}`): {}{hint}", problem.message())
            }
            _ => problem.to_string(),
        };
        let path = problem.path.as_deref().unwrap_or_default().to_owned();
        let first = vec![WarnedRow { row: record.row, line: record.line, value: problem.value.clone() }];
        Self { code: problem.code(), columns: problem.columns.clone(), path, message, first, rows: 1 }
    }

    /// Returns the warning about a row with this finding.
    pub(in crate::engine) fn of_finding(finding: &Finding, problem: Option<&RowProblem>, record: &Record) -> Self {
        match problem {
            Some(problem) => Self::new(problem, record),
            None => Self {
                code: finding.code,
                columns: Vec::new(),
                path: finding.path.clone(),
                message: finding.to_string(),
                first: vec![WarnedRow { row: record.row, line: record.line, value: None }],
                rows: 1,
            },
        }
    }
}

impl From<ListNote> for Warning {
    fn from(ListNote { code, message, rows }: ListNote) -> Self {
        Self { rows, ..Self::of_campaign(code, message) }
    }
}

/// Counts a warning about a row. `column` tells warnings with the same place apart.
pub(in crate::engine) fn note(
    warnings: &mut Vec<Warning>,
    (code, path, column): (&'static str, &str, Option<&str>),
    new: impl FnOnce() -> Warning,
) {
    let is_same = |known: &&mut Warning| {
        (known.code, known.path.as_str()) == (code, path)
            && column.is_none_or(|column| known.columns.iter().any(|known| known == column))
    };
    match warnings.iter_mut().find(is_same) {
        Some(known) => {
            known.rows += 1;
            if known.first.len() < MAX_ROWS {
                known.first.extend(new().first);
            }
        }
        None => warnings.push(new()),
    }
}

/// Merges the warnings of later rows.
pub(in crate::engine) fn add(warnings: &mut Vec<Warning>, later: Vec<Warning>) {
    for warning in later {
        let is_same = |known: &&mut Warning| {
            (known.code, &known.path, &known.columns) == (warning.code, &warning.path, &warning.columns)
        };
        match warnings.iter_mut().find(is_same) {
            Some(known) => {
                known.rows += warning.rows;
                known.first.extend(warning.first);
                known.first.truncate(MAX_ROWS);
            }
            None => warnings.push(warning),
        }
    }
}

/// Returns a warning if the limited-time offer of a message has ended at `now`.
pub(in crate::engine) fn ended_offer(body: &Value, now: Millis) -> Option<Finding> {
    let components = body["template"]["components"].as_array()?;
    let is_offer = |component: &Value| {
        component["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("limited_time_offer"))
    };
    let (place, offer) = components.iter().enumerate().find(|(_, component)| is_offer(component))?;
    let at = Millis(offer["parameters"][0]["limited_time_offer"]["expiration_time_ms"].as_i64()?);
    let path = format!("template.components[{place}].parameters[0].limited_time_offer.expiration_time_ms");
    (at <= now).then(|| Finding::of_message(Severity::Warning, path, MessageProblem::OfferEnded { at }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_offer_has_ended_from_its_last_millisecond_on() {
        let offer = |at: i64| {
            let parameters = json!([{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": at}}]);
            json!({"template": {"components": [
                {"type": "body"}, {"type": "LIMITED_TIME_OFFER", "parameters": parameters}]}})
        };
        let ended = |at| ended_offer(&offer(at), Millis(1_000_000));
        assert_eq!((ended(1_000_001), ended_offer(&json!({"type": "text"}), Millis(1))), (None, None));
        let finding = ended(1_000_000).unwrap();
        assert!(!finding.is_error() && finding.path.starts_with("template.components[1].parameters[0]"), "{finding}");
    }
}
