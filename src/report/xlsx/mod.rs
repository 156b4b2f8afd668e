//! `recipients.xlsx`: the rows of `recipients.csv` for spreadsheet programs, and a sheet with the figures.
//!
//! `workbook` writes the file, and `figures` the sheet with the figures.

mod figures;
mod workbook;

use std::io::{self, Write};

use jiff::civil::DateTime;
use workbook::{MAX_COLUMNS, Style, WorkbookWriter};

use super::summary::Summary;
use crate::model::{Millis, ProviderText, ReportRow, Zone};

/// The columns that hold times.
const TIMES: [&str; 3] = ["accepted_at", "delivered_at", "read_at"];
/// The widths of the columns, in characters.
const WIDTHS: [u32; 11] = [8, 17, 10, 11, 26, 9, 20, 20, 20, 12, 50];

/// Writes report rows as an `.xlsx` workbook: the sheet `Summary`, and `Recipients` with a header that stays visible
/// and can be filtered. Rows that do not fit on a sheet are on `Recipients 2` and so on.
///
/// Phone numbers, ids and codes are text. Times are on the clock of a time zone, which the header names. Nothing is run
/// as a formula. Memory does not grow with the rows.
pub struct XlsxReport<W: Write> {
    workbook: WorkbookWriter<W>,
    header: Vec<String>,
    zone: Zone,
    sheets: u32,
}

impl<W: Write> XlsxReport<W> {
    /// Starts a report. `input_columns` are as for [`super::CsvReport::new`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(writer: W, zone: Zone, input_columns: &[String]) -> io::Result<Self> {
        let name = |column: &str| {
            let name = ReportRow::giving_way(column, input_columns);
            if TIMES.contains(&column) { format!("{name} ({})", zone.name()) } else { name }
        };
        let header: Vec<String> =
            ReportRow::COLUMNS.map(name).into_iter().chain(input_columns.iter().cloned()).collect();
        if header.len() > MAX_COLUMNS {
            return Err(io::Error::other("a sheet has at most 16,384 columns; leave out --input, or use --format csv"));
        }
        let mut report = Self { workbook: WorkbookWriter::new(writer), header, zone, sheets: 0 };
        report.begin_sheet()?;
        Ok(report)
    }

    /// Writes one row. Its cells are padded or cut to the number of the input's columns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: &ReportRow) -> io::Result<()> {
        if self.workbook.is_full() {
            self.workbook.end_sheet(self.header.len(), true)?;
            self.begin_sheet()?;
        }
        let Self { workbook, header, zone, .. } = self;
        let id = row.message_id.as_deref().unwrap_or_default();
        let code = row.error_code.as_deref().unwrap_or_default();
        workbook.begin_row();
        workbook.number(0, row.row.0, Style::Plain);
        for (column, text) in (1..).zip([&row.to, row.channel.as_str(), row.state.as_str(), id]) {
            workbook.text(column, text, Style::Text);
        }
        workbook.number(5, row.attempts, Style::Plain);
        for (column, at) in (6..).zip([row.accepted_at, row.delivered_at, row.read_at]) {
            if let Some(at) = at {
                workbook.number(column, days(zone, at), Style::Time);
            }
        }
        workbook.text(9, code, Style::Text);
        workbook.text(10, &ProviderText::shown(row.error_message.as_deref().unwrap_or_default()), Style::Text);
        for (column, cell) in (ReportRow::COLUMNS.len()..header.len()).zip(&row.cells) {
            workbook.text(column, cell, Style::Text);
        }
        workbook.end_row()
    }

    /// Writes the figures and what is still buffered, and returns the writer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, summary: &Summary) -> io::Result<W> {
        self.workbook.end_sheet(self.header.len(), true)?;
        figures::write(&mut self.workbook, &self.zone, summary)?;
        self.workbook.finish()
    }

    /// Begins a sheet for rows.
    fn begin_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        let name = match self.sheets {
            1 => "Recipients".to_owned(),
            number => format!("Recipients {number}"),
        };
        self.workbook.begin_sheet(name, &WIDTHS, true)?;
        self.workbook.begin_row();
        for (column, name) in self.header.iter().enumerate() {
            self.workbook.text(column, name, Style::Bold);
        }
        self.workbook.end_row()
    }
}

/// Returns what a zone's clock shows, to the second, in days since the end of 1899.
fn days(zone: &Zone, at: Millis) -> f64 {
    const FIRST: DateTime = jiff::civil::date(1899, 12, 30).at(0, 0, 0, 0);
    #[expect(clippy::cast_precision_loss, reason = "f64 has more digits than the seconds of all calendars")]
    let seconds = zone.clock(at).duration_since(FIRST).as_secs() as f64;
    seconds / 86_400.0
}

#[cfg(test)]
mod tests;
