//! The lines of rows, in memory that does not grow with the number of rows: only where a row is not on the line after
//! the row before it.

use crate::model::RowNumber;

/// The most places that are remembered, of 16 bytes each. A list with more has blank lines or long cells everywhere.
const MAX_PLACES: usize = 100_000;

/// The lines of the rows of a list, added in order.
#[derive(Debug, Default)]
pub(in crate::engine) struct RowLines {
    /// Rows that are not on the line after the row before them, and their lines.
    places: Vec<(u64, u64)>,
    /// The first row whose line is unknown, if there were too many places.
    unknown_from: Option<u64>,
}

impl RowLines {
    /// Adds the next row.
    pub(in crate::engine) fn add(&mut self, row: RowNumber, line: u64) {
        if self.of(row) == Some(line) || self.unknown_from.is_some() {
            return;
        }
        match self.places.len() < MAX_PLACES {
            true => self.places.push((row.0, line)),
            false => self.unknown_from = Some(row.0),
        }
    }

    /// Adds the next rows.
    pub(in crate::engine) fn append(&mut self, next: &Self) {
        next.places.iter().for_each(|(row, line)| self.add(RowNumber(*row), *line));
    }

    /// Returns the line of a row; `None` if it is unknown.
    pub(in crate::engine) fn of(&self, row: RowNumber) -> Option<u64> {
        if self.unknown_from.is_some_and(|first| row.0 >= first) {
            return None;
        }
        let before = self.places.partition_point(|(first, _)| *first <= row.0).checked_sub(1)?;
        let (first, line) = self.places.get(before)?;
        Some(line + (row.0 - first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_line_whatever_the_batches() {
        let lines = [2, 3, 4, 7, 8, 8, 9, 20, 21, 25];
        for size in 1..=lines.len() {
            let mut all = RowLines::default();
            for (batch, rows) in lines.chunks(size).enumerate() {
                let mut next = RowLines::default();
                for (at, line) in rows.iter().enumerate() {
                    next.add(RowNumber((batch * size + at + 1) as u64), *line);
                }
                all.append(&next);
            }
            let found: Vec<_> = (1..=lines.len() as u64).map(|row| all.of(RowNumber(row))).collect();
            assert_eq!(found, lines.map(Some), "{size}");
            assert_eq!(all.places.len(), 5, "{size}");
        }
    }

    #[test]
    fn too_many_places_leave_the_later_lines_unknown() {
        let mut lines = RowLines::default();
        let most = MAX_PLACES as u64;
        (1..=most + 9).for_each(|row| lines.add(RowNumber(row), 3 * row));
        assert_eq!((lines.of(RowNumber(1)), lines.of(RowNumber(most))), (Some(3), Some(3 * most)));
        assert_eq!((lines.of(RowNumber(0)), lines.of(RowNumber(most + 1))), (None, None));
    }
}
