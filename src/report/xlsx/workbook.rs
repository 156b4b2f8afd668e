//! Writes a workbook (ECMA-376): a zip archive of XML files, streamed to its end.
//!
//! Sheets are written row by row with their texts in the cells, so nothing is kept in memory.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter};

use crate::text::column_letters;

/// The most rows of a sheet.
pub(super) const MAX_ROWS: u32 = if cfg!(test) { 100 } else { 1_048_576 };
/// The most columns of a sheet.
pub(super) const MAX_COLUMNS: usize = 16_384;
/// The bytes after which a sheet is full; a file of the archive may have 4 GiB.
const FULL: u64 = 2 * 1024 * 1024 * 1024;
/// The most UTF-16 units of a cell.
const MAX_TEXT: usize = 32_767;
/// The level of compression: a lower one is twice as fast, and its files are a little larger.
const LEVEL: i64 = 3;
/// Bytes that are collected before they are compressed.
const BUFFER: usize = 64 * 1024;

/// The styles of cells: the index in `STYLES`.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Plain = 0,
    Bold = 1,
    Time = 2,
    Text = 3,
}

const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"#;
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Passes bytes on until the first error, which its caller gets, and drops all that follow: the archive would complain
/// on standard error if it could not be ended.
struct UntilError<W> {
    out: W,
    has_failed: bool,
}

impl<W: Write> Write for UntilError<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_failed {
            return Ok(bytes.len());
        }
        let written = self.out.write(bytes);
        self.has_failed = written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.has_failed { Ok(()) } else { self.out.flush() }
    }
}

/// A workbook that is being written.
pub(super) struct WorkbookWriter<W: Write> {
    zip: ZipWriter<StreamWriter<UntilError<W>>>,
    /// What is not compressed yet.
    xml: String,
    /// The names of the sheets.
    names: Vec<String>,
    /// Rows and bytes of the sheet that is being written.
    rows: u32,
    bytes: u64,
}

impl<W: Write> WorkbookWriter<W> {
    pub(super) fn new(out: W) -> Self {
        let zip = ZipWriter::new_stream(UntilError { out, has_failed: false });
        Self { zip, xml: String::with_capacity(2 * BUFFER), names: Vec::new(), rows: 0, bytes: 0 }
    }

    /// Begins a sheet with columns of these widths in characters. The first row stays visible if it `is_frozen`.
    pub(super) fn begin_sheet(&mut self, name: String, widths: &[u32], is_frozen: bool) -> io::Result<()> {
        self.names.push(name);
        (self.rows, self.bytes) = (0, 0);
        self.begin_part(&format!("xl/worksheets/sheet{}.xml", self.names.len()))?;
        self.push(format_args!(r#"<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">"#));
        if is_frozen {
            self.push(r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>"#);
        }
        self.push("</sheetView></sheetViews><cols>");
        for (column, width) in (1..).zip(widths) {
            self.push(format_args!(r#"<col min="{column}" max="{column}" width="{width}" customWidth="1"/>"#));
        }
        self.push("</cols><sheetData>");
        Ok(())
    }

    /// Whether another row belongs on another sheet.
    pub(super) fn is_full(&self) -> bool {
        self.rows == MAX_ROWS || self.bytes > FULL
    }

    pub(super) fn begin_row(&mut self) {
        self.rows += 1;
        let row = self.rows;
        self.push(format_args!(r#"<row r="{row}">"#));
    }

    /// Adds a cell with a text. Columns, from 0, must be in order. An empty text needs no cell.
    pub(super) fn text(&mut self, column: usize, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        self.begin_cell(column, style);
        self.push(r#" t="inlineStr"><is><t xml:space="preserve">"#);
        push_text(&mut self.xml, text);
        self.push("</t></is></c>");
    }

    /// Adds a cell with a number, or with a time in days since the end of 1899.
    pub(super) fn number(&mut self, column: usize, number: impl Display, style: Style) {
        self.begin_cell(column, style);
        self.push(format_args!("><v>{number}</v></c>"));
    }

    pub(super) fn end_row(&mut self) -> io::Result<()> {
        self.push("</row>");
        if self.xml.len() >= BUFFER { self.compress() } else { Ok(()) }
    }

    /// Ends the sheet. If it `is_table` of this many columns, its rows can be filtered, and a program does not mark
    /// numbers that are text as mistakes.
    pub(super) fn end_sheet(&mut self, columns: usize, is_table: bool) -> io::Result<()> {
        self.push("</sheetData>");
        if is_table {
            let (last, rows) = (column_letters(columns.saturating_sub(1)), self.rows);
            self.push(format_args!(r#"<autoFilter ref="A1:{last}{rows}"/>"#));
            self.push(format_args!(
                r#"<ignoredErrors><ignoredError sqref="A1:{last}{rows}" numberStoredAsText="1"/></ignoredErrors>"#
            ));
        }
        self.push("</worksheet>");
        self.compress()
    }

    /// Writes the rest, and returns the writer. The last sheet comes first.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let sheets = self.names.len();
        let part = "application/vnd.openxmlformats-officedocument.spreadsheetml";
        self.begin_part("xl/styles.xml")?;
        self.push(STYLES);
        self.compress()?;
        self.begin_part("xl/workbook.xml")?;
        self.push(format_args!(
            r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><bookViews><workbookView/></bookViews><sheets>"#
        ));
        let mut names: Vec<(usize, String)> = (1..).zip(std::mem::take(&mut self.names)).collect();
        names.rotate_right(1);
        for (id, name) in names {
            self.push(r#"<sheet name=""#);
            push_text(&mut self.xml, &name);
            self.push(format_args!(r#"" sheetId="{id}" r:id="rId{id}"/>"#));
        }
        self.push("</sheets></workbook>");
        self.compress()?;
        self.begin_part("xl/_rels/workbook.xml.rels")?;
        self.push(format_args!(r#"<Relationships xmlns="{RELATIONS}">"#));
        for id in 1..=sheets {
            self.push(format_args!(
                r#"<Relationship Id="rId{id}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{id}.xml"/>"#
            ));
        }
        let id = sheets + 1;
        self.push(format_args!(
            r#"<Relationship Id="rId{id}" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>"#
        ));
        self.compress()?;
        self.begin_part("_rels/.rels")?;
        self.push(format_args!(
            r#"<Relationships xmlns="{RELATIONS}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
        ));
        self.compress()?;
        self.begin_part("[Content_Types].xml")?;
        self.push(
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>"#,
        );
        self.push(format_args!(r#"<Override PartName="/xl/workbook.xml" ContentType="{part}.sheet.main+xml"/>"#));
        self.push(format_args!(r#"<Override PartName="/xl/styles.xml" ContentType="{part}.styles+xml"/>"#));
        for id in 1..=sheets {
            self.push(format_args!(
                r#"<Override PartName="/xl/worksheets/sheet{id}.xml" ContentType="{part}.worksheet+xml"/>"#
            ));
        }
        self.push("</Types>");
        self.compress()?;
        Ok(self.zip.finish().map_err(not_written)?.into_inner().out)
    }

    fn begin_part(&mut self, name: &str) -> io::Result<()> {
        // The same content gives the same bytes: the time is a constant.
        self.zip.start_file(name, SimpleFileOptions::default().compression_level(Some(LEVEL))).map_err(not_written)?;
        self.push(HEAD);
        Ok(())
    }

    fn begin_cell(&mut self, column: usize, style: Style) {
        let (letters, row) = (column_letters(column), self.rows);
        self.push(format_args!(r#"<c r="{letters}{row}" s="{}""#, style as u8));
    }

    fn push(&mut self, xml: impl Display) {
        // Writing into memory cannot fail.
        let _ = write!(self.xml, "{xml}");
    }

    fn compress(&mut self) -> io::Result<()> {
        self.bytes += self.xml.len() as u64;
        self.zip.write_all(self.xml.as_bytes())?;
        self.xml.clear();
        Ok(())
    }
}

/// Appends a text as XML. Characters that XML cannot have become `_x000D_` and the like, as spreadsheet programs write
/// them. A text that is too long for a cell ends with `…`.
fn push_text(xml: &mut String, text: &str) {
    let mut left = MAX_TEXT;
    let is_long = text.len() > MAX_TEXT && text.encode_utf16().count() > MAX_TEXT;
    for (at, c) in text.char_indices() {
        left = left.saturating_sub(c.len_utf16());
        if is_long && left == 0 {
            xml.push('…');
            return;
        }
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '_' if is_escape(text.get(at..).unwrap_or_default()) => xml.push_str("_x005F_"),
            '\n' | '\t' => xml.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(xml, "_x{:04X}_", u32::from(c));
            }
            c => xml.push(c),
        }
    }
}

/// Whether a text would be read as the escape of a character.
fn is_escape(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next() == Some(b'_')
        && bytes.next() == Some(b'x')
        && (0..4).all(|_| bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit()))
        && bytes.next() == Some(b'_')
}

/// Returns the I/O error, so that a full disk and a closed pipe are recognised.
fn not_written(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}
