//! Names the columns: each name belongs to one column, and the phone column must exist.

use std::collections::BTreeMap;

use super::error::{FOR_NUMBERS, OpenError};
use crate::model::Header;
use crate::text::{ambiguous_column, composed, distinct_columns, find_column, formula_text, trimmed};

/// The columns of a table.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    /// The index of the phone column.
    pub(super) to: usize,
}

impl Columns {
    /// Names the columns. `from` names the source, for error messages; `to` is the phone column, and `renamed` maps the
    /// new names of columns to their names in the table.
    ///
    /// Whitespace and zero-width marks around a name do not count, nor does the formula of `="phone"`. Neither do empty
    /// names at the end, which spreadsheets write for formerly used columns. A name shared by two columns belongs to
    /// neither; see [`distinct_columns`]. If `to` is empty, the first column stands for the phone column.
    pub(super) fn new(
        from: &str,
        names: &[String],
        to: &str,
        renamed: &BTreeMap<String, String>,
    ) -> Result<Self, OpenError> {
        let mut names: Vec<String> = names.iter().map(|name| of_cell(name)).collect();
        names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1));
        if names.is_empty() {
            return Err(OpenError::Empty { from: from.to_owned() });
        }
        let names = rename(from, distinct_columns(names), renamed)?;
        let to = if to.is_empty() { 0 } else { find(from, &names, to, FOR_NUMBERS)? };
        Ok(Self { names, to })
    }
}

/// Returns the names with the new ones.
fn rename(from: &str, old: Vec<String>, renamed: &BTreeMap<String, String>) -> Result<Vec<String>, OpenError> {
    let mut names = old.clone();
    let mut places = Vec::new();
    for (new, wanted) in renamed {
        let index = find(from, &old, wanted, "to rename")?;
        if let Some(name) = names.get_mut(index) {
            new.clone_into(name);
        }
        places.push(index);
    }
    for (new, index) in renamed.keys().zip(&places) {
        let is_new = |name: &String| find_column(std::slice::from_ref(name), new).is_some();
        let other = names.iter().enumerate().position(|(other, name)| other != *index && is_new(name));
        // Of columns with the same name, one may keep it.
        let keeps = old.get(*index).is_some_and(|name| *name == format!("{new} (column {})", index + 1));
        let shared = ambiguous_column(&old, new).filter(|_| !keeps);
        if let Some(other) = other.map(|other| other + 1).or(shared.map(|(first, _)| first)) {
            let (from, name) = (from.to_owned(), new.clone());
            return Err(OpenError::NameTaken { from, name, columns: (index + 1, other) });
        }
    }
    Ok(names)
}

/// Returns the index of a column that the campaign uses. `purpose` says what for.
fn find(from: &str, names: &[String], wanted: &str, purpose: &'static str) -> Result<usize, OpenError> {
    let missing = || {
        let (from, wanted) = (from.to_owned(), wanted.to_owned());
        match ambiguous_column(names, &wanted) {
            Some(columns) => OpenError::DuplicateColumn { from, wanted, columns },
            None => OpenError::NoColumn { from, wanted, purpose, header: Header::new(names) },
        }
    };
    find_column(names, wanted).ok_or_else(missing)
}

/// Returns the name in a cell of the header.
fn of_cell(cell: &str) -> String {
    let name = trimmed(cell);
    let name = formula_text(name).map_or_else(|| name.to_owned(), |name| trimmed(&name).to_owned());
    composed(&name).into_owned()
}
