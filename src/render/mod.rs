//! Rendering: the message's templates, compiled once, and a row in; the exact bytes of the request body out.
//!
//! A body is a pure function of the message, the columns and the row: the same input gives the same bytes. What
//! is in a cell is only ever text. It is never read as YAML, JSON or a template, so that a name with a quote or
//! a brace arrives as it is. This room does not know what a message means: empty texts and limits are for others.

mod compile;
mod explain;
mod row;

#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::sync::Arc;

use minijinja::Environment;
use minijinja::value::Value;

use crate::model::{Phone, Problem};

use row::{Header, Row};

/// A message, compiled. Made once a run and shared by reference; holds no row.
#[derive(Debug)]
pub struct Renderer {
    /// The templates, each under its hole's path.
    env: Environment<'static>,
    header: Arc<Header>,
    /// The body from after the number on: every hole with the bytes that stand before it, and what is left.
    holes: Vec<Hole>,
    tail: Vec<u8>,
}

/// A string of the message that is a template.
#[derive(Debug)]
struct Hole {
    /// The bytes of the body between the hole before and this one.
    before: Vec<u8>,
    /// Where in the message it is.
    path: String,
    fill: Fill,
}

/// What a hole is filled with.
#[derive(Debug)]
enum Fill {
    /// The cell of the column at this position, as it is: for `{{ column }}` and nothing else, which is what most
    /// parameters of a template are, and needs no engine.
    Cell(usize),
    /// What the engine makes of the template under the hole's path.
    Template,
}

/// A string of the message that is not a template, though it has the signs of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// Where in the message the string is: `template.components[0].parameters[1].text`.
    pub path: String,
    /// The string, shortened.
    pub text: String,
    /// The line within the string, from 1.
    pub line: usize,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
}

impl std::fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no template: {}", self.text, self.message)
    }
}

/// Why a row cannot become a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// `empty_cell`, `undefined_variable` or `template_failed`, and what is wrong.
    pub problem: Problem,
    /// Where in the message the template is.
    pub path: String,
    /// The column concerned, if it is one.
    pub column: Option<String>,
}

impl Renderer {
    /// Compiles every string of `message` that holds `{{`, `{%` or `{#`. `columns` are the variables there are:
    /// by their names, and as `row["any name"]`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of the templates.
    pub fn compile(message: &serde_json::Value, columns: &[String]) -> Result<Self, Vec<TemplateProblem>> {
        compile::compile(message, columns)
    }

    /// Appends the body for one row to `body`: compact JSON, the number first (`{"to":"85268411234",…`), then the
    /// message in its own order. A cell that is empty or blank is undefined. `cells` stand in the order of the
    /// columns; those that are missing are empty.
    ///
    /// # Errors
    ///
    /// If a template needs what the row does not have, or fails; `body` is then as it was.
    pub fn render(&self, to: Phone, cells: &[impl AsRef<str>], body: &mut Vec<u8>) -> Result<(), RowProblem> {
        let start = body.len();
        // Writing into memory cannot fail.
        let _ = write!(body, "{{\"to\":\"{}\"", to.as_u64());
        // Made for the first hole that needs it.
        let mut row = None;
        for hole in &self.holes {
            body.extend_from_slice(&hole.before);
            let filled = match hole.fill {
                Fill::Cell(position) => match cells.get(position).map(AsRef::as_ref) {
                    Some(cell) if !row::is_empty(cell) => {
                        push_text(body, cell);
                        Ok(())
                    }
                    _ => Err(explain::empty_cell(&hole.path, &self.header.columns()[position])),
                },
                Fill::Template => {
                    let row = row.get_or_insert_with(|| Value::from_object(Row::new(Arc::clone(&self.header), cells)));
                    let text = self.env.get_template(&hole.path).and_then(|template| template.render(row.clone()));
                    text.map(|text| push_text(body, &text))
                        .map_err(|error| explain::row_problem(&error, &hole.path, self.header.columns(), cells))
                }
            };
            if let Err(problem) = filled {
                body.truncate(start);
                return Err(problem);
            }
        }
        body.extend_from_slice(&self.tail);
        Ok(())
    }
}

/// Appends a text as a JSON string.
fn push_text(body: &mut Vec<u8>, text: &str) {
    // A text always has a JSON form, and writing into memory cannot fail.
    let _ = serde_json::to_writer(body, text);
}
