//! `check --rejects FILE`: the rows that cannot be sent, as a recipient list to fix and use again.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::error::{CliError, Exit};
use crate::cli::output::problem_groups::is_unreadable;
use crate::model::{ReportRow, RowProblem};
use crate::report::{NewFile, ReportError};
use crate::text::formula_text;

const PROBLEM: &str = "problem";
/// Written after the problem of a row that could not be split into cells, so that it stays invalid until somebody has
/// looked at it: its cells may be in the wrong columns.
const CHECK_FIRST: &str = "check the cells of this row, then clear this cell";
/// Spreadsheet programs read a CSV as UTF-8 only if it starts with this.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A CSV with the row's number, the columns of the input, and the problem. Cells are written as they were read, so that
/// the list is the same when it is used again.
pub(in crate::cli) struct Rejects {
    csv: csv::Writer<NewFile>,
    columns: usize,
}

impl Rejects {
    /// Starts the file. `delimiter` is that of the input, which the programs of its owner expect.
    pub(in crate::cli) fn create(path: &Path, columns: &[String], delimiter: u8) -> Result<Self, CliError> {
        let mut file = NewFile::create(path).map_err(failed)?;
        file.write_all(BYTE_ORDER_MARK).map_err(|error| CliError::of(Exit::Environment, &error))?;
        let mut csv = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(file);
        let (row, problem) =
            (ReportRow::giving_way(ReportRow::INPUT_ROW, columns), ReportRow::giving_way(PROBLEM, columns));
        csv.write_record(
            [row.as_str()].into_iter().chain(columns.iter().map(String::as_str)).chain([problem.as_str()]),
        )
        .map_err(|error| CliError::of(Exit::Environment, &error))?;
        Ok(Self { csv, columns: columns.len() })
    }

    pub(in crate::cli) fn add(&mut self, row: u64, cells: &str, problems: &[RowProblem]) -> csv::Result<()> {
        let mut cells: Vec<String> = serde_json::from_str(cells).unwrap_or_default();
        cells.resize(self.columns, String::new());
        for cell in cells.iter_mut().filter(|cell| formula_text(cell).is_some()) {
            // It would be read as the text in it.
            *cell = format!("=\"{}\"", cell.replace('"', "\"\""));
        }
        cells.insert(0, row.to_string());
        cells.push(RowProblem::joined(problems));
        if problems.iter().any(is_unreadable) {
            cells.push(CHECK_FIRST.to_owned());
        }
        self.csv.write_record(&cells)
    }

    pub(in crate::cli) fn finish(self) -> Result<PathBuf, CliError> {
        let file = self.csv.into_inner().map_err(|error| {
            CliError::new(Exit::Environment, format!("cannot write the rejects file: {}", error.error()))
        })?;
        file.replace().map_err(failed)
    }
}

fn failed(error: ReportError) -> CliError {
    CliError::of(Exit::Environment, &error)
}
