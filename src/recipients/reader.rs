//! Reads recipients, from a CSV file or from the campaign file.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::columns::Columns;
use super::csv::bytes::Content;
use super::csv::table::Table;
use super::decoder::Decoder;
use super::error::{OpenError, ReadError};
use super::phone::parse::Numbers;
use super::raw_rows::Rows;
use super::record::Record;
use crate::model::{Inline, Recipients, Source};
use crate::text::hex;

/// What messages call rows that are not in a file.
const IN_THE_CAMPAIGN: &str = "`recipients.rows`";

/// Reads recipients, one record at a time.
pub struct Reader {
    decoder: Arc<Decoder>,
    row: u64,
    input: Input,
    digest: Option<String>,
    /// The row that was read last, where they are read one at a time.
    one: Rows,
}

/// Where the rows come from.
enum Input {
    Csv(Box<Table>),
    Inline { table: Inline, next: usize },
}

/// Opens the recipients and reads the names of their columns.
///
/// A file is CSV as of RFC 4180, in UTF-8 with or without byte order mark, with `,`, `;` or a tab between its cells,
/// and packed with gzip or not. It is a regular file, since a list is read twice and must not keep anybody waiting.
///
/// # Errors
/// The file is no regular file, cannot be opened or read, is not text in UTF-8, does not name its columns or names one
/// twice, has no column for the number, or the region is unknown.
pub fn open(recipients: &Recipients) -> Result<Reader, OpenError> {
    open_with(recipients, Content::open)
}

/// As [`open()`], and the file may also be a pipe or a device: it is read once, and waited for.
///
/// # Errors
/// As [`open()`].
pub fn open_once(recipients: &Recipients) -> Result<Reader, OpenError> {
    open_with(recipients, Content::open_once)
}

fn open_with(recipients: &Recipients, content: fn(&Path) -> Result<Content, OpenError>) -> Result<Reader, OpenError> {
    let (input, columns) = match &recipients.source {
        Source::Csv(path) => {
            let (table, columns) = Table::read(path, content(path)?, &recipients.to)?;
            (Input::Csv(Box::new(table)), columns)
        }
        Source::Inline(table) => {
            let columns = Columns::new(IN_THE_CAMPAIGN, table.columns.clone(), &recipients.to)?;
            (Input::Inline { table: table.clone(), next: 0 }, columns)
        }
    };
    let numbers = Numbers::new(recipients.region.as_deref()).map_err(OpenError::Region)?;
    let decoder = Arc::new(Decoder::new(columns, numbers));
    Ok(Reader { decoder, row: 0, input, digest: None, one: Rows::default() })
}

/// The fingerprint of the recipients: SHA-256 in hexadecimal, of a file's bytes as they lie on disk, or of rows in
/// the campaign file in a form of their own (where they stand in the file does not matter). The same as
/// [`Reader::digest`].
///
/// # Errors
/// The file cannot be opened or read. Its content is not looked at.
pub fn digest(recipients: &Recipients) -> Result<String, OpenError> {
    match &recipients.source {
        Source::Csv(path) => Ok(Content::open(path)?.digest()?),
        Source::Inline(table) => Ok(inline_digest(table)),
    }
}

impl Reader {
    /// The names of the columns, in the order of a record's cells.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        self.decoder.columns()
    }

    /// What makes records of the rows that [`Reader::read_rows`] reads, on any thread.
    #[must_use]
    pub fn decoder(&self) -> Arc<Decoder> {
        Arc::clone(&self.decoder)
    }

    /// Reads the next record into `record`. False at the end.
    ///
    /// # Errors
    /// The file cannot be read any further. A bad row is not an error.
    pub fn read(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        let mut one = std::mem::take(&mut self.one);
        let read = self.read_rows(&mut one, 1);
        let more = !one.is_empty();
        if more {
            self.decoder.decode(&one, 0, record);
        }
        self.one = one;
        read.map(|_| more)
    }

    /// Reads the next rows in place of those in `rows`: at most `most`, and fewer where they are long. False at the
    /// end, with the last of them.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read_rows(&mut self, rows: &mut Rows, most: usize) -> Result<bool, ReadError> {
        rows.clear();
        let width = self.decoder.columns().len();
        while rows.len() < most && !rows.is_full() {
            let more = match &mut self.input {
                Input::Csv(table) => match table.advance()? {
                    Some(found) => {
                        rows.push(self.row + 1, found.line, found.problem, (0..width).map(|column| table.cell(column)));
                        true
                    }
                    None => false,
                },
                Input::Inline { table, next } => push_inline(table, next, self.row + 1, rows, width),
            };
            if !more {
                if self.digest.is_none() {
                    self.digest = Some(match &mut self.input {
                        Input::Csv(table) => table.digest()?,
                        Input::Inline { table, .. } => inline_digest(table),
                    });
                }
                return Ok(false);
            }
            self.row += 1;
        }
        Ok(true)
    }

    /// Bytes of the file read so far, of those on disk: packed ones where it is packed. 0 without a file.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match &self.input {
            Input::Csv(table) => table.content().read_from_disk(),
            Input::Inline { .. } => 0,
        }
    }

    /// The length of the file on disk in bytes. `None` without a file, or if it is a pipe.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        match &self.input {
            Input::Csv(table) => table.content().length(),
            Input::Inline { .. } => None,
        }
    }

    /// The fingerprint of what was read: see [`digest()`]. `None` until [`Reader::read`] has come to the end.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

fn push_inline(table: &Inline, next: &mut usize, number: u64, rows: &mut Rows, width: usize) -> bool {
    let Some(row) = table.rows.get(*next) else { return false };
    let line = table.lines.get(*next).copied().unwrap_or_default();
    let cells = row.iter().map(String::as_bytes).chain(std::iter::repeat(&b""[..])).take(width);
    rows.push(number, line, None, cells);
    *next += 1;
    true
}

/// The fingerprint of rows in a campaign file. Every text is led by its length, so that no two tables look alike.
fn inline_digest(table: &Inline) -> String {
    let mut hash = Sha256::new();
    let mut texts = |texts: &[String]| {
        hash.update((texts.len() as u64).to_le_bytes());
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    };
    texts(&table.columns);
    table.rows.iter().for_each(|row| texts(row));
    hex(&hash.finalize())
}
