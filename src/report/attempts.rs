//! The report of attempts: one line per request, with its outcome.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::recipients_csv::{CsvDialect, not_written, writer_of};
use super::recipients_jsonl::Time;
use super::types::ReportFormat;
use crate::model::{AttemptRow, ProviderText, State};
use crate::text::escape_formula;

/// The columns, in order.
const COLUMNS: [&str; 12] = [
    "row",
    "to",
    "attempt",
    "outcome",
    "message_id",
    "started_at",
    "ended_at",
    "accepted_at",
    "delivered_at",
    "read_at",
    "error_code",
    "error_message",
];

/// Writes attempts, one per line: as CSV in the same dialect as [`super::CsvReport`], or as JSON.
pub struct AttemptsReport<W: Write>(Writer<W>);

enum Writer<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(BufWriter<W>),
}

#[derive(Serialize)]
struct Line<'a> {
    row: u64,
    to: &'a str,
    attempt: u32,
    outcome: &'a str,
    message_id: Option<Cow<'a, str>>,
    started_at: Option<Time>,
    ended_at: Option<Time>,
    accepted_at: Option<Time>,
    delivered_at: Option<Time>,
    read_at: Option<Time>,
    error_code: Option<Cow<'a, str>>,
    error_message: Option<Cow<'a, str>>,
}

impl<W: Write> AttemptsReport<W> {
    /// Starts a report: as JSON lines if `format` is [`ReportFormat::Jsonl`], otherwise as CSV with a header, in this
    /// dialect.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(writer: W, format: ReportFormat, dialect: CsvDialect) -> io::Result<Self> {
        if format == ReportFormat::Jsonl {
            return Ok(Self(Writer::Jsonl(BufWriter::new(writer))));
        }
        let mut csv = writer_of(writer, dialect)?;
        csv.write_record(COLUMNS).map_err(not_written)?;
        Ok(Self(Writer::Csv(Box::new(csv))))
    }

    /// Writes one attempt.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, attempt: &AttemptRow) -> io::Result<()> {
        let line = Line {
            row: attempt.row.0,
            to: &attempt.to,
            attempt: attempt.attempt,
            outcome: match attempt.outcome {
                State::Pending => "try_again",
                outcome => outcome.as_str(),
            },
            message_id: attempt.message_id.as_deref().map(Cow::Borrowed),
            started_at: attempt.started_at.map(Time),
            ended_at: attempt.ended_at.map(Time),
            accepted_at: attempt.accepted_at.map(Time),
            delivered_at: attempt.delivered_at.map(Time),
            read_at: attempt.read_at.map(Time),
            error_code: attempt.error_code.as_deref().map(Cow::Borrowed),
            error_message: attempt.error_message.as_deref().map(ProviderText::shown),
        };
        match &mut self.0 {
            Writer::Csv(csv) => {
                let safe = |text: Option<Cow<'_, str>>| text.map(|text| escape_formula(&text).into_owned().into());
                let line = Line {
                    message_id: safe(line.message_id),
                    error_code: safe(line.error_code),
                    error_message: safe(line.error_message),
                    ..line
                };
                csv.serialize(line).map_err(not_written)
            }
            Writer::Jsonl(writer) => {
                serde_json::to_writer(&mut *writer, &line)?;
                writer.write_all(b"\n")
            }
        }
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Writer::Csv(mut csv) => csv.flush(),
            Writer::Jsonl(mut writer) => writer.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Millis, RowNumber};

    fn written(format: ReportFormat) -> String {
        let at = |second: i64| Some(Millis(1_774_249_921_000 + second * 1000));
        let first = AttemptRow {
            row: RowNumber(7),
            to: "85264000001".to_owned(),
            attempt: 1,
            outcome: State::Pending,
            message_id: None,
            started_at: at(0),
            ended_at: at(1),
            accepted_at: None,
            delivered_at: None,
            read_at: None,
            error_code: Some("130429".to_owned()),
            error_message: Some("=too \"many\", wait".to_owned()),
        };
        let second = AttemptRow {
            attempt: 2,
            outcome: State::Delivered,
            message_id: Some("wamid.1".to_owned()),
            accepted_at: at(3),
            delivered_at: at(4),
            error_code: None,
            error_message: None,
            ..first.clone()
        };
        let mut out = Vec::new();
        let mut report = AttemptsReport::new(&mut out, format, CsvDialect::default()).unwrap();
        [first, second].iter().for_each(|attempt| report.write(attempt).unwrap());
        report.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_attempt_has_a_line_of_csv() {
        assert_eq!(
            written(ReportFormat::Csv),
            "row,to,attempt,outcome,message_id,started_at,ended_at,accepted_at,delivered_at,read_at,error_code,error_message\r\n\
             7,85264000001,1,try_again,,2026-03-23T07:12:01Z,2026-03-23T07:12:02Z,,,,130429,\"'=too \"\"many\"\", wait\"\r\n\
             7,85264000001,2,delivered,wamid.1,2026-03-23T07:12:01Z,2026-03-23T07:12:02Z,2026-03-23T07:12:04Z,\
             2026-03-23T07:12:05Z,,,\r\n"
        );
    }

    #[test]
    fn each_attempt_is_an_object_with_the_same_columns() {
        let text = written(ReportFormat::Jsonl);
        let lines: Vec<serde_json::Map<_, _>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert_eq!(line.keys().collect::<Vec<_>>(), COLUMNS);
        }
        assert_eq!(lines[0]["error_message"], "=too \"many\", wait");
        assert_eq!((&lines[0]["message_id"], &lines[1]["message_id"]), (&().into(), &"wamid.1".into()));
    }

    #[test]
    fn a_run_without_attempts_has_its_header() {
        let mut out = Vec::new();
        AttemptsReport::new(&mut out, ReportFormat::Csv, CsvDialect::default()).unwrap().finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap().trim_end(), COLUMNS.join(","));
    }
}
