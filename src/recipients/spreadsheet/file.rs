//! Finds out what a file is, and reads the sheet in it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::grid::SheetTable;
use super::package::Package;
use super::unreadable::{MAX_FILE, PASSWORD, Parsed, Unreadable};
use super::{ods, xls, xlsx};
use crate::input_file;
use crate::recipients::error::{OpenError, ReadError};
use crate::recipients::note::ListNote;
use crate::text::hex;

const WEB_PAGE: &str = "is a web page or another XML file with a spreadsheet's file extension; open it in a \
                        spreadsheet program and save it as .xlsx";
const TEXT: &str = "is not a spreadsheet; if it is a CSV file, write `csv:` instead of `xlsx:`";
const NUMBERS: &str = "is a Numbers document; export it as .xlsx";
const ARCHIVE: &str = "is an archive or another document, not a spreadsheet; save the list as .xlsx";
const GZIP: &str = "is compressed with gzip; decompress it";

/// A spreadsheet that was read.
pub(super) struct Workbook {
    /// `None` if the sheet is blank.
    pub(super) sheet: Option<SheetTable>,
    pub(super) notes: Vec<ListNote>,
    /// The SHA-256 of the file, in hexadecimal.
    pub(super) digest: String,
    pub(super) length: u64,
}

/// Reads a sheet of a file: the named one, or the only visible one.
pub(super) fn read(path: &Path, sheet: Option<&str>) -> Result<Workbook, OpenError> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
    let length = bytes.len() as u64;
    let digest = hex(&Sha256::digest(&bytes));
    let failed = |unreadable| {
        let from = path.display().to_string();
        match unreadable {
            Unreadable::Content(what) => OpenError::Spreadsheet { from, what },
            Unreadable::Sheet(unclear) => OpenError::UnclearSheet { from, unclear },
        }
    };
    if length > MAX_FILE {
        return Err(failed(Unreadable::too_large("more than 100 MiB")));
    }
    let (sheet, notes) = parsed(bytes, sheet).map_err(failed)?;
    Ok(Workbook { sheet, notes, digest, length })
}

fn open(path: &Path) -> Result<File, OpenError> {
    input_file::open(path).map_err(|source| OpenError::Open { path: path.to_owned(), source })
}

fn parsed(bytes: Vec<u8>, sheet: Option<&str>) -> Parsed<(Option<SheetTable>, Vec<ListNote>)> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start();
    let what = match () {
        () if bytes.is_empty() => "is empty",
        () if bytes.starts_with(b"PK\x03\x04") => return package(Package::open(bytes)?, sheet),
        () if bytes.starts_with(b"\xd0\xcf\x11\xe0") => return xls::read(bytes, sheet),
        () if text.starts_with(b"<") || bytes.starts_with(b"\xff\xfe<\0") => WEB_PAGE,
        () if bytes.starts_with(&[0x1f, 0x8b]) => GZIP,
        () => TEXT,
    };
    Err(Unreadable::Content(what.to_owned()))
}

fn package(package: Package, sheet: Option<&str>) -> Parsed<(Option<SheetTable>, Vec<ListNote>)> {
    if package.has("content.xml") {
        return ods::read(package, sheet);
    }
    if package.has_any(|name| name.starts_with("xl/") || name == "[Content_Types].xml") {
        return match package.has_any(|name| name.starts_with("word/") || name.starts_with("ppt/")) {
            true => Err(Unreadable::Content(ARCHIVE.to_owned())),
            false => xlsx::read(package, sheet),
        };
    }
    match package.has("encrypted-package") {
        true => Err(Unreadable::Content(PASSWORD.to_owned())),
        false if package.has_any(|name| name.ends_with(".iwa")) => Err(Unreadable::Content(NUMBERS.to_owned())),
        false => Err(Unreadable::Content(ARCHIVE.to_owned())),
    }
}
