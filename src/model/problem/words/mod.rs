//! The English words for every problem that the program itself reports. Outside this folder, problems are values;
//! another language would be another folder like this one.
//!
//! `recipient_list` covers numbers, cells and times; `message` and `rule` cover a message and what its channel accepts;
//! `template` covers a message and its template; `sending` covers the transport and decisions about a row; `reason` has
//! the short words by which problems are counted.

mod message;
mod reason;
mod recipient_list;
mod rule;
mod sending;
mod template;

use std::fmt;

use super::known::Known;
use super::row_problem::{Flaw, RowProblem};
use crate::text::{escaped, shown_column};

pub use recipient_list::{column_by_key, column_key};

impl Known {
    /// Describes the problem.
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
    /// Describes what is wrong, in a sentence without a full stop.
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

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.what {
            Flaw::Number(problem) => problem.hint(),
            Flaw::Cell(problem) => problem.hint(),
            Flaw::Time(problem) => Some(problem.hint().to_owned()),
            Flaw::Message(problem) => problem.hint(),
            Flaw::Template(off) => Some(format!("see `{}` in the template ({})", off.path, off.source)),
        }
    }

    /// Names the columns: ``column `a` ``, ``columns `a`, `b` ``. `None` if there are none.
    #[must_use]
    pub fn columns_in_words(&self) -> Option<String> {
        let names: Vec<String> = self.columns.iter().map(|name| format!("`{}`", shown_column(name))).collect();
        match names.len() {
            0 => None,
            1 => Some(format!("column {}", names.concat())),
            _ => Some(format!("columns {}", names.join(", "))),
        }
    }

    /// Joins all problems of one row into one line, as the report shows them.
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
        // Someone who fixes the cell does not need the path; someone who fixes the campaign does.
        path.filter(|_| columns.is_some()).iter().try_for_each(|path| write!(f, " (`{}`)", escaped(path)))
    }
}
