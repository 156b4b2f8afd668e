//! `check --rejects FILE`: the rows that cannot be sent, as a recipient list to fix and use again.

use std::path::{Path, PathBuf};

use crate::cli::error::{CliError, Exit};
use crate::report::{NewFile, ReportError};

/// A CSV with the columns of the input and a column with the problem.
pub(in crate::cli) struct Rejects {
    csv: csv::Writer<NewFile>,
    columns: usize,
}

impl Rejects {
    pub(in crate::cli) fn create(path: &Path, columns: &[String]) -> Result<Self, CliError> {
        let file = NewFile::create(path).map_err(failed)?;
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(file);
        csv.write_record(columns.iter().map(String::as_str).chain(["problem"]))
            .map_err(|error| CliError::of(Exit::Environment, &error))?;
        Ok(Self { csv, columns: columns.len() })
    }

    pub(in crate::cli) fn add(&mut self, cells: &str, problem: &str) -> csv::Result<()> {
        let mut cells: Vec<String> = serde_json::from_str(cells).unwrap_or_default();
        // A row with too many or too few cells keeps its cells; the problem is always in its own column.
        cells.resize(self.columns.max(cells.len()), String::new());
        cells.insert(self.columns, problem.to_owned());
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
