//! Reads recipients from a CSV file, a spreadsheet or the campaign file.

use std::path::Path;
use std::sync::Arc;

use encoding_rs::UTF_8;
use sha2::{Digest, Sha256};

use super::columns::Columns;
use super::csv::bytes::Content;
use super::csv::table::Table;
use super::decoder::Decoder;
use super::encoding::ListText;
use super::error::{OpenError, ReadError};
use super::note::ListNote;
use super::phone::parse::Numbers;
use super::raw_rows::Rows;
use super::record::Record;
use super::spreadsheet::Spreadsheet;
use crate::model::{Inline, Reading, Recipients, Source};
use crate::text::hex;

/// The name of inline rows in error messages.
const IN_THE_CAMPAIGN: &str = "`recipients.rows`";

/// Reads recipients, one record at a time.
pub struct Reader {
    decoder: Arc<Decoder>,
    row: u64,
    input: Input,
    digest: Option<String>,
    /// The last row, if they are read one at a time.
    one: Rows,
}

/// Where the rows come from.
enum Input {
    Csv(Box<Table>),
    Sheet(Box<Spreadsheet>),
    Inline { table: Inline, next: usize },
}

/// Opens the recipients and reads the names of their columns.
///
/// A file is CSV (RFC 4180), delimited by `,`, `;`, `|` or tabs, optionally gzipped; or a spreadsheet (`.xlsx`, `.xls`,
/// `.ods`). The encoding of a CSV comes from its byte order mark or from [`Reading::encoding`](crate::model::Reading),
/// or is detected. The file must be a regular file, because a list is read twice and reading must not block.
///
/// # Errors
/// When the file is not a regular file, cannot be opened or read, or is neither text in a clear encoding nor a
/// spreadsheet; when the phone column or a renamed column is missing or ambiguous; or when the region is unknown.
pub fn open(recipients: &Recipients) -> Result<Reader, OpenError> {
    open_with(recipients, Content::open)
}

/// As [`open()`], for a list whose phone column is not chosen yet: the first column stands for it.
///
/// # Errors
/// As [`open()`], except that no column can be missing.
pub fn open_any(source: Source, reading: Reading) -> Result<Reader, OpenError> {
    let recipients = Recipients { reading, ..Recipients::new(source, "") };
    open_with(&recipients, Content::open)
}

/// As [`open()`], but a CSV file may also be a pipe or a device: it is read once, and reading may block. Without a byte
/// order mark or an encoding, a pipe is read as UTF-8.
///
/// # Errors
/// As [`open()`].
pub fn open_once(recipients: &Recipients) -> Result<Reader, OpenError> {
    open_with(recipients, Content::open_once)
}

fn open_with(recipients: &Recipients, content: fn(&Path) -> Result<Content, OpenError>) -> Result<Reader, OpenError> {
    let (input, columns, encoding) = match &recipients.source {
        Source::Csv(path) => {
            let text = ListText::open(path, content(path)?, recipients.reading.encoding)?;
            let (table, columns) = Table::read(path, text, recipients)?;
            let encoding = table.text().chosen().encoding;
            (Input::Csv(Box::new(table)), columns, encoding)
        }
        Source::Sheet { path, name } => {
            let (sheet, columns) = Spreadsheet::read(path, name.as_deref(), recipients)?;
            (Input::Sheet(Box::new(sheet)), columns, UTF_8)
        }
        Source::Inline(table) => {
            let columns = Columns::new(IN_THE_CAMPAIGN, &table.columns, &recipients.to, &recipients.reading.columns)?;
            (Input::Inline { table: table.clone(), next: 0 }, columns, UTF_8)
        }
    };
    let numbers = Numbers::new(recipients.region.as_deref()).map_err(OpenError::Region)?;
    let formulas = !matches!(&input, Input::Csv(table) if table.is_report());
    let decoder = Decoder::new(columns, numbers, &recipients.reading, encoding, formulas).map_err(OpenError::Region)?;
    let decoder = Arc::new(decoder);
    Ok(Reader { decoder, row: 0, input, digest: None, one: Rows::default() })
}

/// Returns the fingerprint of the recipients: the SHA-256, in hexadecimal, of a file's bytes on disk, or of inline rows
/// in a separate encoding that does not depend on their position. It equals [`Reader::digest`].
///
/// # Errors
/// When the file cannot be opened or read. Its content does not matter.
pub fn digest(recipients: &Recipients) -> Result<String, OpenError> {
    match &recipients.source {
        // A file that was just opened has one.
        Source::Csv(path) | Source::Sheet { path, .. } => Ok(Content::open(path)?.digest()?.unwrap_or_default()),
        Source::Inline(table) => Ok(inline_digest(table)),
    }
}

impl Reader {
    /// Leaves out the fingerprint of a CSV file: 7% of the time of a check, and more without SHA instructions.
    #[must_use]
    pub fn without_digest(mut self) -> Self {
        if let Input::Csv(table) = &mut self.input {
            table.without_digest();
        }
        self
    }

    /// Returns the names of the columns, in the order of a record's cells.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        self.decoder.columns()
    }

    /// Returns the character between the cells of a CSV file.
    #[must_use]
    pub fn delimiter(&self) -> Option<u8> {
        match &self.input {
            Input::Csv(table) => Some(table.delimiter()),
            Input::Sheet(_) | Input::Inline { .. } => None,
        }
    }

    /// Returns the decoder for the rows that [`Reader::read_rows`] reads. It works on any thread.
    #[must_use]
    pub fn decoder(&self) -> Arc<Decoder> {
        Arc::clone(&self.decoder)
    }

    /// Reads the next record into `record`. Returns `false` at the end.
    ///
    /// # Errors
    /// When the rest of the file cannot be read. A bad row is not an error.
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

    /// Replaces `rows` with the next rows: at most `most`, or fewer long ones. Returns `false` with the last rows.
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
                Input::Sheet(sheet) => sheet.push_next(self.row + 1, rows),
                Input::Inline { table, next } => push_inline(table, next, self.row + 1, rows, width),
            };
            if !more {
                if self.digest.is_none() {
                    self.digest = match &mut self.input {
                        Input::Csv(table) => table.digest()?,
                        Input::Sheet(sheet) => Some(sheet.digest().to_owned()),
                        Input::Inline { table, .. } => Some(inline_digest(table)),
                    };
                }
                return Ok(false);
            }
            self.row += 1;
        }
        Ok(true)
    }

    /// Returns the bytes read from the file on disk so far, compressed if it is gzipped; 0 without a file.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match &self.input {
            Input::Csv(table) => table.content().read_from_disk(),
            Input::Sheet(sheet) => sheet.bytes_read(),
            Input::Inline { .. } => 0,
        }
    }

    /// Returns the length of the file on disk, in bytes. `None` without a file, or for a pipe.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        match &self.input {
            Input::Csv(table) => table.content().length(),
            Input::Sheet(sheet) => Some(sheet.length()),
            Input::Inline { .. } => None,
        }
    }

    /// Returns notes about the list as a whole. They are complete once [`Reader::read`] has reached the end.
    #[must_use]
    pub fn notes(&self) -> Vec<ListNote> {
        match &self.input {
            Input::Csv(table) => table.notes(),
            Input::Sheet(sheet) => sheet.notes().to_vec(),
            Input::Inline { .. } => Vec::new(),
        }
    }

    /// Returns the fingerprint of what was read; see [`digest()`]. `None` until [`Reader::read`] reaches the end,
    /// and for a CSV file after [`Reader::without_digest`].
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

/// Returns the fingerprint of inline rows. Every text has its length in front, so that no two tables have the same
/// encoding.
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
