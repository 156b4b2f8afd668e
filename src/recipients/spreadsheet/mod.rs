//! Spreadsheets: `.xlsx`, `.ods` and `.xls` files as tables of the texts that a person sees.
//!
//! `file` detects the type of a file, whatever its extension. `package` opens an archive with XML for `xlsx`,
//! `xlsx_sheet` and `ods`; `biff` reads the records for `xls`. `sheets` chooses a sheet, `cells` holds what cells
//! share, `number_format` displays numbers, `grid` holds the rows, and `date_cells` notes columns in which not every
//! cell is a date.
//!
//! A sheet is in memory as text. Every size is limited: 100 MiB for the file, 128 MiB for the text of the cells, and
//! 128 MiB for the texts that cells share.

mod biff;
mod cells;
mod date_cells;
mod file;
mod grid;
mod number_format;
mod ods;
mod package;
mod sheets;
mod unreadable;
mod xls;
mod xlsx;
mod xlsx_sheet;

use std::path::Path;

use super::columns::Columns;
use super::error::OpenError;
use super::note::ListNote;
use super::raw_rows::Rows;
use crate::model::{CellProblem, NumberProblem, Recipients, RowProblem};
use crate::text::escaped;

/// The rows of a sheet.
pub(super) struct Spreadsheet {
    cells: grid::Cells,
    next: usize,
    /// The phone column, and its name.
    to: (usize, String),
    notes: Vec<ListNote>,
    digest: String,
    length: u64,
}

impl Spreadsheet {
    /// Reads a sheet, the named one or the only visible one, and the names of its columns.
    pub(super) fn read(
        path: &Path,
        sheet: Option<&str>,
        recipients: &Recipients,
    ) -> Result<(Self, Columns), OpenError> {
        let file::Workbook { sheet: found, mut notes, digest, length } = file::read(path, sheet)?;
        let from = match sheet {
            Some(name) => format!("the sheet `{}` of {}", escaped(name), path.display()),
            None => path.display().to_string(),
        };
        let Some(grid::SheetTable { names, notes: more, cells }) = found else { return Err(OpenError::Empty { from }) };
        notes.extend(more);
        let columns = Columns::new(&from, &names, &recipients.to, &recipients.reading.columns)?;
        let to = (columns.to, columns.names.get(columns.to).cloned().unwrap_or_default());
        Ok((Self { cells, next: 0, to, notes, digest, length }, columns))
    }

    /// Adds the next row to `rows`. Returns `false` at the end.
    pub(super) fn push_next(&mut self, number: u64, rows: &mut Rows) -> bool {
        let index = self.next;
        let Some(line) = self.cells.line(index) else { return false };
        // Without its format, a number may be another person's.
        let problem = self
            .cells
            .unknown_format(index, self.to.0)
            .map(|format| RowProblem::from(CellProblem::NumberFormat(escaped(format).into())).column(&self.to.1));
        let hidden = || {
            let displayed = self.cells.row(index).nth(self.to.0).unwrap_or_default();
            let problem = RowProblem::from(NumberProblem::SheetFormat).column(&self.to.1);
            self.cells.hides_digits(index, self.to.0).then(|| problem.value(&String::from_utf8_lossy(displayed)))
        };
        let problem = problem.or_else(hidden);
        rows.push(number, line, problem, self.cells.row(index));
        self.next += 1;
        true
    }

    pub(super) fn notes(&self) -> &[ListNote] {
        &self.notes
    }

    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the length of the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the part of the file's length that corresponds to the rows read.
    pub(super) fn bytes_read(&self) -> u64 {
        let (next, all) = (self.next as u64, self.cells.len() as u64);
        if next >= all { self.length } else { self.length * next / all }
    }
}

#[cfg(test)]
mod tests;
