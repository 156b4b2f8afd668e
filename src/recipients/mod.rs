//! Recipients: rows of a CSV file or of the campaign file, one at a time, each with its number and its problems.
//!
//! `csv` makes records of a file, `raw_rows` takes the rows of either source, `columns` finds the columns that the
//! campaign uses, `phone` makes numbers international, `decoder` makes a [`Record`] of each row, and `duplicates` finds
//! numbers that occur twice. [`open`] ties them together.
//!
//! Memory is flat: ten million rows cost what ten thousand do, and so does a file that is one open quote. A bad row is
//! a [`Record`] with a [`RowProblem`](crate::model::RowProblem), never an error: errors are for files that cannot be
//! read.

mod columns;
mod csv;
mod decoder;
mod duplicates;
mod error;
mod phone;
mod raw_rows;
mod reader;
mod record;

pub use decoder::Decoder;
pub use duplicates::{Duplicate, DuplicateRows, Duplicates, SpillError};
pub use error::{OpenError, ReadError};
pub use phone::parse::{Numbers, UnknownRegion};
pub use raw_rows::Rows;
pub use reader::{Reader, digest, open, open_once};
pub use record::Record;

#[cfg(test)]
mod tests;
