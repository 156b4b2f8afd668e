//! A row as the template engine sees it: the columns that the message uses, by name.

use std::collections::HashSet;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::value::{Object, Value};
use minijinja::{Error, ErrorKind};

use super::keys::{ROW, has_other_spellings, of_two_columns, spelled_otherwise};

/// The columns, and which of them the message uses.
#[derive(Debug)]
pub(super) struct HeaderInUse {
    columns: Vec<String>,
    /// The names and positions of the columns in use, sorted by name.
    used: Vec<(String, usize)>,
    has_other_spellings: bool,
}

impl HeaderInUse {
    /// `variables` are the names that the templates look up.
    pub(super) fn new(columns: &[String], variables: &HashSet<String>) -> Self {
        let all = variables.contains(ROW) && !columns.iter().any(|column| column == ROW);
        let mut used: Vec<(String, usize)> = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| all || variables.contains(*column))
            .map(|(position, column)| (column.clone(), position))
            .collect();
        used.sort();
        // Of two columns with the same name, the first counts.
        used.dedup_by(|later, first| later.0 == first.0);
        Self { columns: columns.to_vec(), used, has_other_spellings: has_other_spellings(columns) }
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }
}

/// The marker for a row that was rendered as text: a noncharacter, which no text should contain (Unicode, 23.7).
const NO_TEXT: char = '\u{fdd0}';

/// Returns a rendered text, or an error if a row was rendered as text.
pub(super) fn is_text(text: String) -> Result<String, Error> {
    if text.contains(NO_TEXT) {
        return Err(Error::new(ErrorKind::InvalidOperation, "`row` alone is not text; write `row['column']`"));
    }
    Ok(text)
}

/// One row: the cells of the columns in use. An empty one is undefined.
pub(super) struct Row {
    header: Arc<HeaderInUse>,
    cells: Vec<Value>,
}

impl Row {
    pub(super) fn new(header: Arc<HeaderInUse>, cells: &[impl AsRef<str>]) -> Self {
        let cell = |(_, position): &(String, usize)| match cells.get(*position).map(AsRef::as_ref) {
            Some(cell) if !is_empty(cell) => Value::from(cell),
            _ => Value::UNDEFINED,
        };
        let cells = header.used.iter().map(cell).collect();
        Self { header, cells }
    }

    /// Returns the value of a key, made by the template, that is spelled unlike its column; an error if two columns
    /// have this name.
    fn other_spelling(&self, key: &str) -> Option<Value> {
        let column = match spelled_otherwise(&self.header.columns, key)? {
            Ok(column) => column,
            Err(columns) => {
                let words = of_two_columns(key, columns);
                return Some(Error::new(ErrorKind::InvalidOperation, words).into());
            }
        };
        let index = self.header.used.binary_search_by(|(name, _)| name.as_str().cmp(column)).ok()?;
        self.cells.get(index).filter(|cell| !cell.is_undefined()).cloned()
    }
}

impl fmt::Debug for Row {
    /// Leaves out the cells, which are personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").finish_non_exhaustive()
    }
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match self.header.used.binary_search_by(|(name, _)| name.as_str().cmp(key)) {
            Ok(index) => self.cells.get(index).filter(|cell| !cell.is_undefined()).cloned(),
            Err(_) if key == ROW => Some(Value::from_dyn_object(Arc::clone(self))),
            Err(_) if self.header.has_other_spellings => self.other_spelling(key),
            Err(_) => None,
        }
    }

    /// A row alone is not text: `{{ row }}` is a mistake. An error here would panic in filters that convert it to text,
    /// so it writes a marker, which [`is_text`] finds later.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(NO_TEXT)
    }
}

/// Whether a cell is empty or blank.
pub(super) fn is_empty(cell: &str) -> bool {
    cell.trim().is_empty()
}
