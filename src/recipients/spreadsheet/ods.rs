//! Reads `.ods` workbooks (OpenDocument), which hold the text that each cell displays.

use std::collections::HashSet;

use quick_xml::events::{BytesStart, Event};

use super::grid::{Area, Grid, MAX_COLUMNS, MAX_MERGED, MAX_ROWS, MAX_TEXT, SheetTable};
use super::number_format::{general, hides_digits};
use super::package::{CELL_LIMIT, MAX_CELL, MAX_SHEET, MAX_SMALL, Package, Xml, attribute, push_text};
use super::sheets::{self, SheetName};
use super::unreadable::{PASSWORD, Parsed, Unreadable};
use crate::recipients::note::ListNote;

/// Stands for the format of a date, which is not read, because the file has what it displays.
const DISPLAYED: usize = 0;

/// The most sheets.
const MAX_SHEETS: usize = 10_000;

/// Reads the named sheet, or the only visible one.
pub(super) fn read(mut package: Package, wanted: Option<&str>) -> Parsed<(Option<SheetTable>, Vec<ListNote>)> {
    if is_encrypted(&mut package)? {
        return Err(Unreadable::Content(PASSWORD.to_owned()));
    }
    let sheets = sheet_names(&mut package)?;
    let chosen = sheets::choose(&sheets, wanted)?;
    let mut xml = package.part("content.xml", MAX_SHEET)?;
    let mut at = 0;
    loop {
        match xml.next()? {
            Event::Start(start) if start.name().as_ref() == "table:table" => {
                if at == chosen {
                    let sheet = table(&mut xml)?;
                    return Ok((sheet, sheets::note(&sheets, chosen).into_iter().collect()));
                }
                at += 1;
                skip(&mut xml)?;
            }
            Event::Eof => return Err(Unreadable::damaged()),
            _ => {}
        }
    }
}

fn is_encrypted(package: &mut Package) -> Parsed<bool> {
    if !package.has("META-INF/manifest.xml") {
        return Ok(false);
    }
    let mut xml = package.part("META-INF/manifest.xml", MAX_SMALL)?;
    loop {
        match xml.next()? {
            Event::Start(start) if start.local_name().as_ref() == "encryption-data" => return Ok(true),
            Event::Eof => return Ok(false),
            _ => {}
        }
    }
}

/// Reads the names of the sheets. They are hidden by their style.
fn sheet_names(package: &mut Package) -> Parsed<Vec<SheetName>> {
    let mut hidden = HashSet::new();
    let mut style = String::new();
    let mut sheets = Vec::new();
    let mut xml = package.part("content.xml", MAX_SHEET)?;
    loop {
        match xml.next()? {
            Event::Start(start) => match start.name().as_ref() {
                "style:style" => style = attribute(&start, "name")?.unwrap_or_default(),
                "style:table-properties"
                    if hidden.len() < MAX_SHEETS
                        && attribute(&start, "display")?.is_some_and(|value| value == "false") =>
                {
                    hidden.insert(style.clone());
                }
                "table:table" => {
                    let is_hidden = attribute(&start, "style-name")?.is_some_and(|style| hidden.contains(&style));
                    if sheets.len() + hidden.len() > MAX_SHEETS {
                        return Err(Unreadable::too_large("more than 10,000 sheets"));
                    }
                    sheets.push(SheetName { name: attribute(&start, "name")?.unwrap_or_default(), is_hidden });
                    skip(&mut xml)?;
                }
                _ => {}
            },
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

/// Reads to the end of the current element.
fn skip(xml: &mut Xml<'_>) -> Parsed<()> {
    let mut depth = 0_usize;
    loop {
        match xml.next()? {
            Event::Start(_) => depth += 1,
            Event::End(_) if depth == 0 => return Ok(()),
            Event::End(_) => depth -= 1,
            Event::Eof => return Err(Unreadable::damaged()),
            _ => {}
        }
    }
}

/// A cell, and how many columns it fills.
#[derive(Default)]
struct Cell {
    columns: u32,
    text: String,
    /// Whether it is a formula whose value is not in the file.
    is_unset: bool,
    /// Whether it is a number whose displayed form the file does not give.
    is_undisplayed: bool,
    /// Whether its format hides digits of its number.
    hides_digits: bool,
    /// Whether it is a date or a time.
    is_date: bool,
}

/// A cell whose start was read, and its value.
struct Value {
    cell: Cell,
    text: Option<String>,
    is_number: bool,
}

/// A row. Reusable.
#[derive(Default)]
struct Row {
    /// The number of rows with the same cells.
    times: u32,
    is_hidden: bool,
    cells: Vec<Cell>,
    columns: u32,
    /// The bytes of all texts.
    length: usize,
}

/// Reads the cells of a sheet.
fn table(xml: &mut Xml<'_>) -> Parsed<Option<SheetTable>> {
    let mut grid = Grid::default();
    let mut merged = Vec::new();
    let mut next = 0_u32;
    let mut row = Row::default();
    loop {
        match xml.next()? {
            Event::Start(start) => match start.name().as_ref() {
                "table:table-row" => {
                    let visibility = attribute(&start, "visibility")?.unwrap_or_default();
                    row.is_hidden = matches!(visibility.as_str(), "filter" | "collapse");
                    row.times = repeated(&start, "number-rows-repeated", MAX_ROWS)?;
                    row.cells.clear();
                    (row.columns, row.length) = (0, 0);
                }
                kind @ ("table:table-cell" | "table:covered-table-cell") => {
                    if kind == "table:table-cell" {
                        let columns = repeated(&start, "number-columns-spanned", MAX_COLUMNS)?;
                        let rows = repeated(&start, "number-rows-spanned", MAX_ROWS)?;
                        if columns > 1 || rows > 1 {
                            if merged.len() == MAX_MERGED {
                                return Err(Unreadable::too_large("more than 100,000 merged cells"));
                            }
                            let rows = (next, next.saturating_add(rows - 1));
                            merged.push(Area { rows, columns: (row.columns, row.columns.saturating_add(columns - 1)) });
                        }
                    }
                    let is_covered = kind != "table:table-cell";
                    let Value { mut cell, text, is_number } = cell(&start)?;
                    if displayed(xml, &mut cell.text)? {
                        cell.is_unset = false;
                        cell.hides_digits = is_number && hides_digits(&cell.text, || text.clone().unwrap_or_default());
                    } else if let Some(text) = text {
                        // Some programs leave out what is displayed, so the format of a number is unknown.
                        cell.is_undisplayed = is_number;
                        cell.text = text;
                    }
                    if is_covered {
                        // Nobody sees it.
                        (cell.text, cell.is_unset) = (String::new(), false);
                    }
                    row.push(cell)?;
                }
                // A chart or the like, with tables of its own.
                "table:shapes" | "office:forms" | "table:tracked-changes" => skip(xml)?,
                _ => {}
            },
            Event::End(end) => match end.name().as_ref() {
                "table:table-row" => {
                    row.add_to(&mut grid, next)?;
                    next = next.checked_add(row.times).ok_or_else(Unreadable::damaged)?;
                }
                "table:table" => return grid.finish(&merged),
                _ => {}
            },
            Event::Eof => return Err(Unreadable::damaged()),
            _ => {}
        }
    }
}

fn repeated(start: &BytesStart<'_>, name: &str, most: u32) -> Parsed<u32> {
    match attribute(start, name)? {
        None => Ok(1),
        Some(times) => times.parse().ok().filter(|times| (1..=most).contains(times)).ok_or_else(Unreadable::damaged),
    }
}

impl Row {
    fn push(&mut self, cell: Cell) -> Parsed<()> {
        self.columns = self.columns.saturating_add(cell.columns);
        self.length += cell.text.len();
        self.cells.push(cell);
        match self.cells.len() > MAX_COLUMNS as usize || self.length > MAX_TEXT {
            true => Err(Unreadable::too_large("a row of more than 16,384 cells or 128 MiB")),
            false => Ok(()),
        }
    }

    fn add_to(&self, grid: &mut Grid, first: u32) -> Parsed<()> {
        if self.cells.iter().all(|cell| cell.text.is_empty() && !cell.is_unset) {
            return Ok(());
        }
        // Each of them is a row of the list, as the person sees it.
        for row in first..first.saturating_add(self.times) {
            grid.begin(row, self.is_hidden)?;
            let mut column = 0_u32;
            for cell in &self.cells {
                if cell.is_unset || !cell.text.is_empty() {
                    for column in column..column.saturating_add(cell.columns) {
                        match cell.is_unset {
                            true => grid.unset_formula(column)?,
                            false if cell.is_undisplayed => {
                                grid.unknown_format(column, &cell.text, "without displayed text")?;
                            }
                            false if cell.hides_digits => grid.hidden_digits(column, &cell.text)?,
                            false if cell.is_date => grid.date(column, &cell.text, DISPLAYED)?,
                            false => grid.cell(column, &cell.text)?,
                        }
                    }
                }
                column = column.saturating_add(cell.columns);
            }
        }
        Ok(())
    }
}

/// Reads a cell, whose start was read.
fn cell(start: &BytesStart<'_>) -> Parsed<Value> {
    let columns = repeated(start, "number-columns-repeated", MAX_COLUMNS)?;
    let kind = attribute(start, "value-type")?;
    let is_formula = attribute(start, "formula")?.is_some();
    let value = match kind.as_deref() {
        Some("float" | "percentage" | "currency") => {
            let number = attribute(start, "value")?.map(|value| value.parse().map(general));
            number.transpose().map_err(|_| Unreadable::damaged())?
        }
        Some("boolean") => attribute(start, "boolean-value")?.map(|value| value.to_uppercase()),
        Some("date") => attribute(start, "date-value")?,
        Some("time") => attribute(start, "time-value")?,
        _ => attribute(start, "string-value")?,
    };
    let is_number = matches!(kind.as_deref(), Some("float" | "percentage" | "currency" | "date" | "time"));
    let is_unset = is_formula && value.is_none();
    let is_date = matches!(kind.as_deref(), Some("date" | "time"));
    Ok(Value { cell: Cell { columns, is_unset, is_date, ..Cell::default() }, text: value, is_number })
}

/// Reads what a cell displays to its end: its paragraphs, without comments and drawings.
fn displayed(xml: &mut Xml<'_>, text: &mut String) -> Parsed<bool> {
    let (mut depth, mut paragraphs) = (0_usize, 0_usize);
    loop {
        if text.len() > MAX_CELL {
            return Err(Unreadable::too_large(CELL_LIMIT));
        }
        match xml.next()? {
            Event::Start(start) => {
                match start.name().as_ref() {
                    name if name.starts_with("draw:")
                        || matches!(name, "office:annotation" | "table:detective" | "text:ruby-text") =>
                    {
                        skip(xml)?;
                        continue;
                    }
                    "text:p" => {
                        if paragraphs > 0 {
                            text.push('\n');
                        }
                        paragraphs += 1;
                    }
                    "text:s" => {
                        let spaces = repeated(&start, "c", 32_767)?;
                        text.extend(std::iter::repeat_n(' ', spaces as usize));
                    }
                    "text:tab" => text.push('\t'),
                    "text:line-break" => text.push('\n'),
                    _ => {}
                }
                depth += 1;
            }
            Event::End(_) if depth == 0 => return Ok(paragraphs > 0),
            Event::End(_) => depth -= 1,
            Event::Eof => return Err(Unreadable::damaged()),
            // Between paragraphs there is only the layout of the file.
            event if paragraphs > 0 && depth > 0 => push_text(text, &event)?,
            _ => {}
        }
    }
}
