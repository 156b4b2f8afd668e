//! Batches of undecoded rows, so that one thread reads while others decode.
//!
//! All cells are in one reusable buffer. Their contents do not matter here.

use std::ops::Range;

use crate::model::{RowNumber, RowProblem};

/// The bytes at which a batch is full.
const FULL: usize = 256 * 1024;

/// Rows of the input, in order. Reusable.
#[derive(Default)]
pub struct Rows {
    rows: Vec<Row>,
    /// The cells, end to end.
    bytes: Vec<u8>,
    /// The end of each cell.
    ends: Vec<usize>,
}

/// A row without its cells.
struct Row {
    row: RowNumber,
    line: u64,
    problem: Option<RowProblem>,
    /// The start of its cells, in bytes and in cells.
    start: (usize, usize),
}

/// A row of [`Rows`].
pub(super) struct Raw<'r> {
    pub(super) row: RowNumber,
    pub(super) line: u64,
    pub(super) problem: Option<&'r RowProblem>,
    bytes: &'r [u8],
    start: usize,
    ends: &'r [usize],
}

impl Rows {
    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether the batch is full.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.bytes.clear();
        self.ends.clear();
    }

    pub(super) fn push<'c>(
        &mut self,
        number: u64,
        line: u64,
        problem: Option<RowProblem>,
        cells: impl Iterator<Item = &'c [u8]>,
    ) {
        self.rows.push(Row { row: RowNumber(number), line, problem, start: (self.bytes.len(), self.ends.len()) });
        for cell in cells {
            self.bytes.extend_from_slice(cell);
            self.ends.push(self.bytes.len());
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Raw<'_>> {
        let Row { row, line, problem, start } = self.rows.get(index)?;
        let ends = self.ends.get(start.1..)?;
        let ends = match self.rows.get(index + 1) {
            Some(next) => ends.get(..next.start.1 - start.1)?,
            None => ends,
        };
        Some(Raw { row: *row, line: *line, problem: problem.as_ref(), bytes: &self.bytes, start: start.0, ends })
    }
}

impl<'r> Raw<'r> {
    /// Returns the bytes of all cells.
    pub(super) fn bytes(&self) -> &'r [u8] {
        self.bytes.get(self.start..self.ends.last().copied().unwrap_or(self.start)).unwrap_or_default()
    }

    /// Returns where each cell is in [`Raw::bytes`], in order.
    pub(super) fn cells(&self) -> impl Iterator<Item = Range<usize>> {
        let (mut start, first) = (0, self.start);
        self.ends.iter().map(move |&end| std::mem::replace(&mut start, end - first)..end - first)
    }
}
