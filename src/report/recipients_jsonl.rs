//! `recipients.jsonl`: one JSON object per row of the input, in the same order, with the columns of `recipients.csv`.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::{Millis, ProviderText, ReportRow};

/// Writes report rows as JSON, one object per line. Unknown values are `null`; text does not change.
pub struct JsonLines<'c, W: Write> {
    writer: BufWriter<W>,
    input_columns: &'c [String],
}

#[derive(Serialize)]
struct Line<'a> {
    row: u64,
    to: &'a str,
    channel: &'a str,
    state: &'a str,
    message_id: Option<&'a str>,
    attempts: u32,
    accepted_at: Option<Time>,
    delivered_at: Option<Time>,
    read_at: Option<Time>,
    error_code: Option<&'a str>,
    error_message: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Input::is_none")]
    input: Input<'a>,
}

/// A time as reports show it.
pub(super) struct Time(pub(super) Millis);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The row's own cells by column name.
struct Input<'a> {
    columns: &'a [String],
    cells: &'a [String],
}

impl Input<'_> {
    fn is_none(&self) -> bool {
        self.columns.is_empty()
    }
}

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        let cells = self.cells.iter().map(String::as_str).chain(std::iter::repeat(""));
        for (column, cell) in self.columns.iter().zip(cells) {
            map.serialize_entry(column, cell)?;
        }
        map.end()
    }
}

impl<'c, W: Write> JsonLines<'c, W> {
    /// Starts a report. `input_columns` are the names of the input's columns if the rows' own cells are to be included
    /// as the object `input`, and otherwise empty.
    pub fn new(writer: W, input_columns: &'c [String]) -> Self {
        Self { writer: BufWriter::new(writer), input_columns }
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: &ReportRow) -> io::Result<()> {
        let line = Line {
            row: row.row.0,
            to: &row.to,
            channel: row.channel.as_str(),
            state: row.state.as_str(),
            message_id: row.message_id.as_deref(),
            attempts: row.attempts,
            accepted_at: row.accepted_at.map(Time),
            delivered_at: row.delivered_at.map(Time),
            read_at: row.read_at.map(Time),
            error_code: row.error_code.as_deref(),
            error_message: row.error_message.as_deref().map(ProviderText::shown),
            input: Input { columns: self.input_columns, cells: &row.cells },
        };
        serde_json::to_writer(&mut self.writer, &line)?;
        self.writer.write_all(b"\n")
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn each_row_is_an_object_with_the_columns_of_the_csv() {
        let columns = ["phone".to_owned(), "first name".to_owned()];
        let mut out = Vec::new();
        let mut lines = JsonLines::new(&mut out, &columns);
        for mut row in sample::rows() {
            row.cells = vec!["=1".to_owned()];
            lines.write(&row).unwrap();
        }
        lines.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<serde_json::Map<_, _>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), sample::rows().len());
        for line in &lines {
            let names: Vec<&str> = line.keys().map(String::as_str).collect();
            assert_eq!((&names[..11], names[11..].to_vec()), (&ReportRow::COLUMNS[..], vec!["input"]));
            assert_eq!(line["input"], serde_json::json!({"phone": "=1", "first name": ""}));
        }
        assert_eq!((&lines[0]["accepted_at"], &lines[0]["error_code"]), (&"2026-03-23T07:12:01Z".into(), &().into()));
        assert_eq!(lines[11]["to"], "=cmd|' /C calc'!A0");
    }
}
