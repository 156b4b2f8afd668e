//! Templates that need no engine: text, and columns put in through the filters that most messages use.
//!
//! What is read here means the same to the engine, at a small part of the cost. Whatever is not plainly of this form is
//! left to the engine, and so is a row without a value where one is needed, since the engine says what is wrong.

use std::borrow::Cow;

use super::{explain, row};

/// A part of a template.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text as it is.
    Text(String),
    /// The cell of the column at this position, through filters.
    Column(usize, Vec<Filter>),
}

/// A filter of the engine's.
#[derive(Debug)]
pub(super) enum Filter {
    Default(String),
    Lower,
    Trim,
    Upper,
}

/// The parts of a template, if it is one of text and columns only.
pub(super) fn read(mut text: &str, columns: &[String]) -> Option<Vec<Piece>> {
    if text.contains("{%") || text.contains("{#") {
        return None;
    }
    let mut pieces = Vec::new();
    while let Some((before, rest)) = text.split_once("{{") {
        let (expression, after) = rest.split_once("}}")?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(column(expression, columns)?);
        text = after;
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Some(pieces)
}

/// `name | filter | default('text')`. A text with a `|` or an escape in it is not read.
fn column(expression: &str, columns: &[String]) -> Option<Piece> {
    let mut parts = expression.split('|').map(|part| part.trim_matches(' '));
    let name = parts.next()?;
    let position = columns.iter().position(|column| column == name).filter(|_| explain::is_variable(name))?;
    Some(Piece::Column(position, parts.map(filter).collect::<Option<_>>()?))
}

fn filter(text: &str) -> Option<Filter> {
    match text {
        "lower" => Some(Filter::Lower),
        "trim" => Some(Filter::Trim),
        "upper" => Some(Filter::Upper),
        _ => {
            let argument = text.strip_prefix("default(")?.strip_suffix(')')?.trim_matches(' ');
            let quoted = |quote| argument.strip_prefix(quote)?.strip_suffix(quote).filter(|text| !text.contains(quote));
            let text = quoted('\'').or_else(|| quoted('"')).filter(|text| !text.contains('\\'))?;
            Some(Filter::Default(text.to_owned()))
        }
    }
}

/// Appends the text for a row. False where the row has no value for a column that needs one.
pub(super) fn write(pieces: &[Piece], cells: &[impl AsRef<str>], text: &mut String) -> bool {
    pieces.iter().all(|piece| {
        let value = match piece {
            Piece::Text(text) => Some(Cow::Borrowed(text.as_str())),
            Piece::Column(position, filters) => {
                let cell = cells.get(*position).map(AsRef::as_ref).filter(|cell| !row::is_empty(cell));
                filters.iter().try_fold(cell.map(Cow::Borrowed), filtered).flatten()
            }
        };
        value.is_some_and(|value| {
            text.push_str(&value);
            true
        })
    })
}

/// What a filter makes of a value; `None` within for none, which only `default` takes.
fn filtered<'v>(value: Option<Cow<'v, str>>, filter: &'v Filter) -> Option<Option<Cow<'v, str>>> {
    Some(Some(match (filter, value) {
        (Filter::Default(_), Some(value)) => value,
        (Filter::Default(text), None) => Cow::Borrowed(text),
        (_, None) => return None,
        (Filter::Lower, Some(value)) => Cow::Owned(value.to_lowercase()),
        (Filter::Trim, Some(value)) => Cow::Owned(value.trim().to_owned()),
        (Filter::Upper, Some(value)) => Cow::Owned(value.to_uppercase()),
    }))
}
