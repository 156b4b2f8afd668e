//! Recipients: rows of a CSV file or of the campaign file, one at a time, each with its number and its problems.
//!
//! Memory is flat: ten million rows cost what ten thousand do, and so does a file that is one open quote. A bad
//! row is a [`Record`] with a [`RowProblem`](crate::model::RowProblem), never an error: errors are for files that cannot be read. What becomes
//! of a row is not decided here, and nothing is kept.

mod columns;
mod content;
mod decoder;
mod duplicates;
mod error;
mod numbers;
mod plans;
mod quotes;
mod reader;
mod record;
mod rows;
mod table;
mod window;

pub use decoder::Decoder;
pub use duplicates::{Duplicate, DuplicateRows, Duplicates, SpillError};
pub use error::{OpenError, ReadError};
pub use numbers::{Numbers, UnknownRegion};
pub use reader::{Reader, digest, open, open_once};
pub use record::Record;
pub use rows::Rows;

#[cfg(test)]
mod tests;
