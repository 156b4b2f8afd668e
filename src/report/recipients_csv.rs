//! `recipients.csv`: one line for every row of the input, in its order.
//!
//! Allocates nothing for a row whose text is harmless, so that a large run's report is not what takes the time.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::cells::harmless;
use crate::model::{Millis, ReportRow};

/// The columns that every line starts with.
const COLUMNS: [&str; 11] = [
    "row",
    "to",
    "channel",
    "state",
    "message_id",
    "attempts",
    "accepted_at",
    "delivered_at",
    "read_at",
    "error_code",
    "error_message",
];

/// What a fixed column's name gets in front where the input has a column of that name.
const CLASH_PREFIX: &str = "report_";

/// Bytes gathered before they go to the writer.
const BUFFER: usize = 64 * 1024;

/// Writes report rows as RFC 4180 CSV in UTF-8, with CRLF line ends and without a byte order mark.
///
/// Times are RFC 3339, UTC, to the second; what is not known is an empty cell. Text from outside that a spreadsheet
/// would run as a formula gets a leading apostrophe; phone numbers with a plus sign and plain negative numbers stay as
/// they are.
///
/// With input columns, the row's own cells follow the fixed columns under the input's own names, so that the file can
/// be the recipient list of the same campaign. Where the input has a column of the same name as a fixed one (`to`,
/// `state`, …), it is the fixed one that gives way and is called `report_to`, `report_state`, …: the campaign refers to
/// the input's columns, and must never find something else under their names.
pub struct CsvReport<W: Write> {
    csv: csv::Writer<W>,
    input_columns: usize,
    number: String,
    times: [LastTime; 3],
}

impl<W: Write> CsvReport<W> {
    /// Starts a report with its header. `input_columns` are the input's column names if the rows' own cells are to be
    /// appended, and empty if not.
    ///
    /// # Errors
    /// If the writer does not take the header.
    pub fn new(writer: W, input_columns: &[String]) -> io::Result<Self> {
        let mut csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .buffer_capacity(BUFFER)
            .has_headers(false)
            .from_writer(writer);
        for column in COLUMNS {
            let mut name = column.to_owned();
            while input_columns.contains(&name) {
                name.insert_str(0, CLASH_PREFIX);
            }
            csv.write_field(name)?;
        }
        for column in input_columns {
            csv.write_field(harmless(column).as_bytes())?;
        }
        csv.write_record(None::<&[u8]>)?;
        Ok(Self { csv, input_columns: input_columns.len(), number: String::new(), times: Default::default() })
    }

    /// Writes one row. Cells are filled up with empty ones, or cut, to the number of the input's columns.
    ///
    /// # Errors
    /// If the writer does not take it.
    pub fn write(&mut self, row: &ReportRow) -> io::Result<()> {
        self.number(row.row.0)?;
        self.text(&row.to)?;
        self.csv.write_field(row.channel.as_str())?;
        self.csv.write_field(row.state.as_str())?;
        self.text(row.message_id.as_deref().unwrap_or_default())?;
        self.number(row.attempts.into())?;
        for (last, time) in self.times.iter_mut().zip([row.accepted_at, row.delivered_at, row.read_at]) {
            self.csv.write_field(last.shown(time))?;
        }
        self.text(row.error_code.as_deref().unwrap_or_default())?;
        self.text(row.error_message.as_deref().unwrap_or_default())?;
        for column in 0..self.input_columns {
            self.text(row.cells.get(column).map(String::as_str).unwrap_or_default())?;
        }
        self.csv.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Writes what is still held back, and gives the writer back.
    ///
    /// # Errors
    /// If the writer does not take it.
    pub fn finish(self) -> io::Result<W> {
        self.csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }

    fn text(&mut self, cell: &str) -> io::Result<()> {
        Ok(self.csv.write_field(harmless(cell).as_bytes())?)
    }

    fn number(&mut self, number: u64) -> io::Result<()> {
        self.number.clear();
        // Writing to a `String` does not fail.
        let _ = write!(self.number, "{number}");
        Ok(self.csv.write_field(&self.number)?)
    }
}

/// The last time shown in a column. Rows that stand together were mostly sent in the same second, and formatting a
/// time costs more than the rest of the line.
#[derive(Default)]
struct LastTime {
    second: Option<i64>,
    text: String,
}

impl LastTime {
    fn shown(&mut self, time: Option<Millis>) -> &str {
        let Some(time) = time else { return "" };
        let second = time.0.div_euclid(1000);
        if self.second != Some(second) {
            self.second = Some(second);
            self.text.clear();
            let _ = write!(self.text, "{time}");
        }
        &self.text
    }
}
