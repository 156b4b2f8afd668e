//! What is wrong with a row of the input, in parts: so that a person reads where to mend it, a program finds the
//! column, and the report keeps one sentence. What is wrong with a campaign file is not here, nor what a provider says.

use std::fmt;

use crate::model::Problem;
use crate::text::{escaped, escaped_name};

/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 40;

/// Why a row cannot become a message, or one of the reasons.
///
/// Displayed in one line: the columns, what is wrong, what to do, and where in the message it is. The value itself is
/// shown only where the message quotes it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RowProblem {
    /// What kind of problem it is: stable and short, such as `bad_number` or `too_long`.
    pub code: &'static str,
    /// What is wrong, in a sentence without a full stop.
    pub message: Box<str>,
    /// What to do about it.
    pub hint: Option<Box<str>>,
    /// The columns that brought the value; none where no single cell did.
    pub columns: Vec<String>,
    /// Where in the message it is: `template.components[0].parameters[1].text`. `None` for what is not in the message.
    pub path: Option<Box<str>>,
    /// The value, shortened.
    pub value: Option<Box<str>>,
    /// The rule that it breaks, with its limit.
    pub rule: Option<Box<str>>,
}

impl RowProblem {
    /// A problem of this code and these words.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<Box<str>>) -> Self {
        Self { code, message: message.into(), ..Self::default() }
    }

    /// The same problem with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Box<str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem of a cell in this column.
    #[must_use]
    pub fn column(mut self, column: &str) -> Self {
        self.columns.push(column.to_owned());
        self
    }

    /// The same problem with the value that is wrong; it is shortened.
    #[must_use]
    pub fn value(mut self, value: &str) -> Self {
        self.value = (!value.is_empty()).then(|| shortened(value, SHOWN_CHARS).into());
        self
    }

    /// The columns as words: ``column `a` ``, ``columns `a`, `b` ``. `None` if there are none.
    #[must_use]
    pub fn columns_in_words(&self) -> Option<String> {
        let names: Vec<String> = self.columns.iter().map(|name| format!("`{}`", escaped_name(name))).collect();
        match names.len() {
            0 => None,
            1 => Some(format!("column {}", names.concat())),
            _ => Some(format!("columns {}", names.join(", "))),
        }
    }

    /// All that is wrong with one row as the one problem that the store and the report keep: the code of the first, and
    /// the words of all. `None` for no problems.
    #[must_use]
    pub fn joined(problems: &[Self]) -> Option<Problem> {
        let first = problems.first()?;
        let words: Vec<String> = problems.iter().map(Self::to_string).collect();
        Some(Problem::new(first.code, words.join(" | ")))
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().filter(|path| !path.is_empty());
        let columns = self.columns_in_words();
        match (&columns, path) {
            (Some(columns), _) => write!(f, "{columns}: ")?,
            (None, Some(path)) => write!(f, "`{}`: ", escaped(path))?,
            (None, None) => {}
        }
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))?;
        // Whoever mends a cell does not need it, whoever mends the campaign does.
        path.filter(|_| columns.is_some()).iter().try_for_each(|path| write!(f, " (`{}`)", escaped(path)))
    }
}

impl fmt::Debug for RowProblem {
    /// Without the value and the words that may quote it, which are personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RowProblem");
        debug.field("code", &self.code).field("columns", &self.columns).field("path", &self.path);
        debug.finish_non_exhaustive()
    }
}

/// A text as it is quoted: on one line, cut where it has more than so many characters, and [`escaped`].
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let mut short = escaped(&text[..end]).into_owned();
    if end < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_tells_where_what_and_what_to_do() {
        let mut problem = RowProblem::new("too_long", "`Ana…` has 70 characters").hint("shorten it by 10");
        problem.path = Some("text".into());
        let problem = problem.column("name").value(&"x".repeat(50));
        assert_eq!(problem.to_string(), "column `name`: `Ana…` has 70 characters; shorten it by 10 (`text`)");
        assert_eq!(problem.value.as_deref(), Some(format!("{}…", "x".repeat(40)).as_str()));
        assert!(!format!("{problem:?}").contains("xxx"), "{problem:?}");
        assert!(!format!("{problem:?}").contains("Ana"), "{problem:?}");
    }

    #[test]
    fn many_problems_of_a_row_become_one() {
        assert_eq!(RowProblem::joined(&[]), None);
        let all = [RowProblem::new("bad_number", "no digits").column("phone"), RowProblem::new("empty_cell", "empty")];
        assert_eq!(RowProblem::joined(&all), Some(Problem::new("bad_number", "column `phone`: no digits | empty")));
    }
}
