//! Notes columns in which some cells are dates and others are displayed in another way, such as a date typed as text: a
//! message with both would look different from person to person.

use crate::recipients::note::ListNote;
use crate::text::{escaped, grouped};

/// The cells of a column: those that are dates in the format of the first one, and the others.
#[derive(Clone, Default)]
pub(super) struct DateCells {
    format: usize,
    dates: Found,
    others: Found,
}

/// How many cells there are, and the index of the first row with one.
#[derive(Clone, Copy, Default)]
struct Found {
    cells: u64,
    first: usize,
}

impl DateCells {
    /// Counts a cell that is not blank: a date in this format, or something else.
    pub(super) fn count(&mut self, format: Option<usize>, row: usize) {
        let is_first = self.dates.cells == 0;
        let is_alike = format.is_some_and(|format| is_first || format == self.format);
        let found = if is_alike { &mut self.dates } else { &mut self.others };
        if found.cells == 0 {
            found.first = row;
        }
        found.cells += 1;
        if let Some(format) = format.filter(|_| is_first) {
            self.format = format;
        }
    }

    /// Returns the note about the column with this name, if it has both kinds. `sample` returns the cell of a row, and
    /// its line.
    pub(super) fn note(&self, name: &str, sample: impl Fn(usize) -> (String, u64)) -> Option<ListNote> {
        let Self { dates, others, .. } = self;
        if dates.cells == 0 || others.cells == 0 {
            return None;
        }
        let shown = |found: &Found| {
            let (text, line) = sample(found.first);
            format!("`{text}` in row {line}")
        };
        let words = |found: &Found, one: &str, many: &str| match found.cells {
            1 => format!("1 {one}, {}", shown(found)),
            cells => format!("{} {many}, such as {}", grouped(cells), shown(found)),
        };
        let message = format!(
            "column `{}`: {}; {}; give all cells of the column the same format",
            escaped(name),
            words(dates, "cell is a date", "cells are dates"),
            words(others, "is displayed in another way", "are displayed in another way"),
        );
        Some(ListNote { code: "mixed_dates", message, rows: others.cells })
    }
}
