//! What is wrong with a row of the input, in parts: so that a person reads where to fix it, a program finds the column,
//! and the store keeps values. What is wrong with a campaign file is not here, nor what a provider says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cell::CellProblem;
use super::message::MessageProblem;
use super::number::NumberProblem;
use super::rule::Rule;
use super::template::Mismatch;
use super::time::TimeProblem;
use crate::text::escaped;

/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 40;

/// Why a row cannot become a message, or one of the reasons. The words are in `words`.
///
/// Displayed in one line: the columns, what is wrong, what to do, and where in the message it is. The value itself is
/// shown only where the message quotes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// What is wrong.
    pub what: Flaw,
    /// The columns that brought the value; none where no single cell did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Where in the message it is: `template.components[0].parameters[1].text`. `None` for what is not in the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Box<str>>,
    /// The value, shortened. The store, which has the cells, does not keep it.
    #[serde(skip)]
    pub value: Option<Box<str>>,
    /// The rule that it breaks, with its limit. The store does not keep it beside the problem.
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
    /// That message, held against its template.
    Template(Box<OffTemplate>),
}

/// What a message and its template do not agree on, and where in the template that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffTemplate {
    /// What they do not agree on.
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
    /// A problem that is told of no column and no place.
    #[must_use]
    pub fn new(what: Flaw) -> Self {
        Self { what, columns: Vec::new(), path: None, value: None, rule: None }
    }

    /// The same problem of a cell in this column.
    #[must_use]
    pub fn column(mut self, column: &str) -> Self {
        self.columns.push(column.to_owned());
        self
    }

    /// The same problem at this place of the message.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The same problem with the value that is wrong; it is shortened.
    #[must_use]
    pub fn value(mut self, value: &str) -> Self {
        self.value = (!value.is_empty()).then(|| shortened(value, SHOWN_CHARS).into());
        self
    }

    /// What kind of problem it is: stable and short, such as `bad_number` or `too_long`.
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

    /// Whether it is that the cell has no value.
    #[must_use]
    pub fn is_empty_cell(&self) -> bool {
        matches!(self.what, Flaw::Cell(CellProblem::Empty))
    }
}

impl fmt::Debug for RowProblem {
    /// Without the value and what may quote it, which are personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RowProblem");
        debug.field("code", &self.code()).field("columns", &self.columns).field("path", &self.path);
        debug.finish_non_exhaustive()
    }
}

/// A text as it is quoted: on one line, cut where it has more than so many characters, and [`escaped`].
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let mut short = escaped(&text[..end]).into_owned();
    if end < text.len() {
        short.push('…');
    }
    short
}
