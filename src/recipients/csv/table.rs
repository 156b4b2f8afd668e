//! Reads a CSV file as a stream of records: quoting, line numbers, and recovery from broken records.
//!
//! A broken record never affects others: reading continues on the line after it. Only the current record is in memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, SeekFrom};
use std::path::Path;

use csv::{ByteRecord, Position, ReaderBuilder};

use super::bytes::Content;
use super::quotes::{self, Quoting};
use super::record_buffer::{LONGEST_RECORD, RecordBuffer};
use crate::model::{CellProblem, Recipients, ReportRow, RowProblem};
use crate::recipients::columns::Columns;
use crate::recipients::encoding::ListText;
use crate::recipients::error::{OpenError, ReadError};
use crate::recipients::note::ListNote;
use crate::text::{count, find_column, formula_text, is_blank, trimmed, unescape_formula};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes per read of the CSV reader.
const CHUNK: usize = 64 * 1024;

/// The most runs of blank rows on consecutive lines whose lines are remembered. Beyond them, blank rows at the end of a
/// list are rows.
const MAX_RUNS: usize = 10_000;

/// A CSV file whose header was read.
pub(in crate::recipients) struct Table {
    csv: csv::Reader<RecordBuffer<ListText>>,
    delimiter: u8,
    cells: ByteRecord,
    /// The cells of the header, those without a name included.
    width: usize,
    /// The columns up to the last one with a name.
    named: usize,
    /// The phone column.
    to: usize,
    /// How many rows have a cell that looks as if stray quotes made it of several rows, and the line of the first.
    swallowing: (u64, u64),
    /// Whether it is a report, whose cells have formulas escaped.
    report: bool,
    blank: BlankRows,
    /// The record after the blank rows, if there is one: they are in the middle of the list.
    after_blank: Option<TableRecord>,
    /// Whether the current record is a blank row.
    is_blank: bool,
}

/// The result of reading a record; its cells are in the table.
pub(in crate::recipients) struct TableRecord {
    /// The line on which it starts, from 1.
    pub(in crate::recipients) line: u64,
    /// Why its cells cannot be used.
    pub(in crate::recipients) problem: Option<RowProblem>,
}

impl Table {
    /// Detects the format of a file and reads the names of its columns.
    pub(in crate::recipients) fn read(
        path: &Path,
        text: ListText,
        recipients: &Recipients,
    ) -> Result<(Self, Columns), OpenError> {
        let from = path.display().to_string();
        let header = |what: &str| OpenError::Header { from: from.clone(), what: what.to_owned() };
        let mut window = RecordBuffer::new(text);
        let Start { delimiter, lines } = sniff(&mut window, &from)?;
        let mut csv =
            ReaderBuilder::new().delimiter(delimiter).flexible(true).buffer_capacity(CHUNK).from_reader(window);
        let cells = csv.byte_headers().cloned().map_err(|error| match csv.get_ref().refused() {
            true => header("does not end; check for an unclosed quote"),
            false => failed(&csv, error).into(),
        })?;
        let names = cells.iter().map(|cell| std::str::from_utf8(cell).map(str::to_owned)).collect::<Result<_, _>>();
        let names: Vec<String> =
            names.map_err(|_| header("cannot be decoded; save the file as UTF-8 CSV, or set its `encoding`"))?;
        let line = csv.get_ref().until(csv.position().byte());
        match quotes::quoting(line.get(quotes::blank(line).0..).unwrap_or_default(), delimiter) {
            Quoting::Misplaced(_) => return Err(header("has a quote that is not closed correctly")),
            Quoting::AfterSpace => {
                return Err(header("has a space before a quote that opens a name; remove the space"));
            }
            Quoting::Clear | Quoting::Odd | Quoting::CutFormula => {}
        }
        let width = cells.len();
        let report = ReportRow::is_header(&names);
        let names = if report { of_a_report(names) } else { names };
        let renamed = match report || names.first().is_some_and(|name| name == ReportRow::INPUT_ROW) {
            true => Cow::Owned(not_yet_renamed(&names, &recipients.reading.columns)),
            false => Cow::Borrowed(&recipients.reading.columns),
        };
        let columns = Columns::new(&from, &names, &recipients.to, &renamed)?;
        let mut table = Self {
            csv,
            delimiter,
            cells: ByteRecord::new(),
            width,
            named: columns.names.len(),
            to: columns.to,
            swallowing: (0, 0),
            report,
            blank: BlankRows::default(),
            after_blank: None,
            is_blank: false,
        };
        if lines > 0 {
            let position = table.csv.position().clone();
            table.go_on(position.byte(), position.line() + lines)?;
        }
        Ok((table, columns))
    }

    /// Reads the next record. Returns `None` at the end. Blank rows are left out. In a list with a single column, those
    /// before another row are rows without a number.
    pub(in crate::recipients) fn advance(&mut self) -> Result<Option<TableRecord>, ReadError> {
        self.is_blank = false;
        while self.after_blank.is_none() {
            match self.read_record()? {
                None => return Ok(None),
                Some(record) if record.problem.is_none() && self.cells.iter().all(is_blank_cell) => {
                    if self.width > 1 {
                        self.blank.leave_out(record.line);
                    } else if let Some(line) = self.blank.push(record.line) {
                        self.is_blank = true;
                        return Ok(Some(TableRecord { line, problem: None }));
                    }
                }
                Some(record) if self.blank.waiting == 0 => return Ok(Some(record)),
                Some(record) => self.after_blank = Some(record),
            }
        }
        if let Some(line) = self.blank.pop() {
            self.is_blank = true;
            return Ok(Some(TableRecord { line, problem: None }));
        }
        Ok(self.after_blank.take())
    }

    fn read_record(&mut self) -> Result<Option<TableRecord>, ReadError> {
        loop {
            let start = self.csv.position().clone();
            self.csv.get_mut().mark(start.byte());
            match self.csv.read_byte_record(&mut self.cells) {
                Ok(false) => return Ok(None),
                Ok(true) => {
                    let record = self.csv.get_ref().until(self.csv.position().byte());
                    let (blank, lines) = quotes::blank(record);
                    let record = record.get(blank..).unwrap_or_default();
                    let line = start.line() + lines;
                    let has_quotes = record.contains(&b'"');
                    let quoting = match has_quotes {
                        true => quotes::quoting(record, self.delimiter),
                        false => Quoting::Clear,
                    };
                    if let Some(quote) = quoting.misplaced() {
                        return self.broken(line, start.byte() + blank as u64, Some(quote)).map(Some);
                    }
                    if record.len() > LONGEST_RECORD {
                        self.cells.clear();
                        return Ok(Some(TableRecord { line, problem: Some(too_long()) }));
                    }
                    let problem = self.flaw(quoting);
                    if has_quotes && problem.is_none() && self.swallows_a_row(record) {
                        let (rows, first) = self.swallowing;
                        self.swallowing = (rows + 1, if rows == 0 { line } else { first });
                    }
                    return Ok(Some(TableRecord { line, problem }));
                }
                Err(_) if self.csv.get_ref().refused() => {
                    let held = self.csv.get_ref().held();
                    let (blank, lines) = quotes::blank(held);
                    let line = start.line() + lines;
                    let offset = start.byte() + blank as u64;
                    if blank > 0 {
                        // Many blank lines, which are not a record: continue after them.
                        self.go_on(offset, line)?;
                        continue;
                    }
                    let quote = quotes::quoting(held, self.delimiter).misplaced();
                    return self.broken(line, offset, quote).map(Some);
                }
                Err(error) => return Err(failed(&self.csv, error)),
            }
        }
    }

    /// Handles a record whose quotes are wrong. It ends with the line of the quote, so that swallowed rows are read as
    /// separate records.
    fn broken(&mut self, line: u64, start: u64, quote: Option<usize>) -> Result<TableRecord, ReadError> {
        self.cells.clear();
        self.csv.get_mut().mark(start);
        let before = self.csv.get_ref().held().get(..quote.unwrap_or(0)).unwrap_or_default();
        let quote_line = line + before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let from = start + before.len() as u64;
        let next = self.csv.get_mut().next_line(from);
        let (next, counts) = next.map_err(|error| self.content().error(error))?;
        self.go_on(next, quote_line + u64::from(counts))?;
        let problem = match quote {
            None => too_long(),
            Some(_) => CellProblem::Quotes { line: quote_line }.into(),
        };
        Ok(TableRecord { line, problem: Some(problem) })
    }

    /// Continues reading at another byte, the first of a line.
    fn go_on(&mut self, offset: u64, line: u64) -> Result<(), ReadError> {
        let mut position = Position::new();
        position.set_byte(offset).set_line(line);
        self.csv.seek_raw(SeekFrom::Start(offset), position).map_err(|error| failed(&self.csv, error))
    }

    /// Returns a problem if the cells may not be those of the columns: after a delimiter that was meant as text, every
    /// cell is that of the column before. So there must not be more cells than in the header, not even empty ones, and
    /// nothing after the last column with a name. Missing cells are empty only if no quote says that a cell was cut.
    fn flaw(&self, quoting: Quoting) -> Option<RowProblem> {
        let (cells, header) = (self.cells.len(), self.width);
        match quoting {
            Quoting::AfterSpace => Some(CellProblem::SpaceBeforeQuote.into()),
            Quoting::CutFormula => Some(CellProblem::CutFormula.into()),
            _ if cells > header && !self.cells.iter().all(is_blank_cell) => {
                Some(CellProblem::Ragged { cells, header, extra: true }.into())
            }
            _ if cells > self.named && self.cells.iter().skip(self.named).any(|cell| !is_blank_cell(cell)) => {
                Some(CellProblem::Ragged { cells, header: self.named, extra: true }.into())
            }
            Quoting::Odd if cells < header => Some(CellProblem::Ragged { cells, header, extra: false }.into()),
            _ => None,
        }
    }

    fn swallows_a_row(&self, record: &[u8]) -> bool {
        // Nearly all records are a single line.
        let record = record.trim_ascii_end();
        let has_line_break = record.contains(&b'\n') || record.contains(&b'\r');
        has_line_break && self.cells.iter().any(|cell| quotes::has_row(cell, self.delimiter, self.named, self.to))
    }

    /// Returns the cell of a column; empty if the row has none.
    pub(in crate::recipients) fn cell(&self, column: usize) -> &[u8] {
        if self.is_blank {
            return &[];
        }
        let cell = self.cells.get(column).unwrap_or_default();
        if !self.report {
            return cell;
        }
        std::str::from_utf8(cell).map_or(cell, |text| unescape_formula(text).as_bytes())
    }

    /// Whether the cells are those of a report: a formula in them is text.
    pub(in crate::recipients) fn is_report(&self) -> bool {
        self.report
    }

    /// The character between cells.
    pub(in crate::recipients) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The file.
    pub(in crate::recipients) fn content(&self) -> &Content {
        self.text().content()
    }

    /// Returns notes about the file as a whole.
    pub(in crate::recipients) fn notes(&self) -> Vec<ListNote> {
        // Waiting ones are at the end only if no record follows.
        let blank = if self.after_blank.is_none() { self.blank.note() } else { None };
        let (rows, first) = self.swallowing;
        let swallowed = (rows > 0).then(|| ListNote {
            code: "swallowed_row",
            message: format!(
                "in {}, a line inside a quoted cell looks like another row (the first is on line {first}). If the quotes are \
                 stray, the people on such lines get no message; remove the quotes",
                count(rows, "row")
            ),
            rows,
        });
        self.text().chosen().note().into_iter().chain(swallowed).chain(blank).collect()
    }

    /// Its text.
    pub(in crate::recipients) fn text(&self) -> &ListText {
        self.csv.get_ref().get_ref()
    }

    /// Reads the rest of the file and returns its fingerprint.
    pub(in crate::recipients) fn digest(&mut self) -> Result<Option<String>, ReadError> {
        self.csv.get_mut().get_mut().digest()
    }

    /// Stops computing the fingerprint.
    pub(in crate::recipients) fn without_digest(&mut self) {
        self.csv.get_mut().get_mut().without_digest();
    }
}

/// Returns the columns that a report or a file of rejected rows, which is written with the new names, has under the old
/// ones.
fn not_yet_renamed(names: &[String], renamed: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut renamed = renamed.clone();
    renamed.retain(|new, old| find_column(names, old).is_some() || find_column(names, new).is_none());
    renamed
}

/// Rows without a visible cell.
#[derive(Default)]
struct BlankRows {
    /// How many are left out, and the line of the first.
    left_out: (u64, u64),
    /// How many in a list with a single column are left out unless another row follows.
    waiting: u64,
    /// The first line and the number of waiting rows on consecutive lines.
    runs: VecDeque<(u64, u64)>,
}

impl BlankRows {
    fn leave_out(&mut self, line: u64) {
        let (rows, first) = self.left_out;
        self.left_out = (rows + 1, if rows == 0 { line } else { first });
    }

    /// Adds a waiting row. Returns the line of the first one instead if there are too many to remember.
    fn push(&mut self, line: u64) -> Option<u64> {
        let first = if self.runs.len() >= MAX_RUNS { self.pop() } else { None };
        match self.runs.back_mut() {
            Some((start, rows)) if *start + *rows == line => *rows += 1,
            _ => self.runs.push_back((line, 1)),
        }
        self.waiting += 1;
        first
    }

    /// Removes the first waiting row, and returns its line.
    fn pop(&mut self) -> Option<u64> {
        let (line, rows) = self.runs.front_mut()?;
        let first = *line;
        (*line, *rows) = (first + 1, *rows - 1);
        if *rows == 0 {
            self.runs.pop_front();
        }
        self.waiting -= 1;
        Some(first)
    }

    /// Returns the note about them, once all rows are read.
    fn note(&self) -> Option<ListNote> {
        let (rows, first) = match self.runs.front() {
            Some((line, _)) => (self.waiting, *line),
            None => self.left_out,
        };
        let are_left_out = match rows {
            0 => return None,
            1 => format!("is left out: line {first}"),
            _ => format!("are left out; the first is on line {first}"),
        };
        Some(ListNote { code: "blank_rows", message: format!("{} {are_left_out}", count(rows, "blank row")), rows: 0 })
    }
}

/// Whether nothing is visible in a cell.
fn is_blank_cell(cell: &[u8]) -> bool {
    // Most rows have a number in their first cell.
    if cell.first().is_some_and(|byte| byte.is_ascii_graphic() && *byte != b'=') {
        return false;
    }
    let is_blank_text = |text: &str| is_blank(text) || formula_text(trimmed(text)).is_some_and(|text| is_blank(&text));
    cell.is_empty() || std::str::from_utf8(cell).is_ok_and(is_blank_text)
}

/// Renames a report's first column, which would hide the `row` of templates.
fn of_a_report(names: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| unescape_formula(name).to_owned()).collect();
    let [row, ..] = ReportRow::COLUMNS;
    let name = ReportRow::giving_way(row, &names);
    if let Some(first) = names.first_mut().filter(|first| *first == row) {
        *first = name;
    }
    names
}

/// The format of a file.
struct Start {
    delimiter: u8,
    /// The lines above the header that are not part of the table.
    lines: u64,
}

/// Detects whether the file is text, and its delimiter. Drops what is above the table.
fn sniff(window: &mut RecordBuffer<ListText>, from: &str) -> Result<Start, OpenError> {
    let mut more = true;
    while more && window.held().len() < 4 {
        more = window.more().map_err(|error| window.get_ref().content().error(error))?;
    }
    if window.held().starts_with(BYTE_ORDER_MARK) {
        window.forget(BYTE_ORDER_MARK.len());
    }
    hold_first_line(window)?;
    let set = quotes::set_delimiter(window.held());
    let mut lines = 0;
    if let Some((_, length)) = set {
        window.forget(length);
        lines += 1;
    }
    let set = set.map(|(delimiter, _)| delimiter);
    loop {
        hold_first_line(window)?;
        let (length, empty) = quotes::empty_lines(window.held(), set);
        if length == 0 {
            break;
        }
        window.forget(length);
        lines += empty;
    }
    let (line, end) = quotes::first_line(window.held()).unwrap_or((window.held(), b""));
    let not_text = |what| Err(OpenError::NotText { from: from.to_owned(), what });
    match end {
        _ if line.contains(&0) => not_text("not plain text"),
        // Supporting these would need separate line counting and recovery.
        [b'\r', other, ..] if *other != b'\n' => not_text("text with old Mac line endings (CR alone)"),
        _ => Ok(Start { delimiter: set.unwrap_or_else(|| quotes::delimiter(line)), lines }),
    }
}

/// Reads until the buffer holds the whole first line with text, if it is not too long.
fn hold_first_line(window: &mut RecordBuffer<ListText>) -> Result<(), ReadError> {
    let mut more = true;
    while more && window.held().len() <= LONGEST_RECORD && quotes::first_line(window.held()).is_none() {
        more = window.more().map_err(|error| window.get_ref().content().error(error))?;
    }
    Ok(())
}

fn too_long() -> RowProblem {
    CellProblem::LongRow(LONGEST_RECORD).into()
}

/// Converts an error of the CSV reader, which can only come from the file.
fn failed(csv: &csv::Reader<RecordBuffer<ListText>>, error: csv::Error) -> ReadError {
    let error = match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    };
    csv.get_ref().get_ref().content().error(error)
}
