//! The names of the columns, checked: every one has a name of its own, and the one with the numbers is there.

use std::collections::HashMap;

use super::error::OpenError;
use crate::model::Header;
use crate::text::plain_name;

/// The columns of a table.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    /// The index of the column with the numbers.
    pub(super) to: usize,
}

impl Columns {
    /// Checks the names. `from` says whose columns they are, for the messages.
    ///
    /// Blanks and marks without a width around a name do not count, nor do empty names at the end, which spreadsheets
    /// write for columns that were once in use.
    pub(super) fn new(from: &str, names: Vec<String>, to: &str) -> Result<Self, OpenError> {
        let mut names: Vec<String> = names.iter().map(|name| plain_name(name).to_owned()).collect();
        names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1));
        if names.is_empty() {
            return Err(OpenError::Empty { from: from.to_owned() });
        }
        if let Some(at) = names.iter().position(String::is_empty) {
            let what = format!("has no name for column {}: give it one, or delete the column", at + 1);
            return Err(OpenError::Header { from: from.to_owned(), what });
        }
        let header = || Header::new(&names);
        let mut seen = HashMap::new();
        let twice = names.iter().zip(1..).find_map(|(name, place)| Some((seen.insert(name, place)?, place)));
        if let Some(columns) = twice {
            return Err(OpenError::DuplicateColumn { from: from.to_owned(), columns, header: header() });
        }
        let Some(index) = names.iter().position(|name| name == plain_name(to)) else {
            return Err(OpenError::NoColumn { from: from.to_owned(), wanted: to.to_owned(), header: header() });
        };
        Ok(Self { names, to: index })
    }
}
