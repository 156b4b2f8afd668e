//! From a row as it was read to a record: its cells as text, and its number.
//!
//! It may be shared between threads. Nothing is read here, and nothing is kept.

use super::columns::Columns;
use super::phone::parse::Numbers;
use super::raw_rows::Rows;
use super::record::Record;
use crate::model::{CellProblem, RowProblem};
use crate::text::{is_blank, is_plain, without_marks};

/// Makes records of rows.
pub struct Decoder {
    pub(super) columns: Columns,
    numbers: Numbers,
}

impl Decoder {
    pub(super) fn new(columns: Columns, numbers: Numbers) -> Self {
        Self { columns, numbers }
    }

    /// The names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns.names
    }

    /// Makes the record of a row, by its index from 0. Where there is none, `record` stays what it was.
    pub fn decode(&self, rows: &Rows, index: usize, record: &mut Record) {
        let Some(raw) = rows.get(index) else { return };
        record.row = raw.row;
        record.line = raw.line;
        record.problem = raw.problem.cloned();
        record.is_plain = is_plain(raw.bytes());
        record.cells.resize_with(self.columns.names.len(), String::new);
        for ((cell, name), bytes) in record.cells.iter_mut().zip(&self.columns.names).zip(raw.cells()) {
            cell.clear();
            match std::str::from_utf8(bytes) {
                Ok(text) => cell.push_str(visible(text)),
                Err(_) => {
                    cell.push_str(&String::from_utf8_lossy(bytes));
                    record
                        .problem
                        .get_or_insert_with(|| RowProblem::from(CellProblem::NotUtf8).column(name).value(cell));
                }
            }
        }
        record.raw_to.clear();
        if let Some(cell) = record.cells.get(self.columns.to) {
            record.raw_to.push_str(cell);
        }
        // Where the cells are lost, so is the number, and it is not the number that is wrong.
        record.to = match &record.problem {
            Some(problem) if record.raw_to.is_empty() => Err(problem.clone()),
            _ => self.numbers.normalise(&record.raw_to).map_err(|problem| {
                let column = self.columns.names.get(self.columns.to).map_or("", String::as_str);
                problem.column(column).value(&record.raw_to)
            }),
        };
    }
}

/// A cell without marks that nobody sees at its ends; nothing where nothing of it is seen.
fn visible(cell: &str) -> &str {
    // Most cells begin and end with a visible character.
    let plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if plain(cell.as_bytes().first()) && plain(cell.as_bytes().last()) {
        return cell;
    }
    let visible = without_marks(cell);
    // A cell of blanks stays what it is: it counts as empty anyway.
    if is_blank(visible) && !visible.trim().is_empty() { "" } else { visible }
}
