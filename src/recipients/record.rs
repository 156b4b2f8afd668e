//! One row of the input, with its number and its problems.

use crate::model::{NumberProblem, Phone, RowNumber, RowProblem};

/// One row of the input. Reusable for the next row.
///
/// It has no `Debug`, because it contains personal data.
pub struct Record {
    /// Its number in the input, 1 for the first after the header.
    pub row: RowNumber,
    /// The line of the CSV file or the campaign file where it starts.
    pub line: u64,
    /// The recipient, or why there is none: `no_number`, `bad_number`, `spreadsheet_number`, or the record's own
    /// problem if it has no cells.
    pub to: Result<Phone, RowProblem>,
    /// The number as written.
    pub raw_to: String,
    /// The cells, one per column. Missing cells are empty, and invalid UTF-8 is replaced.
    pub cells: Vec<String>,
    /// Whether all cells are free of characters that are not allowed in messages; see
    /// [`is_plain`](crate::text::is_plain).
    pub is_plain: bool,
    /// A problem of the record itself: `ragged_row`, `bad_quotes`, `long_record` or `bad_utf8`.
    pub problem: Option<RowProblem>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            row: RowNumber(0),
            line: 0,
            to: Err(NumberProblem::NoRow.into()),
            raw_to: String::new(),
            cells: Vec::new(),
            is_plain: false,
            problem: None,
        }
    }
}
