//! One row of the input, with its number and its problems.

use crate::model::{NumberProblem, Phone, RowNumber, RowProblem};

/// One row of the input. Made to be used again for the next row.
///
/// There is no `Debug`, since it is made of personal data.
pub struct Record {
    /// Its number in the input, 1 for the first after the header.
    pub row: RowNumber,
    /// The line on which it starts, of the CSV file or of the campaign file.
    pub line: u64,
    /// Who gets the message, or why nobody can: `no_number`, `bad_number`, `spreadsheet_number`, or the record's
    /// own problem where it has no cells.
    pub to: Result<Phone, RowProblem>,
    /// The number as written.
    pub raw_to: String,
    /// The cells, one for every column. What is missing is empty, and bytes that are not UTF-8 are replaced.
    pub cells: Vec<String>,
    /// Whether no cell holds a character that no message may hold; see [`is_plain`](crate::text::is_plain).
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
