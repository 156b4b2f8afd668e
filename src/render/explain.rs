//! The template engine's errors in the words of someone who has a table and a message.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};

use crate::model::Problem;

use super::row::is_empty;
use super::{RowProblem, TemplateProblem};

/// Characters of a template that are shown.
const SHOWN_CHARS: usize = 60;
/// Columns that are named where none is near.
const SHOWN_COLUMNS: usize = 12;

/// What is wrong with a template, whatever the row.
pub(super) fn syntax_problem(error: &Error, path: &str, text: &str, columns: &[String]) -> TemplateProblem {
    let mut message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    if let Some(hint) = odd_column(text, columns) {
        message = format!("{message}: {hint}");
    }
    TemplateProblem { path: path.to_owned(), text: shortened(text), line: error.line().unwrap_or(1), message }
}

/// Why a row cannot be rendered.
pub(super) fn row_problem(error: &Error, path: &str, columns: &[String], cells: &[impl AsRef<str>]) -> RowProblem {
    let problem = match undefined_expression(error) {
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
    RowProblem { problem, path: path.to_owned(), column: None }
}

/// A row without a value in a column that a template needs.
pub(super) fn empty_cell(path: &str, column: &str) -> RowProblem {
    let problem = Problem::new("empty_cell", format!("column `{column}` is empty in this row"));
    RowProblem { problem, path: path.to_owned(), column: Some(column.to_owned()) }
}

fn undefined(expression: &str, template: &str, columns: &[String]) -> Problem {
    let name = expression.strip_prefix("row.").unwrap_or(expression);
    let key = expression.strip_prefix("row['").and_then(|key| key.strip_suffix("']"));
    let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    match key.or_else(|| is_word.then_some(name)) {
        Some(name) => {
            let advice = odd_column(template, columns).or_else(|| near(name, columns)).unwrap_or_else(|| list(columns));
            Problem::new("undefined_variable", format!("there is no column `{name}`: {advice}"))
        }
        None => failed(format!("`{expression}` is undefined")),
    }
}

fn failed(message: String) -> Problem {
    Problem::new("template_failed", message)
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
    env.compile_expression(name).is_ok_and(|expression| expression.undeclared_variables(false).contains(name))
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

/// A text on one line, cut where it is long.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
