//! `recipients.csv`: one line for every row of the input, in its order.
//!
//! Writes each cell straight into one buffer and allocates nothing for a row whose text is harmless, so that a large
//! run's report is not what takes the time.

use std::io::{self, Write};
use std::ops::Range;

use crate::model::{Millis, ProviderText, ReportRow};
use crate::text::escape_formula;

/// Bytes gathered before they go to the writer.
const BUFFER: usize = 64 * 1024;
/// Room for the line that fills the buffer, unless it is an unusual one.
const ROOM: usize = 4096;

/// Writes report rows as RFC 4180 CSV in UTF-8, with CRLF line ends and without a byte order mark.
///
/// Times are RFC 3339, UTC, to the second; what is not known is an empty cell. Text from outside that a spreadsheet
/// would run as a formula gets a leading apostrophe; phone numbers with a plus sign and plain negative numbers stay as
/// they are.
///
/// With input columns, the row's own cells follow the fixed columns under the input's own names, so that the file can
/// be the recipient list of the same campaign: `recipients` knows a report by its header. Where the input has a column
/// of the same name as a fixed one (`to`, `state`, …), it is the fixed one that gives way and is called `report_to`,
/// `report_state`, …: the campaign refers to the input's columns, and must never find something else under their names.
pub struct CsvReport<W: Write> {
    writer: W,
    line: Vec<u8>,
    input_columns: usize,
    days: [LastDay; 3],
}

impl<W: Write> CsvReport<W> {
    /// Starts a report with its header. `input_columns` are the input's column names if the rows' own cells are to be
    /// appended, and empty if not.
    ///
    /// # Errors
    /// If the writer does not take the header.
    pub fn new(writer: W, input_columns: &[String]) -> io::Result<Self> {
        let line = Vec::with_capacity(BUFFER + ROOM);
        let mut csv = Self { writer, line, input_columns: input_columns.len(), days: Default::default() };
        for column in ReportRow::COLUMNS {
            csv.text(&ReportRow::giving_way(column, input_columns));
        }
        for column in input_columns {
            csv.text(column);
        }
        csv.end_line()?;
        Ok(csv)
    }

    /// Writes one row. Cells are filled up with empty ones, or cut, to the number of the input's columns.
    ///
    /// # Errors
    /// If the writer does not take it.
    pub fn write(&mut self, row: &ReportRow) -> io::Result<()> {
        self.number(row.row.0);
        self.text(&row.to);
        self.plain(row.channel.as_str());
        self.plain(row.state.as_str());
        self.text(row.message_id.as_deref().unwrap_or_default());
        self.number(row.attempts.into());
        for (day, time) in self.days.iter_mut().zip([row.accepted_at, row.delivered_at, row.read_at]) {
            if let Some(time) = time {
                day.show(time, &mut self.line);
            }
            self.line.push(b',');
        }
        self.text(row.error_code.as_deref().unwrap_or_default());
        self.text(&ProviderText::shown(row.error_message.as_deref().unwrap_or_default()));
        for column in 0..self.input_columns {
            self.text(row.cells.get(column).map(String::as_str).unwrap_or_default());
        }
        self.end_line()
    }

    /// Writes what is still held back, and gives the writer back.
    ///
    /// # Errors
    /// If the writer does not take it.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.write_all(&self.line)?;
        self.writer.flush()?;
        Ok(self.writer)
    }

    /// A cell from outside, which may need an apostrophe, quotes, or both.
    fn text(&mut self, cell: &str) {
        let cell = escape_formula(cell);
        // Looked at as a whole, without a way out, since that is done many bytes at a time.
        let quoted = cell.bytes().fold(false, |found, byte| found | matches!(byte, b',' | b'"' | b'\r' | b'\n'));
        if !quoted {
            return self.plain(&cell);
        }
        self.line.push(b'"');
        for (n, part) in cell.split('"').enumerate() {
            if n > 0 {
                self.line.extend_from_slice(b"\"\"");
            }
            self.line.extend_from_slice(part.as_bytes());
        }
        self.line.extend_from_slice(b"\",");
    }

    fn plain(&mut self, cell: &str) {
        self.line.extend_from_slice(cell.as_bytes());
        self.line.push(b',');
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [b','; 21];
        let mut first = digits.len() - 1;
        loop {
            first -= 1;
            digits[first] = digit(number % 10);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.line.extend_from_slice(&digits[first..]);
    }

    /// Ends a line, whose last cell has a comma behind it.
    fn end_line(&mut self) -> io::Result<()> {
        self.line.pop();
        self.line.extend_from_slice(b"\r\n");
        if self.line.len() >= BUFFER {
            self.writer.write_all(&self.line)?;
            self.line.clear();
        }
        Ok(())
    }
}

/// The digit for a number below 10.
fn digit(number: u64) -> u8 {
    b'0' + number.to_le_bytes()[0]
}

/// Seconds from 1970 to 9891: there a day is known to have all of its seconds, and years have four digits.
const PLAIN: Range<i64> = 0..250_000_000_000;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// The day last shown in a column, as it stands before the time. Working out a date costs more than the rest of the
/// line, and rows that stand together were mostly sent on the same day.
#[derive(Default)]
struct LastDay {
    day: i64,
    text: String,
}

impl LastDay {
    /// As `Millis` shows itself.
    fn show(&mut self, time: Millis, line: &mut Vec<u8>) {
        let second = time.0.div_euclid(1000);
        if !PLAIN.contains(&second) {
            return line.extend_from_slice(time.to_string().as_bytes());
        }
        let (day, second) = (second / DAY, (second % DAY).unsigned_abs());
        if self.day != day || self.text.is_empty() {
            self.day = day;
            self.text = Millis(day * DAY * 1000).to_string();
            self.text.truncate("2026-03-23T".len());
        }
        line.extend_from_slice(self.text.as_bytes());
        let [hour, minute, second] =
            [second / 3600, second / 60 % 60, second % 60].map(|n| [digit(n / 10), digit(n % 10)]);
        line.extend_from_slice(&[hour[0], hour[1], b':', minute[0], minute[1], b':', second[0], second[1], b'Z']);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cells_are_quoted_as_the_csv_crate_quotes_them(cells in prop::collection::vec("[a\",;\r\n €\0#]{0,20}", 2..9)) {
            let mut csv = CsvReport::new(Vec::new(), &[]).unwrap();
            csv.line.clear();
            cells.iter().for_each(|cell| csv.text(cell));
            csv.end_line().unwrap();
            let mut other = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
            other.write_record(cells.iter().map(|cell| escape_formula(cell).into_owned())).unwrap();
            prop_assert_eq!(csv.finish().unwrap(), other.into_inner().unwrap());
        }

        #[test]
        fn times_are_shown_as_they_show_themselves(
            times in prop::collection::vec(prop_oneof![any::<i64>(), -1_000_000_000_000..300_000_000_000_000_i64], 1..9),
        ) {
            let mut day = LastDay::default();
            for time in [times.as_slice(), &[0, 999, -1, 1_774_249_921_999]].concat() {
                let mut line = Vec::new();
                day.show(Millis(time), &mut line);
                prop_assert_eq!(String::from_utf8(line).unwrap(), Millis(time).to_string());
            }
        }

        #[test]
        fn numbers_are_shown_as_they_show_themselves(number in any::<u64>(), fewer in 0_u32..64) {
            let mut csv = CsvReport::new(Vec::new(), &[]).unwrap();
            csv.line.clear();
            for number in [number, number >> fewer, 0, u64::MAX] {
                csv.number(number);
                prop_assert_eq!(String::from_utf8(std::mem::take(&mut csv.line)).unwrap(), format!("{number},"));
            }
        }
    }
}
