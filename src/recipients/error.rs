//! Why recipients cannot be read at all. What is wrong with one row is not here: that is a problem of its record.

use std::io;
use std::path::PathBuf;

use super::UnknownRegion;

/// The recipients cannot be read: nothing is known about any row yet.
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
    #[error(
        "{from} has more than one column `{name}`: variables are named by their columns, so give each a name of its own"
    )]
    DuplicateColumn {
        /// The file, or the campaign's rows.
        from: String,
        /// The name they share.
        name: String,
    },
    /// The column with the numbers is not there.
    #[error("{from} has no column `{wanted}` for the numbers, only {columns}: {hint}")]
    NoColumn {
        /// The file, or the campaign's rows.
        from: String,
        /// The campaign's `to`.
        wanted: String,
        /// The columns there are.
        columns: String,
        /// What to do.
        hint: String,
    },
    /// The campaign's region is unknown.
    #[error("the recipients' region is wrong")]
    Region(#[source] UnknownRegion),
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
