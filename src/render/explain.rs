//! Explains the template engine's errors in terms of columns and messages.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};

use crate::model::{CellProblem, Header, NO_HEADER, RowProblem, column_by_key, shortened};
use crate::text::shown_column;

use super::filters;
use super::keys::{Ambiguous, of_two_columns};
use super::limits::is_plain;
use super::row::is_empty;

/// An invalid template in the message, or one that no row can fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// `template`; `unknown_column` if it needs a missing column; `ambiguous_column` if it uses a name of two columns.
    pub code: &'static str,
    /// Where in the message the string is: `template.components[0].parameters[1].text`.
    pub path: String,
    /// The line within the string, from 1.
    pub line: usize,
    /// What is wrong, in one sentence without a full stop, with the string, shortened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The hint for the terminal only: it has names from the list's header, which may be a person.
    pub hint_of_list: Option<String>,
}

/// The most characters of a template that are shown.
const SHOWN_CHARS: usize = 60;

/// Returns the problem of a template that does not depend on the row.
pub(super) fn syntax_problem(error: &Error, path: &str, text: &str, columns: &[String]) -> TemplateProblem {
    let line = error.line().unwrap_or(1);
    if let Some(name) = unknown_column(error, text, columns) {
        let message = format!("there is no column `{}`, but every row needs it", shown_column(name));
        let header = Header::new(columns);
        let hint =
            odd_column(text, columns).map(column_by_key).or_else(|| header.is_person().then(|| NO_HEADER.to_owned()));
        let hint_of_list = if hint.is_none() { header.hint(name) } else { None };
        return TemplateProblem { code: "unknown_column", path: path.to_owned(), line, message, hint, hint_of_list };
    }
    let message = error.detail().map_or_else(|| error.kind().to_string(), without_jargon);
    let hint = match error.kind() {
        ErrorKind::UnknownFilter => Some(format!("the filters are {}", filters::NAMES)),
        ErrorKind::UnknownTest => Some(format!("the tests are {}", filters::TESTS)),
        _ => odd_column(text, columns).map(column_by_key),
    };
    no_template(path, text, line, &message, hint)
}

/// Returns the engine's words about a syntax error, in terms of what the author wrote.
fn without_jargon(detail: &str) -> String {
    match detail {
        "unexpected end of input, expected end of variable block" => "the closing `}}` is missing".to_owned(),
        "unexpected end of input, expected end of block" => "the closing `%}` is missing".to_owned(),
        _ => detail.replace("end of variable block", "`}}`").replace("end of block", "`%}`"),
    }
}

/// Returns the problem of a template with a name that two columns have.
pub(super) fn ambiguous(path: &str, Ambiguous { name, columns, line }: &Ambiguous) -> TemplateProblem {
    let message = of_two_columns(name, *columns);
    let hint = Some("give each column of the list its own name".to_owned());
    TemplateProblem { code: "ambiguous_column", path: path.to_owned(), line: *line, message, hint, hint_of_list: None }
}

/// Returns the problem of a string that is not a template.
pub(super) fn no_template(path: &str, text: &str, line: usize, why: &str, hint: Option<String>) -> TemplateProblem {
    let message = format!("`{}` is not a valid template expression: {why}", shortened(text, SHOWN_CHARS));
    TemplateProblem { code: "template", path: path.to_owned(), line, message, hint, hint_of_list: None }
}

/// Returns the missing column that a template needs in every row. `error` comes from a row without empty cells, so a
/// template without branches cannot work for any row.
pub(super) fn unknown_column<'e>(error: &'e Error, text: &str, columns: &[String]) -> Option<&'e str> {
    let name = undefined_expression(error).and_then(missing_column)?;
    let branches = text.contains("{%") || text.split_whitespace().any(|word| word == "if");
    (!branches && !columns.iter().any(|column| column == name)).then_some(name)
}

/// Returns why a row cannot be rendered.
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
        None if error.kind() == ErrorKind::OutOfFuel => CellProblem::TooManySteps,
        None => CellProblem::Failed { kind: error.kind().to_string().into(), detail: error.detail().map(Into::into) },
    };
    RowProblem::from(problem).at(path)
}

/// Returns the problem of a row without a value in a needed column.
pub(super) fn empty_cell(path: &str, column: &str) -> RowProblem {
    RowProblem::from(CellProblem::Empty).column(column).at(path)
}

/// Returns the problem of a row with a cell that is too long for any message.
pub(super) fn overlong_cell(path: &str, column: &str) -> RowProblem {
    RowProblem::from(CellProblem::TooLong).column(column).at(path)
}

fn undefined(expression: &str, template: &str, columns: &[String]) -> CellProblem {
    match missing_column(expression) {
        Some(name) => {
            CellProblem::NoColumn { name: name.into(), by_key: odd_column(template, columns).map(Into::into) }
        }
        None => CellProblem::Undefined(shortened(expression, SHOWN_CHARS).into()),
    }
}

/// Returns the column that an undefined expression refers to.
fn missing_column(expression: &str) -> Option<&str> {
    let name = expression.strip_prefix("row.").unwrap_or(expression);
    let key = expression.strip_prefix("row['").and_then(|key| key.strip_suffix("']"));
    let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    key.or_else(|| is_word.then_some(name))
}

/// Returns the undefined expression, which the engine puts at the end of its message in debug mode:
/// `` `first_name` is undefined ``.
fn undefined_expression(error: &Error) -> Option<&str> {
    let (before, _) = error.detail()?.rsplit_once("` is undefined")?;
    before.rsplit_once('`').map(|(_, expression)| expression)
}

/// Returns a column lookup by key, as the engine writes it.
fn as_key(name: &str) -> String {
    format!("row[{:?}]", Value::from(name))
}

/// Whether a template looks a column up by key: `row["First name"]`.
pub(super) fn is_by_key(text: &str, name: &str) -> bool {
    let keys = [as_key(name), format!("row['{name}']"), format!("row[\"{name}\"]"), format!("row.{name}")];
    keys.iter().any(|key| text.contains(key.as_str()))
}

/// Returns a column that the template seems to use although its name cannot be a variable.
fn odd_column<'c>(template: &str, columns: &'c [String]) -> Option<&'c str> {
    // A template that uses `row[…]` needs no advice, and a single character is found too easily.
    let held = |name: &&String| name.chars().count() > 1 && template.contains(name.as_str()) && !is_variable(name);
    columns.iter().find(held).filter(|_| !template.contains("row[")).map(String::as_str)
}

/// Whether a template can use a column by its name alone, according to the engine.
pub(super) fn is_variable(name: &str) -> bool {
    let env = Environment::empty();
    is_plain(name)
        && env.compile_expression(name).is_ok_and(|expression| expression.undeclared_variables(false).contains(name))
}
