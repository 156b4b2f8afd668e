//! `recipients.csv`: one line per row of the input, in the same order.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use crate::model::{ProviderText, ReportRow};
use crate::text::escape_formula;

/// The delimiter of a CSV report, and whether it starts with a byte order mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvDialect {
    /// The ASCII character between cells.
    pub delimiter: u8,
    /// Whether the file starts with a byte order mark, by which Excel recognises UTF-8.
    pub bom: bool,
}

impl Default for CsvDialect {
    /// RFC 4180: a comma, and no byte order mark.
    fn default() -> Self {
        Self { delimiter: b',', bom: false }
    }
}

/// Writes report rows as RFC 4180 CSV in UTF-8, with CRLF line ends.
///
/// Times are RFC 3339, UTC, to the second; unknown values are empty cells. Text from outside that a spreadsheet would
/// run as a formula gets a leading apostrophe; phone numbers with a plus sign and plain negative numbers do not change.
///
/// With input columns, the row's own cells follow the fixed columns under the input's names, so that the file can be
/// the recipient list of the same campaign: `recipients` recognises a report by its header. If the input has a column
/// with the name of a fixed one (`to`, `state`, …), the fixed one is renamed to `report_to`, `report_state`, …: the
/// campaign refers to the input's columns, and must always find them under their names.
pub struct CsvReport<W: Write> {
    csv: csv::Writer<W>,
    /// A buffer for a number or a time.
    scratch: String,
    input_columns: usize,
}

impl<W: Write> CsvReport<W> {
    /// Starts a report with its header. `input_columns` are the names of the input's columns if the rows' own cells are
    /// to be appended, and otherwise empty.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(writer: W, dialect: CsvDialect, input_columns: &[String]) -> io::Result<Self> {
        let csv = writer_of(writer, dialect)?;
        let mut report = Self { csv, scratch: String::new(), input_columns: input_columns.len() };
        for column in ReportRow::COLUMNS {
            report.text(&ReportRow::giving_way(column, input_columns))?;
        }
        for column in input_columns {
            report.text(column)?;
        }
        report.end_line()?;
        Ok(report)
    }

    /// Writes one row. Its cells are padded or cut to the number of the input's columns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: &ReportRow) -> io::Result<()> {
        self.shown(Some(row.row.0))?;
        self.text(&row.to)?;
        self.text(row.channel.as_str())?;
        self.text(row.state.as_str())?;
        self.text(row.message_id.as_deref().unwrap_or_default())?;
        self.shown(Some(row.attempts))?;
        for time in [row.accepted_at, row.delivered_at, row.read_at] {
            self.shown(time)?;
        }
        self.text(row.error_code.as_deref().unwrap_or_default())?;
        self.text(&ProviderText::shown(row.error_message.as_deref().unwrap_or_default()))?;
        for column in 0..self.input_columns {
            self.text(row.cells.get(column).map(String::as_str).unwrap_or_default())?;
        }
        self.end_line()
    }

    /// Writes what is still buffered, and returns the writer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }

    /// Writes a cell with text from outside.
    fn text(&mut self, cell: &str) -> io::Result<()> {
        self.csv.write_field(escape_formula(cell).as_bytes()).map_err(not_written)
    }

    /// Writes a number or a time.
    fn shown(&mut self, value: Option<impl Display>) -> io::Result<()> {
        self.scratch.clear();
        if let Some(value) = value {
            // Writing into memory cannot fail.
            let _ = write!(self.scratch, "{value}");
        }
        self.csv.write_field(&self.scratch).map_err(not_written)
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.csv.write_record(None::<&[u8]>).map_err(not_written)
    }
}

/// Returns a writer of CSV, after the byte order mark if there is to be one.
pub(super) fn writer_of<W: Write>(mut writer: W, dialect: CsvDialect) -> io::Result<csv::Writer<W>> {
    if dialect.bom {
        writer.write_all("\u{feff}".as_bytes())?;
    }
    let mut builder = csv::WriterBuilder::new();
    builder.has_headers(false).terminator(csv::Terminator::CRLF).buffer_capacity(64 * 1024);
    Ok(builder.delimiter(dialect.delimiter).from_writer(writer))
}

/// Returns the I/O error that `csv` wraps, so that callers recognise a closed pipe.
pub(super) fn not_written(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
