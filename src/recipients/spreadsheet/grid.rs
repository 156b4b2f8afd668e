//! The cells of a sheet as text, compactly in memory, and what is to be noted about them.
//!
//! A format's reader adds rows and cells in order. The first row that is not blank is the header; cells outside its
//! columns and blank rows are left out and noted.

use std::collections::BTreeMap;

use super::date_cells::DateCells;
use super::unreadable::{Parsed, Unreadable};
use crate::recipients::note::ListNote;
use crate::text::{column_letters, count, escaped, is_blank, list};

/// The most bytes of text, and of shared texts.
pub(super) const MAX_TEXT: usize = if cfg!(test) { 8 * 1024 * 1024 } else { 128 * 1024 * 1024 };
/// The most cells.
const MAX_CELLS: usize = 16 * 1024 * 1024;
/// The columns of the largest sheet.
pub(super) const MAX_COLUMNS: u32 = 16_384;
/// The rows of the largest sheet.
pub(super) const MAX_ROWS: u32 = 1_048_576;
/// The most merged cells. Those of a list are few.
pub(super) const MAX_MERGED: usize = 100_000;
/// The most number formats that cannot be displayed, and the most of them that are noted.
const MAX_UNKNOWN_FORMATS: usize = 1_000;
const MAX_SHOWN_FORMATS: usize = 10;
/// The most examples that a note shows.
const MAX_EXAMPLES: usize = 3;

/// A rectangle of cells: its first and last row and column, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) rows: (u32, u32),
    pub(super) columns: (u32, u32),
}

/// The header and the rows of a sheet.
#[derive(Default)]
pub(super) struct Grid {
    header: Option<Header>,
    /// The cells of all rows, end to end; each row has as many as the header.
    text: Vec<u8>,
    ends: Vec<u32>,
    /// The row of the sheet, from 0, that each row comes from.
    rows: Vec<u32>,
    row: Option<OpenRow>,
    /// Cells whose format cannot be displayed: the row, the column, and the format.
    unknown: Vec<(u32, u32, u32)>,
    formats: BTreeMap<(u32, Box<str>), UnknownFormat>,
    /// Cells whose format hides digits: the row and the column.
    hidden_digits: Vec<(u32, u32)>,
    /// Which cells of each column are dates.
    dates: Vec<DateCells>,
    blank: u64,
    hidden: u64,
    /// The cells outside the header's columns: how many, and the first of them.
    outside: (u64, Option<(u32, u32)>),
}

struct Header {
    row: u32,
    first: u32,
    names: Vec<String>,
}

/// The row that is being read.
#[derive(Default)]
struct OpenRow {
    row: u32,
    is_hidden: bool,
    text: String,
    /// The column and the end of each cell.
    cells: Vec<(u32, usize)>,
    unknown: Vec<(u32, Box<str>)>,
    hidden_digits: Vec<u32>,
    /// The columns with dates, and their formats.
    dates: Vec<(u32, usize)>,
    /// The first formula without a value.
    unset: Option<u32>,
}

struct UnknownFormat {
    index: u32,
    rows: u64,
    sample: String,
}

/// What was read, without the header.
pub(super) struct SheetTable {
    pub(super) names: Vec<String>,
    pub(super) notes: Vec<ListNote>,
    pub(super) cells: Cells,
}

/// The rows.
pub(super) struct Cells {
    width: usize,
    text: Vec<u8>,
    ends: Vec<u32>,
    rows: Vec<u32>,
    unknown: Vec<(u32, u32, u32)>,
    formats: Vec<Box<str>>,
    hidden_digits: Vec<(u32, u32)>,
}

impl Grid {
    /// Begins a row, from 0. Rows must be in order.
    pub(super) fn begin(&mut self, row: u32, is_hidden: bool) -> Parsed<()> {
        let mut next = self.end_row()?;
        if row >= MAX_ROWS || next.as_ref().is_some_and(|last| last.row >= row) {
            return Err(Unreadable::damaged());
        }
        let mut reused = next.take().unwrap_or_default();
        reused.text.clear();
        reused.cells.clear();
        reused.unknown.clear();
        reused.hidden_digits.clear();
        reused.dates.clear();
        self.row = Some(OpenRow { row, is_hidden, unset: None, ..reused });
        Ok(())
    }

    /// Adds a cell to the row. Columns, from 0, must be in order.
    pub(super) fn cell(&mut self, column: u32, text: &str) -> Parsed<()> {
        let Some(row) = &mut self.row else { return Err(Unreadable::damaged()) };
        if column >= MAX_COLUMNS || row.cells.last().is_some_and(|(last, _)| *last >= column) {
            return Err(Unreadable::damaged());
        }
        row.text.push_str(text);
        row.cells.push((column, row.text.len()));
        if row.text.len() > MAX_TEXT {
            return Err(text_limit());
        }
        Ok(())
    }

    /// Adds a number whose format cannot be displayed, as plain text.
    pub(super) fn unknown_format(&mut self, column: u32, text: &str, format: &str) -> Parsed<()> {
        self.cell(column, text)?;
        if let Some(row) = &mut self.row {
            row.unknown.push((column, format.into()));
        }
        Ok(())
    }

    /// Adds a number as it is displayed, by a format that hides some of its digits.
    pub(super) fn hidden_digits(&mut self, column: u32, text: &str) -> Parsed<()> {
        self.cell(column, text)?;
        if let Some(row) = &mut self.row {
            row.hidden_digits.push(column);
        }
        Ok(())
    }

    /// Adds a date as it is displayed by a format.
    pub(super) fn date(&mut self, column: u32, text: &str, format: usize) -> Parsed<()> {
        self.cell(column, text)?;
        if let Some(row) = &mut self.row {
            row.dates.push((column, format));
        }
        Ok(())
    }

    /// Adds a formula whose value is not in the file.
    pub(super) fn unset_formula(&mut self, column: u32) -> Parsed<()> {
        self.cell(column, "")?;
        // Cells without a column name are left out.
        let is_used = self.header.as_ref().is_none_or(|header| (header.first..=header.last()).contains(&column));
        if let Some(row) = self.row.as_mut().filter(|_| is_used) {
            row.unset.get_or_insert(column);
        }
        Ok(())
    }

    /// Ends the row that is being read, and returns it for reuse.
    fn end_row(&mut self) -> Parsed<Option<OpenRow>> {
        let Some(row) = self.row.take() else { return Ok(None) };
        if row.unset.is_none() && is_blank(&row.text) {
            return Ok(Some(row));
        }
        match &self.header {
            None => {
                let header = header(&row)?;
                self.dates.resize(header.names.len(), DateCells::default());
                self.header = Some(header);
            }
            Some(_) => self.push(&row)?,
        }
        Ok(Some(row))
    }

    fn push(&mut self, row: &OpenRow) -> Parsed<()> {
        let Some(header) = &self.header else { return Ok(()) };
        let columns = header.first..header.first + u32::try_from(header.names.len()).unwrap_or(0);
        if let Some(column) = row.unset {
            return Err(unset(row.row, column));
        }
        let (start, mut from) = (self.text.len(), 0);
        let (mut cells, mut dates) = (row.cells.iter().peekable(), row.dates.iter().peekable());
        let mut is_data = false;
        for (column, of_column) in columns.clone().zip(&mut self.dates) {
            while let Some((at, end)) = cells.next_if(|(at, _)| *at <= column) {
                let text = row.text.get(from..*end).unwrap_or_default();
                from = *end;
                if *at == column {
                    self.text.extend_from_slice(text.as_bytes());
                    if !is_blank(text) {
                        is_data = true;
                        while dates.next_if(|(at, _)| *at < column).is_some() {}
                        let format = dates.next_if(|(at, _)| *at == column).map(|(_, format)| *format);
                        of_column.count(format, self.rows.len());
                    }
                } else if !is_blank(text) {
                    self.outside.0 += 1;
                    self.outside.1.get_or_insert((row.row, *at));
                }
            }
            self.ends.push(u32::try_from(self.text.len()).map_err(|_| text_limit())?);
        }
        for (at, end) in cells {
            if !is_blank(row.text.get(from..*end).unwrap_or_default()) {
                self.outside.0 += 1;
                self.outside.1.get_or_insert((row.row, *at));
            }
            from = *end;
        }
        if !is_data {
            self.text.truncate(start);
            self.ends.truncate(self.rows.len() * columns.len());
            return Ok(());
        }
        if self.text.len() > MAX_TEXT {
            return Err(text_limit());
        }
        if self.ends.len() > MAX_CELLS {
            return Err(Unreadable::too_large("more than 16,777,216 cells"));
        }
        let index = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        for (column, format) in row.unknown.iter().filter(|(column, _)| columns.contains(column)) {
            let place = column - columns.start;
            let next = u32::try_from(self.formats.len()).unwrap_or(u32::MAX);
            let known = self.formats.entry((place, format.clone())).or_insert_with(|| UnknownFormat {
                index: next,
                rows: 0,
                sample: row.text(*column).to_owned(),
            });
            known.rows += 1;
            let known = known.index;
            if self.formats.len() > MAX_UNKNOWN_FORMATS {
                return Err(Unreadable::too_large("more than 1,000 number formats that are not supported"));
            }
            self.unknown.push((index, place, known));
        }
        let hidden = row.hidden_digits.iter().filter(|column| columns.contains(column));
        self.hidden_digits.extend(hidden.map(|column| (index, column - columns.start)));
        let last = self.rows.last().copied().unwrap_or(header.row);
        self.blank += u64::from(row.row - last - 1);
        self.hidden += u64::from(row.is_hidden);
        self.rows.push(row.row);
        Ok(())
    }

    /// Ends the sheet. `merged` are merged cells. Returns `None` if all rows are blank.
    pub(super) fn finish(mut self, merged: &[Area]) -> Parsed<Option<SheetTable>> {
        self.end_row()?;
        let Some(header) = self.header else { return Ok(None) };
        let mut notes = Vec::new();
        let mut note = |code, message, rows| notes.push(ListNote { code, message, rows });
        if self.hidden > 0 {
            let (rows, them) = (count(self.hidden, "hidden row"), if self.hidden == 1 { "it" } else { "them" });
            let message = format!(
                "the list includes {rows}; to leave {them} out, clear the filter or unhide {them}, then delete {them}"
            );
            note("hidden_rows", message, self.hidden);
        }
        let last = (self.rows.last().copied().unwrap_or(header.row), header.last());
        let concerns = |area: &&Area| {
            area.rows.1 >= header.row
                && area.rows.0 <= last.0
                && area.columns.1 >= header.first
                && area.columns.0 <= last.1
        };
        let merged: Vec<String> = merged.iter().filter(concerns).map(Area::name).collect();
        if !merged.is_empty() {
            let message = format!(
                "merged cells: {}. In each range, only the first cell has the value, and the others are empty; unmerge them \
                 and fill in the values",
                examples(&merged)
            );
            note("merged_cells", message, 0);
        }
        let mut formats: Vec<_> = self.formats.into_iter().collect();
        formats.sort_by_key(|(_, known)| known.index);
        for ((place, format), known) in formats.iter().take(MAX_SHOWN_FORMATS) {
            let name = header.names.get(*place as usize).map(String::as_str).unwrap_or_default();
            let message = format!(
                "column `{}`: the number format `{}` is not supported, so numbers are read without it, for example \
                 `{}`; format the column as text",
                escaped(name),
                escaped(format),
                escaped(&known.sample),
            );
            note("number_format", message, known.rows);
        }
        if let (cells @ 1.., Some((row, column))) = self.outside {
            let message = format!(
                "{} left out, because row {} has no name for {}",
                match (cells, cell_name(row, column)) {
                    (1, only) => format!("1 cell ({only}) is"),
                    (cells, first) => format!("{} (the first is {first}) are", count(cells, "cell")),
                },
                header.row + 1,
                if cells == 1 { "its column" } else { "their columns" }
            );
            note("unnamed_column", message, 0);
        }
        if self.blank > 0 {
            let message = format!(
                "{} between the rows of the list {} left out",
                count(self.blank, "blank row"),
                match self.blank {
                    1 => "is",
                    _ => "are",
                }
            );
            note("blank_rows", message, 0);
        }
        let cells = Cells {
            width: header.names.len(),
            text: self.text,
            ends: self.ends,
            rows: self.rows,
            unknown: self.unknown,
            formats: formats.into_iter().map(|((_, format), _)| format).collect(),
            hidden_digits: self.hidden_digits,
        };
        let dates = header.names.iter().zip(&self.dates).enumerate();
        let of_column = |(place, (name, dates)): (usize, (&String, &DateCells))| {
            dates.note(name, |row| {
                let text = cells.row(row).nth(place).map(String::from_utf8_lossy).unwrap_or_default();
                (escaped(&text).into_owned(), cells.line(row).unwrap_or_default())
            })
        };
        notes.extend(dates.filter_map(of_column).take(MAX_SHOWN_FORMATS));
        Ok(Some(SheetTable { names: header.names, notes, cells }))
    }
}

impl Header {
    fn last(&self) -> u32 {
        self.first + u32::try_from(self.names.len()).unwrap_or(0).saturating_sub(1)
    }
}

impl OpenRow {
    /// Returns the text of a column, which is empty if the file has no such cell.
    fn text(&self, column: u32) -> &str {
        let place = self.cells.partition_point(|(at, _)| *at < column);
        let start = place.checked_sub(1).and_then(|before| self.cells.get(before)).map_or(0, |(_, end)| *end);
        let end = self.cells.get(place).filter(|(at, _)| *at == column).map_or(start, |(_, end)| *end);
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Returns the names of the columns: those of the row's cells from the first to the last that is not blank.
fn header(row: &OpenRow) -> Parsed<Header> {
    if let Some(column) = row.unset {
        return Err(unset(row.row, column));
    }
    let mut named = row.cells.iter().map(|(column, _)| *column).filter(|column| !is_blank(row.text(*column)));
    let first = named.next().unwrap_or(0);
    let last = named.next_back().unwrap_or(first);
    Ok(Header { row: row.row, first, names: (first..=last).map(|column| row.text(column).to_owned()).collect() })
}

fn unset(row: u32, column: u32) -> Unreadable {
    Unreadable::Content(format!(
        "has a formula without a value in cell {}; open it in a spreadsheet program, which calculates the values, and save \
         it",
        cell_name(row, column)
    ))
}

fn text_limit() -> Unreadable {
    Unreadable::too_large("more than 128 MiB of text")
}

/// Returns the first of some names, and the number of the others.
fn examples(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_EXAMPLES).map(String::as_str).collect();
    match names.len().saturating_sub(MAX_EXAMPLES) {
        0 => list(&shown),
        1 => format!("{} and 1 more range", shown.join(", ")),
        more => format!("{} and {more} more ranges", shown.join(", ")),
    }
}

impl Area {
    /// Returns its name, such as `A1:B2`.
    fn name(&self) -> String {
        let (first, last) = ((self.rows.0, self.columns.0), (self.rows.1, self.columns.1));
        format!("{}:{}", cell_name(first.0, first.1), cell_name(last.0, last.1))
    }

    /// Parses a name such as `A1:B2`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (first, last) = name.split_once(':')?;
        let ((top, left), (bottom, right)) = (parse_cell(first)?, parse_cell(last)?);
        Some(Self { rows: (top, bottom), columns: (left, right) })
    }
}

/// Returns the name of a cell, such as `B5`.
fn cell_name(row: u32, column: u32) -> String {
    format!("{}{}", column_letters(column as usize), row + 1)
}

/// Parses the name of a cell, such as `B5`. Returns its row and column, from 0.
pub(super) fn parse_cell(name: &str) -> Option<(u32, u32)> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = name.split_at_checked(digits)?;
    let mut column = 0_u32;
    for letter in letters.bytes().filter(|byte| *byte != b'$') {
        let value = u32::from(letter.to_ascii_uppercase().checked_sub(b'A').filter(|value| *value < 26)?);
        column = column.checked_mul(26)?.checked_add(value + 1)?;
    }
    Some((digits.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}

impl Cells {
    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the number that the sheet shows next to a row.
    pub(super) fn line(&self, index: usize) -> Option<u64> {
        self.rows.get(index).map(|row| u64::from(*row) + 1)
    }

    /// Returns the cells of a row.
    pub(super) fn row(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        let first = index * self.width;
        let end = |cell: usize| self.ends.get(cell).map_or(0, |end| *end as usize);
        (first..first + self.width).map(move |cell| {
            let start = cell.checked_sub(1).map_or(0, end);
            self.text.get(start..end(cell)).unwrap_or_default()
        })
    }

    /// Whether the format of a cell hides digits of its number.
    pub(super) fn hides_digits(&self, index: usize, column: usize) -> bool {
        let wanted = u32::try_from(index).ok().zip(u32::try_from(column).ok());
        wanted.is_some_and(|wanted| self.hidden_digits.binary_search(&wanted).is_ok())
    }

    /// Returns the format of a cell, if it could not be displayed.
    pub(super) fn unknown_format(&self, index: usize, column: usize) -> Option<&str> {
        let wanted = (u32::try_from(index).ok()?, u32::try_from(column).ok()?);
        let found = self.unknown.binary_search_by_key(&wanted, |(row, column, _)| (*row, *column)).ok()?;
        let (_, _, format) = self.unknown.get(found)?;
        self.formats.get(*format as usize).map(|format| &**format)
    }
}
