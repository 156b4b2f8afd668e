//! The English of every problem that the program knows itself. Another language is another folder like this one; outside
//! of it problems are values.
//!
//! `list` has the words of numbers, cells and times; `message` and `rule` those of a message and of what its channel takes;
//! `template` those of a message and its template; `sending` those of the transport and of what was decided of a row.

mod list;
mod message;
mod rule;
mod sending;
mod template;

use std::fmt;

use super::known::Known;
use super::row_problem::{Flaw, RowProblem};
use crate::text::{escaped, escaped_name};

pub use list::column_by_key;

impl Known {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Row(cause) => cause.words(),
            Self::List(problems) => RowProblem::joined(problems),
            Self::Send(problem) => problem.words(),
        }
    }
}

impl RowProblem {
    /// What is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.what {
            Flaw::Number(problem) => problem.words(),
            Flaw::Cell(problem) => problem.words(),
            Flaw::Time(problem) => problem.words(),
            Flaw::Message(problem) => problem.words(),
            Flaw::Template(off) => off.mismatch.words(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.what {
            Flaw::Number(problem) => problem.hint(),
            Flaw::Cell(problem) => problem.hint(),
            Flaw::Time(problem) => Some(problem.hint().to_owned()),
            Flaw::Message(problem) => problem.hint(),
            Flaw::Template(off) => Some(format!("in the template it is `{}` ({})", off.path, off.source)),
        }
    }

    /// The columns as words: ``column `a` ``, ``columns `a`, `b` ``. `None` if there are none.
    #[must_use]
    pub fn columns_in_words(&self) -> Option<String> {
        let names: Vec<String> = self.columns.iter().map(|name| format!("`{}`", escaped_name(name))).collect();
        match names.len() {
            0 => None,
            1 => Some(format!("column {}", names.concat())),
            _ => Some(format!("columns {}", names.join(", "))),
        }
    }

    /// All that is wrong with one row in one line, as the report has it.
    #[must_use]
    pub fn joined(problems: &[Self]) -> String {
        problems.iter().map(Self::to_string).collect::<Vec<_>>().join(" | ")
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().filter(|path| !path.is_empty());
        let columns = self.columns_in_words();
        match (&columns, path) {
            (Some(columns), _) => write!(f, "{columns}: ")?,
            (None, Some(path)) => write!(f, "`{}`: ", escaped(path))?,
            (None, None) => {}
        }
        f.write_str(&self.message())?;
        self.hint().iter().try_for_each(|hint| write!(f, "; {hint}"))?;
        // A reader who fixes the cell does not need it; one who fixes the campaign does.
        path.filter(|_| columns.is_some()).iter().try_for_each(|path| write!(f, " (`{}`)", escaped(path)))
    }
}
