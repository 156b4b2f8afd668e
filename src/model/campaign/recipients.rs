//! Who gets a campaign: where the list is and how it is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use encoding_rs::Encoding;

/// Who gets a campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipients {
    /// Where the rows come from.
    pub source: Source,
    /// The column that holds the number.
    pub to: String,
    /// The region of national numbers (ISO 3166-1 alpha-2, upper case).
    pub region: Option<String>,
    /// Leaves out people whom an earlier run of the campaign reached within this time.
    pub skip_sent_within: Option<Duration>,
    /// How the list is read.
    pub reading: Reading,
}

impl Recipients {
    /// Returns recipients whose numbers are in the column `to`, with the default for everything else.
    #[must_use]
    pub fn new(source: Source, to: impl Into<String>) -> Self {
        Self { source, to: to.into(), region: None, skip_sent_within: None, reading: Reading::default() }
    }
}

/// How the cells of a list are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Whether whitespace at both ends of a cell is removed.
    pub trim: bool,
    /// Whether every run of whitespace in a cell, line breaks included, becomes one space.
    pub flatten: bool,
    /// Whether the first of several numbers in a cell is used; otherwise the row is invalid.
    pub first_of_several: bool,
    /// Whether numbers are invalid that probably cannot get messages by the numbering plan.
    pub strict_numbers: bool,
    /// The encoding of a file; `None` to find it out.
    pub encoding: Option<&'static Encoding>,
    /// The names of the list for columns that have other names in the campaign: new name, old name.
    pub columns: BTreeMap<String, String>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            trim: true,
            flatten: false,
            first_of_several: false,
            strict_numbers: false,
            encoding: None,
            columns: BTreeMap::new(),
        }
    }
}

/// Where the rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A CSV file, `.gz` or not; absolute, or relative to the working directory. May contain
    /// [`DATE`](crate::model::DATE).
    Csv(PathBuf),
    /// A spreadsheet (`.xlsx`, `.xls`, `.ods`).
    Sheet {
        /// The file; as for a CSV.
        path: PathBuf,
        /// The sheet; `None` for the only visible one.
        name: Option<String>,
    },
    /// Rows in the campaign file itself.
    Inline(Inline),
}

impl Source {
    /// Returns the file that holds the rows, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Csv(path) | Self::Sheet { path, .. } => Some(path),
            Self::Inline(_) => None,
        }
    }

    /// Returns the file that holds the rows, to change it.
    pub(super) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Csv(path) | Self::Sheet { path, .. } => Some(path),
            Self::Inline(_) => None,
        }
    }
}

/// Rows in the campaign file itself, as a table: every row has as many cells as there are columns.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Inline {
    /// The columns' names, in the order in which they first appear.
    pub columns: Vec<String>,
    /// The cells; empty where a row does not have a column.
    pub rows: Vec<Vec<String>>,
    /// The line of the campaign file on which each row starts.
    pub lines: Vec<u64>,
}
