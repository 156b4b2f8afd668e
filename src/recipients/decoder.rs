//! Decodes a raw row into a record: its cells as text, and its number.
//!
//! The decoder has no state that changes, so threads can share it.

use encoding_rs::{Encoding, UTF_8};

use super::columns::Columns;
use super::phone::kinds::NumberKinds;
use super::phone::parse::{Numbers, UnknownRegion};
use super::raw_rows::Rows;
use super::record::Record;
use crate::model::{CellProblem, NumberProblem, Phone, Reading, RowProblem};
use crate::text::{formula_text, is_blank, is_plain, trimmed, without_marks};

/// Decodes rows into records.
pub struct Decoder {
    pub(super) columns: Columns,
    numbers: Numbers,
    /// Set if numbers must be able to get messages by the numbering plan.
    strict: Option<NumberKinds>,
    trim: bool,
    flatten: bool,
    /// Whether a cell such as `="0123"` is read as the text `0123`.
    formulas: bool,
    /// What is wrong with a cell that cannot be decoded.
    undecodable: CellProblem,
}

impl Decoder {
    /// `formulas` says whether a cell such as `="0123"` is read as the text `0123`.
    ///
    /// # Errors
    /// Never: the numbering plans are part of the program.
    pub(super) fn new(
        columns: Columns,
        numbers: Numbers,
        reading: &Reading,
        encoding: &'static Encoding,
        formulas: bool,
    ) -> Result<Self, UnknownRegion> {
        let numbers = numbers.first_of_several(reading.first_of_several);
        let strict = reading.strict_numbers.then(|| numbers.kinds()).transpose()?;
        let undecodable = match encoding == UTF_8 {
            true => CellProblem::NotUtf8,
            false => CellProblem::NotInEncoding(encoding.name().to_lowercase().into()),
        };
        Ok(Self { columns, numbers, strict, trim: reading.trim, flatten: reading.flatten, formulas, undecodable })
    }

    /// Returns what the numbering plans say about the kinds of numbers; `None` if the affected rows are invalid anyway.
    #[must_use]
    pub fn number_kinds(&self) -> Option<NumberKinds> {
        if self.strict.is_some() { None } else { self.numbers.kinds().ok() }
    }

    fn number(&self, text: &str) -> Result<Phone, RowProblem> {
        let phone = self.numbers.normalise(text)?;
        match self.strict.as_ref().and_then(|kinds| kinds.of(phone)) {
            Some(kind) => Err(NumberProblem::Kind(kind).into()),
            None => Ok(phone),
        }
    }

    /// Returns the name of the column with the number.
    #[must_use]
    pub fn number_column(&self) -> &str {
        self.columns.names.get(self.columns.to).map_or("", String::as_str)
    }

    /// Returns the names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns.names
    }

    /// Decodes the row with this index, from 0, into `record`, which stays as it is if there is no such row.
    pub fn decode(&self, rows: &Rows, index: usize, record: &mut Record) {
        let Some(raw) = rows.get(index) else { return };
        record.row = raw.row;
        record.line = raw.line;
        record.problem = raw.problem.cloned();
        let bytes = raw.bytes();
        // One check of the whole row is faster than one of each cell.
        let whole = std::str::from_utf8(bytes).ok();
        record.is_plain = is_plain(bytes);
        record.cells.resize_with(self.columns.names.len(), String::new);
        for (index, ((cell, name), range)) in
            record.cells.iter_mut().zip(&self.columns.names).zip(raw.cells()).enumerate()
        {
            cell.clear();
            let bytes = bytes.get(range.clone()).unwrap_or_default();
            let text = match whole {
                // A character may not continue in the next cell.
                Some(whole) => whole.get(range),
                None => std::str::from_utf8(bytes).ok(),
            };
            match text {
                Some(text) => {
                    let text = visible(text, self.trim);
                    match formula_text(text).filter(|_| self.formulas) {
                        Some(text) => cell.push_str(visible(&text, self.trim)),
                        None => cell.push_str(text),
                    }
                    // In a number, a line break or a gap may separate two numbers.
                    if self.flatten && index != self.columns.to {
                        flatten(cell);
                    }
                }
                None => {
                    cell.push_str(&String::from_utf8_lossy(bytes));
                    record
                        .problem
                        .get_or_insert_with(|| RowProblem::from(self.undecodable.clone()).column(name).value(cell));
                }
            }
        }
        record.raw_to.clear();
        if let Some(cell) = record.cells.get(self.columns.to) {
            record.raw_to.push_str(cell);
        }
        // Without cells there is no number, but the number is not the problem.
        record.to = match &record.problem {
            Some(problem) if record.raw_to.is_empty() => Err(problem.clone()),
            _ => self
                .number(&record.raw_to)
                .map_err(|problem| problem.column(self.number_column()).value(&record.raw_to)),
        };
    }
}

/// Returns a cell without invisible marks at its ends, and without whitespace there if `trim` is true; empty if nothing
/// is visible.
fn visible(cell: &str, trim: bool) -> &str {
    // Most cells start and end with a visible character: ASCII, Latin, Greek, Cyrillic or Chinese.
    let is_visible =
        |c: char| matches!(c, '!'..='~' | '\u{c0}'..='\u{2af}' | '\u{370}'..='\u{52f}' | '\u{4e00}'..='\u{9fff}');
    let mut characters = cell.chars();
    let first = characters.next();
    if first.is_some_and(is_visible) && characters.next_back().or(first).is_some_and(is_visible) {
        return cell;
    }
    let visible = if trim { trimmed(cell) } else { without_marks(cell) };
    // A cell of whitespace that is not trimmed stays as it is: it counts as empty anyway.
    if is_blank(visible) && !visible.trim().is_empty() { "" } else { visible }
}

/// Replaces every run of whitespace, line breaks included, with one space.
fn flatten(cell: &mut String) {
    if cell.chars().any(|c| c.is_whitespace() && c != ' ') || cell.contains("  ") {
        let mut flat = String::with_capacity(cell.len());
        for c in cell.chars() {
            match c.is_whitespace() {
                true if flat.ends_with(' ') => {}
                true => flat.push(' '),
                false => flat.push(c),
            }
        }
        *cell = flat;
    }
}

#[cfg(test)]
mod tests {
    use super::visible;
    use crate::text::{is_blank, trimmed};

    #[test]
    fn what_is_taken_for_visible_is_neither_trimmed_nor_blank() {
        for c in '\0'..='\u{ffff}' {
            let cell = format!("{c}a{c}");
            assert_eq!(visible(&cell, true), trimmed(&cell), "{c:?}");
            let alone = c.to_string();
            let expected = if is_blank(trimmed(&alone)) { "" } else { trimmed(&alone) };
            assert_eq!(visible(&alone, true), expected, "{c:?}");
        }
    }
}
