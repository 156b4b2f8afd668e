//! `check --rejects FILE`: the rows that cannot be sent, as a recipient list to mend and use again.

use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use crate::report::{NewFile, ReportError};

/// The input's columns, and one more that says what is wrong.
pub(super) struct Rejects {
    csv: csv::Writer<NewFile>,
    columns: usize,
}

impl Rejects {
    pub(super) fn create(path: &Path, columns: &[String]) -> Result<Self, Failure> {
        let file = NewFile::create(path).map_err(failed)?;
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(file);
        csv.write_record(columns.iter().map(String::as_str).chain(["problem"]))
            .map_err(|error| Failure::of(Exit::Environment, &error))?;
        Ok(Self { csv, columns: columns.len() })
    }

    pub(super) fn add(&mut self, cells: &str, problem: &str) -> csv::Result<()> {
        let mut cells: Vec<String> = serde_json::from_str(cells).unwrap_or_default();
        // A ragged row keeps what it has; the problem always stands in its own column.
        cells.resize(self.columns.max(cells.len()), String::new());
        cells.insert(self.columns, problem.to_owned());
        self.csv.write_record(&cells)
    }

    pub(super) fn finish(self) -> Result<PathBuf, Failure> {
        let file = self.csv.into_inner().map_err(|error| {
            Failure::new(Exit::Environment, format!("the rejects could not be written: {}", error.error()))
        })?;
        file.replace().map_err(failed)
    }
}

fn failed(error: ReportError) -> Failure {
    Failure::of(Exit::Environment, &error)
}
