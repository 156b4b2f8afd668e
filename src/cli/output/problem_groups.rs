//! Problems of rows in groups: the first three rows of each kind and a count, so that a mistake in 100,000 rows fits on
//! a screen. Shared by `check` and `run --dry-run`.

use std::collections::BTreeMap;

use crate::campaign_file::Loaded;
use crate::cli::output::console;
use crate::engine::{Bad, Warning};
use crate::model::{RowNumber, RowProblem};
use crate::store::PlannedRow;
use crate::text;
use crate::text::escaped;

/// Rows shown of each kind.
const MAX_ROWS: usize = 3;
/// Kinds kept apart. A file with more usually has one problem with many different messages.
const MAX_KINDS: usize = 50;

/// Returns a warning as one line.
pub(in crate::cli) fn warning(warning: &Warning) -> String {
    match warning.rows {
        0 => format!("warning: {} [{}]", warning.message, warning.code),
        rows => format!("warning: {} [{}, {}]", warning.message, warning.code, text::count(rows, "row")),
    }
}

/// Returns a warning as one line for a log, without text from a row.
pub(in crate::cli) fn logged(Warning { code, path, rows, .. }: &Warning) -> String {
    match (path.as_str(), rows) {
        ("", 0) => format!("warning: {code}"),
        ("", rows) => format!("warning: {code} in {}", text::count(*rows, "row")),
        (path, rows) => format!("warning: `{path}`: {code} in {}", text::count(*rows, "row")),
    }
}

/// Problems of rows by kind.
pub(in crate::cli) struct ProblemGroups<'l> {
    loaded: &'l Loaded,
    kinds: BTreeMap<Kind, Rows>,
    others: u64,
}

/// What the problems of a group have in common: the code, the columns, and the place in the message.
type Kind = (&'static str, Vec<String>, Option<Box<str>>);

#[derive(Default)]
struct Rows {
    count: u64,
    first: Vec<String>,
    /// The first row of the group.
    row: u64,
}

impl<'l> ProblemGroups<'l> {
    pub(in crate::cli) fn new(loaded: &'l Loaded) -> Self {
        Self { loaded, kinds: BTreeMap::new(), others: 0 }
    }

    pub(in crate::cli) fn add(&mut self, bad: &Bad<'_>) {
        match bad {
            Bad::Invalid(row) => {
                for problem in &row.problems {
                    let kind = (problem.code(), problem.columns.clone(), problem.path.clone());
                    self.add_to_group(kind, row.row, |loaded| in_words(loaded, row, problem));
                }
            }
            Bad::Duplicate { row, earlier } => {
                let words = |_: &Loaded| format!("row {row}: the same number as row {earlier}");
                self.add_to_group(("duplicate", Vec::new(), None), *row, words);
            }
        }
    }

    fn add_to_group(&mut self, kind: Kind, row: RowNumber, words: impl FnOnce(&Loaded) -> String) {
        if !self.kinds.contains_key(&kind) && self.kinds.len() == MAX_KINDS {
            self.others += 1;
            return;
        }
        let rows = self.kinds.entry(kind).or_default();
        rows.count += 1;
        if rows.count == 1 {
            rows.row = row.0;
        }
        if rows.first.len() < MAX_ROWS {
            rows.first.push(words(self.loaded));
        }
    }

    /// Prints the problems on standard error. A log gets neither column names nor text from a row.
    pub(in crate::cli) fn print(&self) {
        if !console::is_log() {
            return self.lines().iter().for_each(|line| console::info(line));
        }
        for ((code, _, path), rows) in &self.kinds {
            let path = path.as_deref().filter(|path| !path.is_empty());
            let at = path.map_or_else(String::new, |path| format!(", for `{path}` ({})", place(self.loaded, path)));
            let count = text::count(rows.count, "row");
            console::info(&format!("{count} cannot be sent: {code}{at}, first row {}", rows.row));
        }
        if self.others > 0 {
            console::info(&format!("{} of other kinds", text::count(self.others, "problem")));
        }
    }

    /// Returns the problems as lines, sorted by kind.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for ((code, ..), rows) in &self.kinds {
            lines.extend(rows.first.iter().map(|words| format!("{words} [{code}]")));
            let more = rows.count - rows.first.len() as u64;
            if more > 0 {
                lines.push(format!("  … and {} like it [{code}]", text::count(more, "more row")));
            }
        }
        if self.others > 0 {
            lines.push(format!("  … and {} of other kinds", text::count(self.others, "more problem")));
        }
        lines
    }
}

/// Returns a problem of a row as one line: the cell, where the message uses it, what is wrong, and what to do.
fn in_words(loaded: &Loaded, row: &PlannedRow, problem: &RowProblem) -> String {
    let mut line = format!("row {}, line {}", row.row, row.line);
    if let Some(columns) = problem.columns_in_words() {
        line.push_str(&format!(", {columns}"));
    }
    match (&problem.path, &problem.value) {
        // A problem with a text of the message already quotes it.
        (Some(path), _) => line.push_str(&format!(", for `{}` ({})", escaped(path), place(loaded, path))),
        (None, Some(value)) => line.push_str(&format!(" (`{value}`)")),
        (None, None) => {}
    }
    line.push_str(&format!(": {}", problem.message()));
    if let Some(hint) = problem.hint() {
        line.push_str(&format!("; {hint}"));
    }
    line
}

/// Returns where a part of the message is in the campaign file: `spring-sale.yaml:12:30`.
fn place(loaded: &Loaded, path: &str) -> String {
    let place = loaded.places.of(path);
    format!("{}:{}:{}", loaded.document.path().display(), place.line, place.column)
}
