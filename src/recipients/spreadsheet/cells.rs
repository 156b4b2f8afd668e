//! The texts and number formats that the cells of a workbook share.

use std::collections::HashMap;

use super::grid::{Grid, MAX_TEXT};
use super::number_format::{Epoch, NumberFormat, general, hides_digits};
use super::unreadable::{Parsed, Unreadable};

/// The most texts.
const MAX_TEXTS: usize = 16 * 1024 * 1024;

/// Texts that cells refer to, end to end.
#[derive(Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) -> Parsed<()> {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        match self.text.len() > MAX_TEXT || self.ends.len() > MAX_TEXTS {
            true => Err(Unreadable::too_large("more than 128 MiB of text, or 16,777,216 texts")),
            false => Ok(()),
        }
    }

    pub(super) fn get(&self, index: usize) -> Parsed<&str> {
        let end = self.ends.get(index).copied().ok_or_else(Unreadable::damaged)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(start..end).ok_or_else(Unreadable::damaged)
    }
}

/// The number formats of a workbook, by style.
#[derive(Default)]
pub(super) struct Styles {
    /// The format of each style.
    styles: Vec<usize>,
    formats: Vec<NumberFormat>,
    by_id: HashMap<u16, usize>,
}

/// The most styles and formats; Excel has fewer.
const MAX_STYLES: usize = 65_536;
const MAX_FORMATS: usize = 10_000;

impl Styles {
    /// Adds the next style, whose format has an id, and a code if it is not one that every program has.
    pub(super) fn push(&mut self, id: u16, codes: &HashMap<u16, String>) -> Parsed<()> {
        let format = *self.by_id.entry(id).or_insert_with(|| {
            let format = codes.get(&id).map_or_else(|| NumberFormat::builtin(id), |code| NumberFormat::new(code));
            self.formats.push(format);
            self.formats.len() - 1
        });
        self.styles.push(format);
        match self.styles.len() > MAX_STYLES || self.formats.len() > MAX_FORMATS {
            true => Err(Unreadable::too_large("more than 65,536 styles, or 10,000 number formats")),
            false => Ok(()),
        }
    }
}

/// How numbers are displayed.
pub(super) struct Formats {
    pub(super) styles: Styles,
    pub(super) epoch: Epoch,
}

impl Formats {
    /// Adds a number to a row as it is displayed in this style.
    pub(super) fn add(&self, grid: &mut Grid, column: u32, value: f64, style: usize) -> Parsed<()> {
        let Styles { styles, formats, .. } = &self.styles;
        let index = styles.get(style).copied().unwrap_or(usize::MAX);
        let Some(format) = formats.get(index) else {
            // Without styles, every number has the general format.
            return match styles.is_empty() {
                true => grid.cell(column, &general(value)),
                false => Err(Unreadable::damaged()),
            };
        };
        match format.text(value, self.epoch) {
            Some(text) if hides_digits(&text, || general(value)) => grid.hidden_digits(column, &text),
            Some(text) if format.is_date() => grid.date(column, &text, index),
            Some(text) => grid.cell(column, &text),
            None => grid.unknown_format(column, &format.plain(value, self.epoch), format.code()),
        }
    }
}
