//! Problems of an input row as structured values: people read where to fix them, programs find the column, and the
//! store keeps values. Problems of a campaign file and words of a provider are not here.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cell::CellProblem;
use super::message::MessageProblem;
use super::number::NumberProblem;
use super::rule::Rule;
use super::shortened::{SHOWN_CHARS, shortened};
use super::template::Mismatch;
use super::time::TimeProblem;

/// One reason why a row cannot become a message. The words are in `words`.
///
/// Displayed on one line: the columns, what is wrong, what to do, and where in the message it is. The value itself
/// appears only if the text quotes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// What is wrong.
    pub what: Flaw,
    /// The columns that the value came from; empty if it did not come from cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Where in the message it is: `template.components[0].parameters[1].text`. `None` if it is not in the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Box<str>>,
    /// The value, shortened. Not stored, because the store has the cells.
    #[serde(skip)]
    pub value: Option<Box<str>>,
    /// The broken rule, with its limit. Not stored.
    #[serde(skip)]
    pub rule: Option<Box<Rule>>,
}

/// What can be wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Its number.
    Number(NumberProblem),
    /// The row, or a cell that the message uses.
    Cell(CellProblem),
    /// Its time.
    Time(TimeProblem),
    /// The message that it makes.
    Message(Box<MessageProblem>),
    /// That message, compared with its template.
    Template(Box<OffTemplate>),
}

/// A mismatch between a message and its template, and where in the template it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffTemplate {
    /// The mismatch.
    pub mismatch: Mismatch,
    /// The path in the definition.
    pub path: String,
    /// Where the definition is from: file, line and column, or the provider that it was pulled from, in words.
    pub source: String,
}

impl From<NumberProblem> for RowProblem {
    fn from(problem: NumberProblem) -> Self {
        Self::new(Flaw::Number(problem))
    }
}

impl From<CellProblem> for RowProblem {
    fn from(problem: CellProblem) -> Self {
        Self::new(Flaw::Cell(problem))
    }
}

impl From<TimeProblem> for RowProblem {
    fn from(problem: TimeProblem) -> Self {
        Self::new(Flaw::Time(problem))
    }
}

impl RowProblem {
    /// Returns a problem without a column or a place.
    #[must_use]
    pub fn new(what: Flaw) -> Self {
        Self { what, columns: Vec::new(), path: None, value: None, rule: None }
    }

    /// Adds a column.
    #[must_use]
    pub fn column(mut self, column: &str) -> Self {
        self.columns.push(column.to_owned());
        self
    }

    /// Sets the place in the message.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the wrong value, shortened.
    #[must_use]
    pub fn value(mut self, value: &str) -> Self {
        self.value = (!value.is_empty()).then(|| shortened(value, SHOWN_CHARS).into());
        self
    }

    /// Returns the stable code, such as `bad_number` or `too_long`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.what {
            Flaw::Number(problem) => problem.code(),
            Flaw::Cell(problem) => problem.code(),
            Flaw::Time(problem) => problem.code(),
            Flaw::Message(problem) => problem.code(),
            Flaw::Template(off) => off.mismatch.code(),
        }
    }

    /// Whether the campaign file may be at fault: no cell is.
    #[must_use]
    pub fn may_be_of_the_campaign(&self) -> bool {
        let is_of_message =
            matches!(self.what, Flaw::Cell(CellProblem::NoColumn { .. }) | Flaw::Message(_) | Flaw::Template(_));
        is_of_message && self.columns.is_empty() && self.path.as_deref().is_some_and(|path| !path.is_empty())
    }

    /// Makes every text that is too long by itself say how many characters must go for the texts of the template that
    /// contain it too.
    pub fn shorten_for_all(problems: &mut [Self]) {
        let of_template: Vec<(Box<str>, usize)> = problems
            .iter()
            .filter_map(|problem| match &problem.what {
                Flaw::Template(off) => match off.mismatch {
                    Mismatch::TooLong { chars, most, .. } => Some((problem.path.clone()?, chars.saturating_sub(most))),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        for problem in problems {
            let Flaw::Message(of_message) = &mut problem.what else { continue };
            let MessageProblem::TooLong { excess, .. } = &mut **of_message else { continue };
            let Some(path) = problem.path.as_deref() else { continue };
            let is_within = |whole: &str| {
                path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
            };
            *excess = of_template.iter().filter(|(whole, _)| is_within(whole)).map(|(_, excess)| *excess).max();
        }
    }

    /// Whether the problem is an empty cell.
    #[must_use]
    pub fn is_empty_cell(&self) -> bool {
        matches!(self.what, Flaw::Cell(CellProblem::Empty))
    }
}

impl fmt::Debug for RowProblem {
    /// Leaves out the value and anything that may quote it, which are personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RowProblem");
        debug.field("code", &self.code()).field("columns", &self.columns).field("path", &self.path);
        debug.finish_non_exhaustive()
    }
}
