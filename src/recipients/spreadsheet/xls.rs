//! Reads `.xls` workbooks of Excel 97 and later (BIFF8, \[MS-XLS\]): records in the stream `Workbook` of a compound
//! file. `biff` splits the stream into records.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read as _};

use cfb::CompoundFile;

use super::biff::{BiffRecord, Fields, Records};
use super::cells::{Formats, Styles, Texts};
use super::grid::{Area, Grid, SheetTable};
use super::number_format::Epoch;
use super::sheets::{self, SheetName};
use super::unreadable::{MAX_FILE, PASSWORD, Parsed, Unreadable};
use crate::recipients::note::ListNote;

const OLD: &str = "was saved by Excel 95 or older; open it in a spreadsheet program and save it as .xlsx";

/// What is in the workbook's first part.
#[derive(Default)]
struct Globals {
    sheets: Vec<SheetName>,
    /// Where each sheet starts in the stream.
    starts: Vec<usize>,
    texts: Texts,
    styles: Styles,
    codes: HashMap<u16, String>,
    epoch: Epoch,
}

/// Reads the named sheet, or the only visible one.
pub(super) fn read(bytes: Vec<u8>, wanted: Option<&str>) -> Parsed<(Option<SheetTable>, Vec<ListNote>)> {
    let mut file = CompoundFile::open(Cursor::new(bytes))?;
    if file.exists("/EncryptedPackage") {
        return Err(Unreadable::Content(PASSWORD.to_owned()));
    }
    if !file.exists("/Workbook") {
        return Err(Unreadable::Content(match file.exists("/Book") {
            true => OLD.to_owned(),
            false => "is an old Office file, but not a spreadsheet; save the list as .xlsx".to_owned(),
        }));
    }
    let mut stream = Vec::new();
    // The stream cannot be longer than its file.
    file.open_stream("/Workbook")?.take(MAX_FILE).read_to_end(&mut stream)?;
    drop(file);
    let globals = globals(&stream)?;
    let chosen = sheets::choose(&globals.sheets, wanted)?;
    let start = *globals.starts.get(chosen).ok_or_else(Unreadable::damaged)?;
    let notes = sheets::note(&globals.sheets, chosen).into_iter().collect();
    Ok((sheet(stream.get(start..).ok_or_else(Unreadable::damaged)?, globals)?, notes))
}

fn globals(stream: &[u8]) -> Parsed<Globals> {
    let mut globals = Globals::default();
    let mut records = Records::new(stream);
    let first = records.next_record()?.filter(|first| first.kind == BiffRecord::BOF).ok_or_else(Unreadable::damaged)?;
    if first.fields().u16()? != 0x0600 {
        return Err(Unreadable::Content(OLD.to_owned()));
    }
    while let Some(record) = records.next_record()? {
        let mut fields = record.fields();
        match record.kind {
            BiffRecord::FILEPASS => return Err(Unreadable::Content(PASSWORD.to_owned())),
            BiffRecord::DATEMODE if fields.u16()? == 1 => globals.epoch = Epoch::Year1904,
            BiffRecord::FORMAT => {
                let id = fields.u16()?;
                let code = fields.text_of_length_u16()?;
                globals.codes.insert(id, code);
            }
            BiffRecord::XF => {
                fields.u16()?;
                let Globals { styles, codes, .. } = &mut globals;
                styles.push(fields.u16()?, codes)?;
            }
            BiffRecord::BOUNDSHEET => {
                let start = fields.u32()? as usize;
                let (state, kind) = (fields.u8()?, fields.u8()?);
                let length = usize::from(fields.u8()?);
                let name = fields.text(length)?;
                // Others are charts and macros.
                if kind == 0 {
                    globals.sheets.push(SheetName { name, is_hidden: state & 3 != 0 });
                    globals.starts.push(start);
                }
            }
            BiffRecord::SST => {
                fields.u32()?;
                for _ in 0..fields.u32()? {
                    let text = fields.text_of_length_u16()?;
                    globals.texts.push(&text)?;
                }
            }
            BiffRecord::EOF => return Ok(globals),
            _ => {}
        }
    }
    Err(Unreadable::damaged())
}

/// Reads the cells of a sheet.
fn sheet(stream: &[u8], globals: Globals) -> Parsed<Option<SheetTable>> {
    let Globals { texts, styles, epoch, .. } = globals;
    let formats = Formats { styles, epoch };
    let mut cells = Cells { grid: Grid::default(), row: None, hidden: HashSet::new() };
    let (mut merged, mut depth) = (Vec::new(), 0_usize);
    // The cell of a formula whose result is the text that follows.
    let mut awaited = None;
    let mut records = Records::new(stream);
    while let Some(record) = records.next_record()? {
        let mut fields = record.fields();
        match record.kind {
            BiffRecord::BOF => depth += 1,
            // The end of the sheet, or of a chart in it.
            BiffRecord::EOF if depth <= 1 => return cells.grid.finish(&merged),
            BiffRecord::EOF => depth -= 1,
            _ if depth != 1 => {}
            BiffRecord::ROW => {
                let row = fields.u16()?;
                fields.skip(10)?;
                if fields.u8()? & 0x20 != 0 {
                    cells.hidden.insert(row);
                }
            }
            BiffRecord::NUMBER => {
                let (column, style) = cells.at(&mut fields)?;
                formats.add(&mut cells.grid, column, fields.f64()?, style)?;
            }
            BiffRecord::RK => {
                let (column, style) = cells.at(&mut fields)?;
                formats.add(&mut cells.grid, column, rk(fields.u32()?), style)?;
            }
            BiffRecord::MULRK => {
                let row = fields.u16()?;
                let mut column = u32::from(fields.u16()?);
                cells.begin(row)?;
                while fields.left() >= 6 {
                    let style = usize::from(fields.u16()?);
                    formats.add(&mut cells.grid, column, rk(fields.u32()?), style)?;
                    column += 1;
                }
            }
            BiffRecord::LABELSST => {
                let (column, _) = cells.at(&mut fields)?;
                cells.grid.cell(column, texts.get(fields.u32()? as usize)?)?;
            }
            BiffRecord::LABEL | BiffRecord::RSTRING => {
                let (column, _) = cells.at(&mut fields)?;
                let text = fields.text_of_length_u16()?;
                cells.grid.cell(column, &text)?;
            }
            BiffRecord::BOOLERR => {
                let (column, _) = cells.at(&mut fields)?;
                let (value, is_error) = (fields.u8()?, fields.u8()? != 0);
                cells.grid.cell(column, if is_error { error(value) } else { truth(value) })?;
            }
            BiffRecord::FORMULA => {
                let (column, style) = cells.at(&mut fields)?;
                let result = fields.bytes::<8>()?;
                match result {
                    [0, .., 0xff, 0xff] => awaited = Some(column),
                    [1, _, value, .., 0xff, 0xff] => cells.grid.cell(column, truth(value))?,
                    [2, _, value, .., 0xff, 0xff] => cells.grid.cell(column, error(value))?,
                    [_, .., 0xff, 0xff] => cells.grid.cell(column, "")?,
                    number => formats.add(&mut cells.grid, column, f64::from_le_bytes(number), style)?,
                }
            }
            BiffRecord::STRING => {
                if let Some(column) = awaited.take() {
                    let text = fields.text_of_length_u16()?;
                    cells.grid.cell(column, &text)?;
                }
            }
            BiffRecord::MERGEDCELLS => {
                for _ in 0..fields.u16()? {
                    let rows = (u32::from(fields.u16()?), u32::from(fields.u16()?));
                    merged.push(Area { rows, columns: (u32::from(fields.u16()?), u32::from(fields.u16()?)) });
                }
            }
            _ => {}
        }
    }
    Err(Unreadable::damaged())
}

struct Cells {
    grid: Grid,
    row: Option<u16>,
    hidden: HashSet<u16>,
}

impl Cells {
    /// Begins a new row, unless the row is the current one.
    fn begin(&mut self, row: u16) -> Parsed<()> {
        if self.row != Some(row) {
            self.grid.begin(row.into(), self.hidden.contains(&row))?;
            self.row = Some(row);
        }
        Ok(())
    }

    /// Reads the place of a cell. Returns its column and style.
    fn at(&mut self, fields: &mut Fields<'_>) -> Parsed<(u32, usize)> {
        let row = fields.u16()?;
        self.begin(row)?;
        Ok((fields.u16()?.into(), fields.u16()?.into()))
    }
}

/// Decodes a number in four bytes.
fn rk(bits: u32) -> f64 {
    let number = match bits & 2 {
        0 => f64::from_bits(u64::from(bits & !3) << 32),
        _ => f64::from(bits.cast_signed() >> 2),
    };
    if bits & 1 == 0 { number } else { number / 100.0 }
}

fn truth(value: u8) -> &'static str {
    if value == 0 { "FALSE" } else { "TRUE" }
}

fn error(value: u8) -> &'static str {
    match value {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        _ => "#N/A",
    }
}
