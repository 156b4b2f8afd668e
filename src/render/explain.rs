//! The template engine's errors in the words of someone who has a table and a message.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};

use crate::model::RowProblem;
use crate::model::shortened;

use super::limits::{MAX_TEXT, is_plain};
use super::row::is_empty;
use super::{TemplateProblem, filters};

/// Characters of a template that are shown.
const SHOWN_CHARS: usize = 60;
/// The code of a cell without a value.
pub(super) const EMPTY_CELL: &str = "empty_cell";
/// Columns that are named where none is near.
const SHOWN_COLUMNS: usize = 12;

/// What is wrong with a template, whatever the row.
pub(super) fn syntax_problem(error: &Error, path: &str, text: &str, columns: &[String]) -> TemplateProblem {
    let line = error.line().unwrap_or(1);
    if let Some(name) = unknown_column(error, text, columns) {
        let message = format!("there is no column `{name}`, and every row needs it");
        let hint = Some(instead_of(name, text, columns));
        return TemplateProblem { code: "unknown_column", path: path.to_owned(), line, message, hint };
    }
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let hint = match error.kind() {
        ErrorKind::UnknownFilter => Some(format!("the filters are {}", filters::NAMES)),
        _ => odd_column(text, columns),
    };
    no_template(path, text, line, &message, hint)
}

/// A string that is no template.
pub(super) fn no_template(path: &str, text: &str, line: usize, why: &str, hint: Option<String>) -> TemplateProblem {
    let message = format!("`{}` is no template: {why}", shortened(text, SHOWN_CHARS));
    TemplateProblem { code: "template", path: path.to_owned(), line, message, hint }
}

/// The column that a template needs in every row, if there is none of its name. `error` came of a row whose cells are
/// all filled, so a template without branches cannot work for any other.
pub(super) fn unknown_column<'e>(error: &'e Error, text: &str, columns: &[String]) -> Option<&'e str> {
    let name = undefined_expression(error).and_then(missing_column)?;
    let branches = text.contains("{%") || text.split_whitespace().any(|word| word == "if");
    (!branches && !columns.iter().any(|column| column == name)).then_some(name)
}

/// Why a row cannot be rendered.
pub(super) fn row_problem(error: &Error, path: &str, columns: &[String], cells: &[impl AsRef<str>]) -> RowProblem {
    let mut problem = match undefined_expression(error) {
        Some(expression) => {
            let is_meant = |name: &str| {
                expression == name || expression == as_key(name) || expression.strip_prefix("row.") == Some(name)
            };
            let is_empty = |position: usize| cells.get(position).is_none_or(|cell| is_empty(cell.as_ref()));
            let mut named = columns.iter().enumerate();
            if let Some((_, name)) = named.find(|(position, name)| is_empty(*position) && is_meant(name)) {
                return empty_cell(path, name);
            }
            undefined(expression, error.template_source().unwrap_or_default(), columns)
        }
        None if error.kind() == ErrorKind::OutOfFuel => failed("the template takes too many steps".to_owned()),
        None => failed(described(error)),
    };
    problem.path = Some(path.into());
    problem
}

/// A row without a value in a column that a template needs.
pub(super) fn empty_cell(path: &str, column: &str) -> RowProblem {
    let hint = "fill it in, or give the message a text for such rows with `default(…)`";
    let mut problem = RowProblem::new(EMPTY_CELL, "the cell is empty").hint(hint).column(column);
    problem.path = Some(path.into());
    problem
}

/// A row with a cell that no message can hold.
pub(super) fn overlong_cell(path: &str, column: &str) -> RowProblem {
    let message = format!("the cell is longer than {MAX_TEXT} bytes, more than any message holds");
    let mut problem = RowProblem::new("cell_too_long", message).column(column);
    problem.path = Some(path.into());
    problem
}

fn undefined(expression: &str, template: &str, columns: &[String]) -> RowProblem {
    match missing_column(expression) {
        Some(name) => {
            let problem = RowProblem::new("undefined_variable", format!("there is no column `{name}`"));
            problem.hint(instead_of(name, template, columns))
        }
        None => failed(format!("`{expression}` is undefined")),
    }
}

/// The column that an undefined expression asks for.
fn missing_column(expression: &str) -> Option<&str> {
    let name = expression.strip_prefix("row.").unwrap_or(expression);
    let key = expression.strip_prefix("row['").and_then(|key| key.strip_suffix("']"));
    let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    key.or_else(|| is_word.then_some(name))
}

/// What to write in place of a column that is not there.
fn instead_of(name: &str, template: &str, columns: &[String]) -> String {
    odd_column(template, columns).or_else(|| near(name, columns)).unwrap_or_else(|| list(columns))
}

fn failed(message: String) -> RowProblem {
    RowProblem::new("template_failed", message)
}

fn described(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("the template failed: {}: {detail}", error.kind()),
        None => format!("the template failed: {}", error.kind()),
    }
}

/// The expression that was undefined, which the engine puts at the end of its message in debug mode:
/// `` `first_name` is undefined ``.
fn undefined_expression(error: &Error) -> Option<&str> {
    let (before, _) = error.detail()?.rsplit_once("` is undefined")?;
    before.rsplit_once('`').map(|(_, expression)| expression)
}

/// A column as it is looked up by key, in the way the engine writes it.
fn as_key(name: &str) -> String {
    format!("row[{:?}]", Value::from(name))
}

/// Whether a template looks a column up by key: `row["First name"]`.
pub(super) fn is_by_key(text: &str, name: &str) -> bool {
    let keys = [as_key(name), format!("row['{name}']"), format!("row[\"{name}\"]"), format!("row.{name}")];
    keys.iter().any(|key| text.contains(key.as_str()))
}

/// What to write for a column whose name is not a variable's, if the template seems to hold one.
fn odd_column(template: &str, columns: &[String]) -> Option<String> {
    // Whoever knows of `row[…]` does not need the advice; and a single character is too easily found.
    let held = |name: &&String| name.chars().count() > 1 && template.contains(name.as_str()) && !is_variable(name);
    let column = columns.iter().find(held).filter(|_| !template.contains("row["))?;
    Some(format!("write the column `{column}` as `{{{{ row[{}] }}}}`", serde_json::Value::from(column.as_str())))
}

/// Whether a template can use a column by its name alone, which the engine knows best.
pub(super) fn is_variable(name: &str) -> bool {
    let env = Environment::empty();
    is_plain(name)
        && env.compile_expression(name).is_ok_and(|expression| expression.undeclared_variables(false).contains(name))
}

fn near(name: &str, columns: &[String]) -> Option<String> {
    let word = name.to_lowercase();
    columns
        .iter()
        .map(|column| (strsim::damerau_levenshtein(&word, &column.to_lowercase()), column))
        .filter(|(distance, column)| *distance <= (column.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, column)| format!("did you mean `{column}`?"))
}

fn list(columns: &[String]) -> String {
    let mut names: Vec<String> = columns.iter().take(SHOWN_COLUMNS).map(|column| format!("`{column}`")).collect();
    if columns.len() > SHOWN_COLUMNS {
        names.push(format!("and {} more", columns.len() - SHOWN_COLUMNS));
    }
    format!("the columns are {}", names.join(", "))
}
