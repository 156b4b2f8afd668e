//! Why a spreadsheet cannot be read: what follows its name in an error.

use std::io;

use crate::recipients::error::UnclearSheet;

/// Why a spreadsheet cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Its content: why, and what to do, in words that follow the name of the file.
    Content(String),
    /// It is unclear which of its sheets is meant.
    Sheet(UnclearSheet),
}

/// The result of reading a part of a spreadsheet.
pub(super) type Parsed<T> = Result<T, Unreadable>;

/// The most bytes of a file. One of a million rows has about half of it.
pub(super) const MAX_FILE: u64 = 100 * 1024 * 1024;

pub(super) const PASSWORD: &str =
    "is password-protected; remove the password in the spreadsheet program and save it again";
const DAMAGED: &str = "is a damaged or incomplete spreadsheet; open it in a spreadsheet program and save it as .xlsx";

impl Unreadable {
    pub(super) fn damaged() -> Self {
        Self::Content(DAMAGED.to_owned())
    }

    /// `what` is the limit that it exceeds.
    pub(super) fn too_large(what: &str) -> Self {
        Self::Content(format!("is too large ({what}); split the list, or export it as CSV, which has no limit"))
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::FileTooLarge => Self::too_large(&error.to_string()),
            _ => Self::damaged(),
        }
    }
}

impl From<quick_xml::Error> for Unreadable {
    fn from(error: quick_xml::Error) -> Self {
        match error {
            quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                Self::too_large(&error.to_string())
            }
            _ => Self::damaged(),
        }
    }
}

impl From<quick_xml::events::attributes::AttrError> for Unreadable {
    fn from(_: quick_xml::events::attributes::AttrError) -> Self {
        Self::damaged()
    }
}
