//! Checks the column names: each must be unique, and the phone column must exist.

use std::collections::HashMap;

use super::error::OpenError;
use crate::model::Header;
use crate::text::{find_column, formula_text, trimmed};

/// The columns of a table.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    /// The index of the phone column.
    pub(super) to: usize,
}

impl Columns {
    /// Checks the names. `from` names the source, for error messages.
    ///
    /// Whitespace and zero-width marks around a name do not count, nor does the formula of `="phone"`. Neither do empty
    /// names at the end, which spreadsheets write for formerly used columns. Without `to`, the first column stands for
    /// the phone column.
    pub(super) fn new(from: &str, names: Vec<String>, to: Option<&str>) -> Result<Self, OpenError> {
        let mut names: Vec<String> = names.iter().map(|name| of_cell(name)).collect();
        names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1));
        if names.is_empty() {
            return Err(OpenError::Empty { from: from.to_owned() });
        }
        if let Some(at) = names.iter().position(String::is_empty) {
            let what = format!("has no name for column {}; add one, or delete the column", at + 1);
            return Err(OpenError::Header { from: from.to_owned(), what });
        }
        let header = || Header::new(&names);
        let mut seen = HashMap::new();
        let twice = names.iter().zip(1..).find_map(|(name, place)| Some((seen.insert(name, place)?, place)));
        if let Some(columns) = twice {
            return Err(OpenError::DuplicateColumn { from: from.to_owned(), columns, header: header() });
        }
        let missing = |wanted: &str| {
            let (from, wanted) = (from.to_owned(), wanted.to_owned());
            OpenError::NoColumn { from, wanted, header: header() }
        };
        let to = match to {
            Some(to) => find_column(&names, to).ok_or_else(|| missing(to))?,
            None => 0,
        };
        Ok(Self { names, to })
    }
}

/// Returns the name in a cell of the header.
fn of_cell(cell: &str) -> String {
    let name = trimmed(cell);
    formula_text(name).map_or_else(|| name.to_owned(), |name| trimmed(&name).to_owned())
}
