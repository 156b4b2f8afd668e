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
    /// names at the end, which spreadsheets write for formerly used columns.
    pub(super) fn new(from: &str, names: Vec<String>, to: &str) -> Result<Self, OpenError> {
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
        let Some(index) = find_column(&names, to) else {
            return Err(OpenError::NoColumn { from: from.to_owned(), wanted: to.to_owned(), header: header() });
        };
        Ok(Self { names, to: index })
    }
}

/// Returns the name in a cell of the header.
fn of_cell(cell: &str) -> String {
    let name = trimmed(cell);
    formula_text(name).map_or_else(|| name.to_owned(), |name| trimmed(&name).to_owned())
}
