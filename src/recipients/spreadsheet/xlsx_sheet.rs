//! Reads the cells of a sheet of an `.xlsx` workbook.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};

use super::cells::{Formats, Texts};
use super::grid::{Area, Grid, MAX_MERGED, SheetTable, parse_cell};
use super::package::{Xml, attribute, push_text};
use super::unreadable::{Parsed, Unreadable};

/// A cell that is being read. Reusable.
#[derive(Default)]
struct Cell {
    column: u32,
    style: usize,
    kind: Kind,
    is_formula: bool,
    /// Whether the file has its value, even an empty one.
    has_value: bool,
    /// Whether its text was read as a whole.
    is_read: bool,
    value: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Number,
    SharedText,
    /// A text in the cell itself, or the result of a formula.
    Text,
    Truth,
    /// `#N/A` and the like.
    Error,
    /// A date as ISO 8601.
    Date,
}

/// Reads the cells. If `is_uncalculated`, the values of formulas are placeholders.
pub(super) fn read(
    xml: &mut Xml<'_>,
    texts: &Texts,
    formats: &Formats,
    is_uncalculated: bool,
) -> Parsed<Option<SheetTable>> {
    let mut grid = Grid::default();
    let (mut next_row, mut next_column) = (0, 0);
    let (mut merged, mut is_complete) = (Vec::new(), false);
    let mut cell = Cell::default();
    loop {
        match xml.next()? {
            Event::Start(start) => match start.local_name().as_ref() {
                "row" => {
                    let row: u32 = match attribute(&start, "r")? {
                        Some(number) => number.parse::<u32>().ok().and_then(|row| row.checked_sub(1)),
                        None => Some(next_row),
                    }
                    .ok_or_else(Unreadable::damaged)?;
                    let is_hidden = attribute(&start, "hidden")?.is_some_and(|value| is_true(&value));
                    grid.begin(row, is_hidden)?;
                    (next_row, next_column) = (row.saturating_add(1), 0);
                }
                "c" => {
                    cell.begin(&start, next_row, next_column)?;
                    cell.read(xml)?;
                    match cell.is_formula && is_uncalculated {
                        true => grid.unset_formula(cell.column)?,
                        false => cell.add_to(&mut grid, texts, formats)?,
                    }
                    next_column = cell.column + 1;
                }
                "mergeCell" => {
                    merged.extend(attribute(&start, "ref")?.as_deref().and_then(Area::parse));
                    if merged.len() > MAX_MERGED {
                        return Err(Unreadable::too_large("more than 100,000 merged cells"));
                    }
                }
                _ => {}
            },
            Event::End(end) if end.local_name().as_ref() == "worksheet" => is_complete = true,
            // The archive compares its checksum at the end.
            Event::Eof if is_complete => return grid.finish(&merged),
            Event::Eof => return Err(Unreadable::damaged()),
            _ => {}
        }
    }
}

impl Cell {
    fn begin(&mut self, start: &BytesStart<'_>, next_row: u32, next_column: u32) -> Parsed<()> {
        (self.column, self.style, self.kind) = (next_column, 0, Kind::Number);
        (self.is_formula, self.has_value, self.is_read) = (false, false, false);
        self.value.clear();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute?;
            let value = &*attribute.value;
            match attribute.key.as_ref() {
                "r" => {
                    let (row, column) = parse_cell(value).ok_or_else(Unreadable::damaged)?;
                    if row.checked_add(1) != Some(next_row) {
                        return Err(Unreadable::damaged());
                    }
                    self.column = column;
                }
                "s" => self.style = value.parse().map_err(|_| Unreadable::damaged())?,
                "t" => {
                    self.kind = match value {
                        "n" => Kind::Number,
                        "s" => Kind::SharedText,
                        "str" | "inlineStr" => Kind::Text,
                        "b" => Kind::Truth,
                        "e" => Kind::Error,
                        "d" => Kind::Date,
                        _ => return Err(Unreadable::damaged()),
                    };
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads to the end of the cell.
    fn read(&mut self, xml: &mut Xml<'_>) -> Parsed<()> {
        let mut is_value = false;
        loop {
            match xml.next()? {
                Event::Start(start) => match start.local_name().as_ref() {
                    "v" => (is_value, self.has_value) = (true, true),
                    "f" => self.is_formula = true,
                    "is" => {
                        self.value.clear();
                        xml.text_into(&mut self.value, "t", "rPh")?;
                        // What follows would be the same text.
                        (self.kind, self.has_value, self.is_read) = (Kind::Text, true, true);
                    }
                    _ => {}
                },
                Event::End(end) => match end.local_name().as_ref() {
                    "v" => is_value = false,
                    "c" => return Ok(()),
                    _ => {}
                },
                Event::Eof => return Err(Unreadable::damaged()),
                event if is_value && !self.is_read => push_text(&mut self.value, &event)?,
                _ => {}
            }
        }
    }

    fn add_to(&self, grid: &mut Grid, texts: &Texts, formats: &Formats) -> Parsed<()> {
        let (column, value) = (self.column, self.value.as_str());
        if value.is_empty() {
            // A formula whose result is an empty text says so.
            return match self.is_formula && !(self.has_value && self.kind == Kind::Text) {
                true => grid.unset_formula(column),
                false => grid.cell(column, ""),
            };
        }
        match self.kind {
            Kind::Number => {
                let number = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
                let number = number.ok_or_else(Unreadable::damaged)?;
                formats.add(grid, column, number, self.style)
            }
            Kind::SharedText => grid.cell(column, texts.get(value.trim().parse().map_err(|_| Unreadable::damaged())?)?),
            Kind::Text => grid.cell(column, &unescaped(value)),
            Kind::Truth => grid.cell(column, if is_true(value) { "TRUE" } else { "FALSE" }),
            Kind::Error => grid.cell(column, value),
            Kind::Date => {
                let date = value.strip_suffix("T00:00:00").unwrap_or(value);
                grid.date(column, &date.replacen('T', " ", 1), usize::MAX)
            }
        }
    }
}

/// Whether an attribute is true.
pub(super) fn is_true(value: &str) -> bool {
    matches!(value.trim(), "1" | "true" | "on")
}

/// Replaces escapes such as `_x000D_`, which stand for characters that XML cannot have.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let digits = from.get(2..6).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code =
            digits.filter(|_| from.get(6..7) == Some("_")).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let (c, length) = match code.and_then(char::from_u32) {
            Some(c) => (c, 7),
            None => ('_', 1),
        };
        plain.push(c);
        rest = from.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain.into()
}
