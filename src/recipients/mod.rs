//! Recipients: reads the rows of a CSV file, a spreadsheet or the campaign file, each with its number and its problems.
//!
//! `encoding` reads a file as UTF-8, `csv` splits it into records, `spreadsheet` reads the sheets of workbooks,
//! `raw_rows` holds the rows of either source, `columns` finds the columns that the campaign uses, `phone` converts
//! numbers to international form, `decoder` turns each row into a [`Record`], and `duplicates` finds repeated numbers.
//! [`open`] ties them together.
//!
//! Memory is constant, except for spreadsheets: ten million rows of CSV need as much as ten thousand, and so does a
//! file with an unclosed quote. A bad row is a [`Record`] with a [`RowProblem`](crate::model::RowProblem), never an
//! error: errors are for files that cannot be read.

mod columns;
mod csv;
mod decoder;
mod duplicates;
mod encoding;
mod error;
mod note;
mod phone;
mod raw_rows;
mod reader;
mod record;
mod spreadsheet;

pub use decoder::Decoder;
pub use duplicates::{Duplicate, DuplicateRows, Duplicates, SpillError};
pub use encoding::Rival;
pub use error::{FOR_NUMBERS, OpenError, ReadError, UnclearSheet};
pub use note::ListNote;
pub use phone::kinds::{KindLookup, NumberKinds};
pub use phone::parse::{Numbers, UnknownRegion};
pub use raw_rows::Rows;
pub use reader::{Reader, digest, open, open_any, open_once};
pub use record::Record;

#[cfg(test)]
mod tests;
