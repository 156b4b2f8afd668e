//! A compiled message, which renders a body for each row.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;

use minijinja::Environment;
use minijinja::value::Value;

use super::row::{self, HeaderInUse, Row};
use super::{explain, limits};
use crate::model::{Phone, ProviderApi, RowProblem};

/// A compiled message. Built once per run and shared; it contains no row.
#[derive(Debug)]
pub struct Renderer {
    /// How a request names its recipient.
    pub(super) api: ProviderApi,
    /// The message as it was compiled.
    pub(super) message: serde_json::Value,
    /// The templates, each under the name of its hole.
    pub(super) env: Environment<'static>,
    pub(super) header: Arc<HeaderInUse>,
    /// The body after the number: every hole with the bytes before it, then the rest.
    pub(super) holes: Vec<Hole>,
    pub(super) tail: Vec<u8>,
}

/// A string of the message that is a template.
#[derive(Debug)]
pub(super) struct Hole {
    /// The bytes of the body between the previous hole and this one.
    pub(super) before: Vec<u8>,
    /// The positions of the columns whose cells it may use.
    pub(super) columns: Vec<usize>,
    /// Where in the message it is.
    pub(super) path: String,
    pub(super) fill: Fill,
}

impl Hole {
    /// Whether it is at a place of the message, or below it.
    fn is_at(&self, path: &str) -> bool {
        self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

/// How a hole is filled.
#[derive(Debug)]
pub(super) enum Fill {
    /// With the cell of the column at this position: for exactly `{{ column }}`, the usual template parameter, which
    /// needs no engine.
    Cell(usize),
    /// With the output of the template with this name, which is short, because it is looked up for every row; it may
    /// have loops.
    Template { name: String, loops: bool },
}

impl Renderer {
    /// Appends the body for one row to `body`: compact JSON, the number first (`{"to":"85268411234",…`), then the
    /// message in its own order. An empty or blank cell is undefined. `cells` are in column order; missing ones are
    /// empty.
    ///
    /// # Errors
    ///
    /// Returns a problem for every template that fails or needs a missing value: `empty_cell`, `undefined_variable` or
    /// `template_failed`. `body` is then unchanged.
    pub fn render(&self, to: Phone, cells: &[impl AsRef<str>], body: &mut Vec<u8>) -> Result<(), Vec<RowProblem>> {
        let start = body.len();
        // Writing to memory cannot fail.
        let _ = write!(body, "{{\"to\":\"{}{}\"", self.api.number_prefix(), to.as_u64());
        let filled = self.texts(cells, |hole, text| {
            body.extend_from_slice(&self.holes[hole].before);
            push_text(body, text);
        });
        match filled {
            Ok(()) => body.extend_from_slice(&self.tail),
            Err(_) => body.truncate(start),
        }
        filled
    }

    /// Renders the body as a JSON value, for checks: the same as parsing the output of [`Renderer::render`] at a
    /// fraction of the cost, because only the text values change per row. `body` starts as [`Renderer::blank`] and is
    /// reused for every row.
    ///
    /// # Errors
    ///
    /// As [`Renderer::render`]; failed texts in `body` are then those of the previous row.
    pub fn render_value(
        &self,
        to: Option<Phone>,
        cells: &[impl AsRef<str>],
        body: &mut serde_json::Value,
    ) -> Result<(), Vec<RowProblem>> {
        let mut texts = Vec::with_capacity(self.holes.len());
        if let (Some(body), Some(message)) = (body.as_object_mut(), self.message.as_object()) {
            // `to` comes before the message's own keys.
            let mut values = body.values_mut();
            if let Some(serde_json::Value::String(number)) = values.next() {
                number.clear();
                if let Some(to) = to {
                    let prefix = self.api.number_prefix();
                    let _ = std::fmt::Write::write_fmt(number, format_args!("{prefix}{}", to.as_u64()));
                }
            }
            for (value, template) in values.zip(message.values()) {
                collect_holes(value, template, &mut texts);
            }
        }
        self.texts(cells, |hole, text| {
            if let Some(place) = texts.get_mut(hole) {
                place.clear();
                place.push_str(text);
            }
        })
    }

    /// Returns a body for [`Renderer::render_value`].
    #[must_use]
    pub fn blank(&self) -> serde_json::Value {
        let mut body = serde_json::Map::new();
        body.insert("to".to_owned(), serde_json::Value::String(String::new()));
        body.extend(self.message.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
        serde_json::Value::Object(body)
    }

    /// Returns the columns that a place of the message uses, or anything below it.
    pub fn columns_at<'r>(&'r self, path: &'r str) -> impl Iterator<Item = &'r str> {
        let positions = self.holes.iter().filter(|hole| hole.is_at(path)).flat_map(|hole| &hole.columns);
        positions.filter_map(|position| self.header.columns().get(*position)).map(String::as_str)
    }

    /// Whether a place of the message, or anything below it, is a template.
    #[must_use]
    pub fn is_filled(&self, path: &str) -> bool {
        self.holes.iter().any(|hole| hole.is_at(path))
    }

    /// Returns each used column once: its position, its name, and the first place of the message that uses it.
    pub fn columns_used(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        let mut seen = HashSet::new();
        let places =
            self.holes.iter().flat_map(|hole| hole.columns.iter().map(|position| (*position, hole.path.as_str())));
        places
            .filter(move |(position, _)| seen.insert(*position))
            .filter_map(|(position, path)| Some((position, self.header.columns().get(position)?.as_str(), path)))
    }

    /// Whether the engine renders the template with this number, rather than just copying a cell.
    #[must_use]
    pub fn is_computed(&self, number: usize) -> bool {
        matches!(self.holes.get(number), Some(Hole { fill: Fill::Template { .. }, .. }))
    }

    /// Returns the places of the templates in the message, in the order of [`Renderer::texts`].
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.holes.iter().map(|hole| hole.path.as_str())
    }

    /// Renders every template in order, and passes each text on with the template's number, from 0.
    ///
    /// # Errors
    ///
    /// As [`Renderer::render`]: returns the problems of all templates that fail.
    pub fn texts(&self, cells: &[impl AsRef<str>], mut each: impl FnMut(usize, &str)) -> Result<(), Vec<RowProblem>> {
        // Created for the first hole that needs it.
        let mut row = None;
        let mut problems = Vec::new();
        let mut steps = limits::STEPS;
        let is_long = cells.iter().any(|cell| cell.as_ref().len() > limits::MAX_TEXT);
        for (number, hole) in self.holes.iter().enumerate() {
            if is_long && let Some(column) = self.overlong(hole, cells) {
                add(&mut problems, explain::overlong_cell(&hole.path, column));
                continue;
            }
            match &hole.fill {
                Fill::Cell(position) => match cells.get(*position).map(AsRef::as_ref) {
                    Some(cell) if !row::is_empty(cell) => each(number, cell),
                    _ => add(&mut problems, explain::empty_cell(&hole.path, &self.header.columns()[*position])),
                },
                Fill::Template { name, loops } => {
                    let row = row.get_or_insert_with(|| Value::from_object(Row::new(Arc::clone(&self.header), cells)));
                    let text = self
                        .env
                        .get_template(name)
                        .and_then(|template| limits::render(&template, row.clone(), loops.then_some(&mut steps)));
                    let text = text.and_then(row::is_text);
                    match text {
                        Ok(text) => each(number, &text),
                        Err(error) => {
                            let problem = explain::row_problem(&error, &hole.path, self.header.columns(), cells);
                            add(&mut problems, problem);
                        }
                    }
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Returns a column whose cell is too long for any message.
    fn overlong(&self, hole: &Hole, cells: &[impl AsRef<str>]) -> Option<&str> {
        let is_long = |position: &&usize| cells.get(**position).is_some_and(|c| c.as_ref().len() > limits::MAX_TEXT);
        hole.columns.iter().find(is_long).map(|position| self.header.columns()[*position].as_str())
    }
}

/// Adds a problem. An empty cell is one problem, however often the message uses it.
fn add(problems: &mut Vec<RowProblem>, problem: RowProblem) {
    let is_reported = |other: &RowProblem| other.is_empty_cell() && other.columns == problem.columns;
    if !problem.is_empty_cell() || !problems.iter().any(is_reported) {
        problems.push(problem);
    }
}

/// Collects the texts of `value` at the holes of `template`, in compile order.
fn collect_holes<'a>(value: &'a mut serde_json::Value, template: &serde_json::Value, texts: &mut Vec<&'a mut String>) {
    use serde_json::Value::{Array, Object, String};
    match (value, template) {
        (String(text), String(template)) if is_template(template) => texts.push(text),
        (Array(values), Array(templates)) => {
            for (value, template) in values.iter_mut().zip(templates) {
                collect_holes(value, template, texts);
            }
        }
        (Object(values), Object(templates)) => {
            for (value, template) in values.values_mut().zip(templates.values()) {
                collect_holes(value, template, texts);
            }
        }
        _ => {}
    }
}

/// Appends a text as a JSON string.
pub(super) fn push_text(body: &mut Vec<u8>, text: &str) {
    // Text always has a JSON form, and writing to memory cannot fail.
    let _ = serde_json::to_writer(body, text);
}

/// Whether a text contains template delimiters.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|sign| text.contains(sign))
}
