//! Why recipients cannot be read at all. Problems of a single row belong to its record.

use std::io;
use std::path::PathBuf;

use super::encoding::Rival;
use super::phone::parse::UnknownRegion;
use crate::model::{Header, NO_HEADER};
use crate::text::{any_of, escaped};

/// What the column of the phone numbers is for.
pub const FOR_NUMBERS: &str = "for the numbers";

/// Why the recipients cannot be read; no row was read yet.
///
/// Displayed without any of the header, which may be a person's data; see [`OpenError::to_person`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be opened.
    #[error("cannot open the recipient list {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The start of the file could not be read, or all of it for a fingerprint.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no header line.
    #[error("{from} is empty; its first line must name the columns")]
    Empty {
        /// The file, or the campaign's rows.
        from: String,
    },
    /// The file is not text.
    #[error("{from} is {what}; export it as CSV (UTF-8)")]
    NotText {
        /// The file.
        from: String,
        /// What it is instead.
        what: &'static str,
    },
    /// The file is not a spreadsheet that can be read.
    #[error("{from} {what}")]
    Spreadsheet {
        /// The file.
        from: String,
        /// Why, and what to do.
        what: String,
    },
    /// It is unclear which sheet of the spreadsheet is meant.
    #[error("{from} {}; {}", unclear.problem, unclear.hint)]
    UnclearSheet {
        /// The file.
        from: String,
        /// Why, and the sheets.
        unclear: UnclearSheet,
    },
    /// The file is not UTF-8, and it is unclear what it is.
    #[error(
        "{from} is not UTF-8, and its encoding is unclear; {}",
        of_unclear(rivals.iter().map(|rival| format!("`{}`", rival.label)).collect(), rivals)
    )]
    UnclearEncoding {
        /// The file.
        from: String,
        /// The encodings that it may have, the likeliest first.
        rivals: Vec<Rival>,
    },
    /// Some of the file is UTF-8, and the rest is not.
    #[error(
        "{from} has words in UTF-8 and words in {other}; save all of it as UTF-8 CSV. Set `encoding` only if all of \
         it is {other}"
    )]
    MixedEncodings {
        /// The file.
        from: String,
        /// The encoding of the rest.
        other: String,
    },
    /// The file is UTF-8, but the campaign names another encoding.
    #[error(
        "{from} is valid UTF-8, but `encoding` is {named}; remove `encoding`. If the text still looks wrong, save the \
         file again as UTF-8 CSV"
    )]
    NotNamed {
        /// The file.
        from: String,
        /// What the campaign says.
        named: String,
    },
    /// The file's byte order mark contradicts the campaign.
    #[error("{from} starts with a {mark} byte order mark, but `encoding` is {named}; remove `encoding`")]
    OtherMark {
        /// The file.
        from: String,
        /// What the campaign says.
        named: String,
        /// What the byte order mark says.
        mark: String,
    },
    /// The first line cannot be read as column names.
    #[error("{from}: the header line {what}")]
    Header {
        /// The file.
        from: String,
        /// What is wrong with the line.
        what: String,
    },
    /// Two columns have the name that the campaign uses.
    #[error("columns {} and {} of {from} have the same name `{wanted}`; give each column its own name", columns.0, columns.1)]
    DuplicateColumn {
        /// The file, or the campaign's rows.
        from: String,
        /// The name in the campaign.
        wanted: String,
        /// Which columns, from 1.
        columns: (usize, usize),
    },
    /// A new name belongs to another column.
    #[error(
        "`columns` renames column {} of {from} to `{name}`, but column {} has this name already; use another name",
        columns.0,
        columns.1
    )]
    NameTaken {
        /// The file, or the campaign's rows.
        from: String,
        /// The new name.
        name: String,
        /// The renamed column and the other one, from 1.
        columns: (usize, usize),
    },
    /// A column that the campaign names is missing.
    #[error("{from} has no column `{wanted}` {purpose}; {}", of_missing(purpose, header))]
    NoColumn {
        /// The file, or the campaign's rows.
        from: String,
        /// The name in the campaign.
        wanted: String,
        /// What the column is for.
        purpose: &'static str,
        /// The existing names.
        header: Header,
    },
    /// The campaign's region is unknown.
    #[error("the recipients' region is not valid")]
    Region(#[source] UnknownRegion),
}

/// Why it is unclear which sheet of a spreadsheet is meant.
#[derive(Debug, PartialEq, Eq)]
pub struct UnclearSheet {
    /// What follows the name of the file: `has 2 sheets`.
    pub problem: String,
    /// What to do in a campaign.
    pub hint: String,
    /// The sheets to choose from, as text.
    pub sheets: String,
}

impl OpenError {
    /// Formats it for the terminal: with the header names, shortened and without phone numbers.
    #[must_use]
    pub fn to_person(&self) -> String {
        let more = match self {
            Self::NoColumn { wanted, header, .. } => header.hint(wanted),
            Self::UnclearEncoding { from, rivals } => {
                let shown = rivals.iter().map(|Rival { label, sample }| format!("`{label}` ({})", escaped(sample)));
                let words = of_unclear(shown.collect(), rivals);
                return format!("{from} is not UTF-8, and its encoding is unclear; {words}");
            }
            _ => None,
        };
        more.map_or_else(|| self.to_string(), |more| format!("{self}; {more}"))
    }
}

fn of_missing(purpose: &str, header: &Header) -> &'static str {
    match (header.is_person(), purpose) {
        (true, _) => NO_HEADER,
        (false, "to rename") => "the names on the right of `columns` must be in the first line of the file",
        (false, _) => {
            "choose a column from the first line of the file: set `recipients.to` in the campaign, or pass `--column` to `suppress import`"
        }
    }
}

/// Returns what to do about an unclear encoding. `shown` are the rivals as they are listed.
fn of_unclear(shown: Vec<String>, rivals: &[Rival]) -> String {
    let [Rival { label, .. }, others @ ..] = rivals else {
        return "export it as UTF-8 CSV, or set `encoding` under `recipients`".to_owned();
    };
    let set = format!("add `encoding: {label}` under `recipients` (`--encoding {label}` for `suppress import`)");
    match others {
        [] => format!("it may be {}: if that is right, {set}", shown.concat()),
        _ => format!(
            "it may be {}: choose the one that shows the text correctly. If it is the first, {set}",
            any_of(&shown)
        ),
    }
}

/// Why the recipients could not be read to the end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system could not read the file.
    #[error("cannot read {} to the end", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is damaged or incomplete gzip.
    #[error("{} is a damaged or incomplete gzip file; compress or copy it again", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// The error of the decompressor.
        source: io::Error,
    },
}
