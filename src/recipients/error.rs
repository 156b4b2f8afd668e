//! Why recipients cannot be read at all. What is wrong with one row is not here: that is a problem of its record.

use std::io;
use std::path::PathBuf;

use super::phone::parse::UnknownRegion;
use crate::model::{Header, NO_HEADER};

/// The recipients cannot be read: nothing is known about any row yet.
///
/// Displayed without a word of the header, which may be a person; see [`OpenError::to_person`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be opened.
    #[error("could not open the recipients {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its beginning, or for a fingerprint all of it, could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no line that names the columns.
    #[error("{from} is empty: its first line has to name the columns")]
    Empty {
        /// The file, or the campaign's rows.
        from: String,
    },
    /// The file is not text in UTF-8.
    #[error("{from} is {what}: export it as CSV in UTF-8")]
    NotText {
        /// The file.
        from: String,
        /// What it is instead.
        what: &'static str,
    },
    /// The first line cannot be read as column names.
    #[error("{from}: the line that names the columns {what}")]
    Header {
        /// The file.
        from: String,
        /// What is wrong with the line.
        what: String,
    },
    /// Two columns have the same name.
    #[error("columns {} and {} of {from} have the same name: {}", columns.0, columns.1, of_duplicate(header))]
    DuplicateColumn {
        /// The file, or the campaign's rows.
        from: String,
        /// Which columns, from 1.
        columns: (usize, usize),
        /// The names there are.
        header: Header,
    },
    /// The column with the numbers is not there.
    #[error("{from} has no column `{wanted}` for the numbers: {}", of_missing(header))]
    NoColumn {
        /// The file, or the campaign's rows.
        from: String,
        /// The campaign's `to`.
        wanted: String,
        /// The names there are.
        header: Header,
    },
    /// The campaign's region is unknown.
    #[error("the recipients' region is wrong")]
    Region(#[source] UnknownRegion),
}

impl OpenError {
    /// As a person at the terminal reads it: with the names in the header, shortened and without telephone numbers.
    #[must_use]
    pub fn to_person(&self) -> String {
        let more = match self {
            Self::NoColumn { wanted, header, .. } => header.hint(wanted),
            Self::DuplicateColumn { columns: (first, _), header, .. } => {
                header.name(first - 1).map(|name| format!("the name is {name}"))
            }
            _ => None,
        };
        more.map_or_else(|| self.to_string(), |more| format!("{self}; {more}"))
    }
}

fn of_missing(header: &Header) -> &'static str {
    match header.is_person() {
        true => NO_HEADER,
        false => {
            "name the column: `to` in a campaign, `--column` of `suppress import` (the first line of a file has to name the \
             columns)"
        }
    }
}

fn of_duplicate(header: &Header) -> &'static str {
    match header.is_person() {
        true => NO_HEADER,
        false => "variables are named by their columns; give each a name of its own",
    }
}

/// The recipients could not be read to their end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system could not read the file.
    #[error("could not read {} any further", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is gzip, and broken or cut short.
    #[error("{} is broken or cut short as a gzip file: pack it or copy it again", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decompressor said.
        source: io::Error,
    },
}
