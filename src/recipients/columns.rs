//! The names of the columns, checked: every one has a name of its own, and the one with the numbers is there.

use super::error::OpenError;

/// Columns named in a message; a wide table has hundreds.
const NAMED_IN_MESSAGE: usize = 20;

/// How alike two names have to be for one to be a slip of the other: from 0, nothing in common, to 1, the same.
const ALIKE: f64 = 0.8;

/// The columns of a table.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    /// The index of the column with the numbers.
    pub(super) to: usize,
}

impl Columns {
    /// Checks the names. `from` says whose columns they are, for the messages.
    ///
    /// Spaces around a name do not count, nor do empty names at the end, which spreadsheets write for columns that
    /// were once in use.
    pub(super) fn new(from: &str, names: Vec<String>, to: &str) -> Result<Self, OpenError> {
        let mut names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1));
        if names.is_empty() {
            return Err(OpenError::Empty { from: from.to_owned() });
        }
        if let Some(at) = names.iter().position(String::is_empty) {
            let what = format!("has no name for column {}: give it one, or delete the column", at + 1);
            return Err(OpenError::Header { from: from.to_owned(), what });
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first())) {
            let name = twice.map(|name| (*name).clone()).unwrap_or_default();
            return Err(OpenError::DuplicateColumn { from: from.to_owned(), name });
        }
        let Some(index) = names.iter().position(|name| name == to.trim()) else {
            return Err(OpenError::NoColumn {
                from: from.to_owned(),
                wanted: to.to_owned(),
                columns: list(&names),
                hint: hint(&names, to),
            });
        };
        Ok(Self { names, to: index })
    }
}

/// The names for a message.
fn list(names: &[String]) -> String {
    let mut text: Vec<String> = names.iter().take(NAMED_IN_MESSAGE).map(|name| format!("`{name}`")).collect();
    if names.len() > NAMED_IN_MESSAGE {
        text.push(format!("and {} more", names.len() - NAMED_IN_MESSAGE));
    }
    text.join(", ")
}

/// What to do about a missing column.
fn hint(names: &[String], wanted: &str) -> String {
    let wanted = wanted.to_lowercase();
    let nearest = names
        .iter()
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &wanted), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= ALIKE);
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => {
            "name the column: `to` in a campaign, `--column` of `suppress import` (the first line of a file has to name the \
             columns)"
                .to_owned()
        }
    }
}
