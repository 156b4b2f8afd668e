//! A row as the template engine sees it: the columns that the message uses, by name.

use std::collections::HashSet;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::value::{Object, Value};
use minijinja::{Error, ErrorKind};

/// The name under which a template finds the row itself, for columns whose names are not identifiers. A column
/// of this name hides it.
pub(super) const ROW: &str = "row";

/// The columns, and which of them the message uses.
#[derive(Debug)]
pub(super) struct HeaderInUse {
    columns: Vec<String>,
    /// Name and position of the columns in use, in the order of their names.
    used: Vec<(String, usize)>,
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
        // Of two columns of one name, the first counts.
        used.dedup_by(|later, first| later.0 == first.0);
        Self { columns: columns.to_vec(), used }
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }
}

/// What stands in a text where a row was put in: a noncharacter, which no text should hold (Unicode, 23.7).
const NO_TEXT: char = '\u{fdd0}';

/// A rendered text, if no row was put into it.
pub(super) fn is_text(text: String) -> Result<String, Error> {
    if text.contains(NO_TEXT) {
        return Err(Error::new(ErrorKind::InvalidOperation, "`row` by itself is no text: write `row[\"column\"]`"));
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
}

impl fmt::Debug for Row {
    /// Without the cells, which are personal.
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
            Err(_) => (key == ROW).then(|| Value::from_dyn_object(Arc::clone(self))),
        }
    }

    /// A row by itself is no text: `{{ row }}` is a mistake. An error here would be a panic in filters that make a text
    /// of it, so a mark is left that whoever has the whole text looks for.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(NO_TEXT)
    }
}

/// Whether a cell counts as empty: a text of blanks says no more than none.
pub(super) fn is_empty(cell: &str) -> bool {
    cell.trim().is_empty()
}
