//! What `check` prints of a list: how many rows can be sent, how many cannot for which reason, then the first rows of
//! each reason and what to do. Shared with `run`.

use std::iter;

use serde_json::{Value, json};

use crate::campaign_file::{FileProblem, Loaded};
use crate::cli::output::console;
use crate::cli::output::problem_groups::{Example, Group, ProblemGroups, ProblemReason, row_and_line};
use crate::cli::session::load::campaign_error;
use crate::engine::{Checked, WarnedRow, Warning};
use crate::text::{count, escaped, grouped, shown_column};

/// What comes before a hint that all rows of a reason share.
const WHAT_TO_DO: &str = "what to do";

/// Returns a warning as one line.
pub(in crate::cli) fn warning(loaded: &Loaded, warning: &Warning) -> String {
    let Warning { code, columns, path, message, .. } = warning;
    // What does not come from a cell is fixed in the campaign file.
    let in_the_file = columns.is_empty() && !path.is_empty();
    let place = if in_the_file { format!(" ({})", place(loaded, path)) } else { String::new() };
    format!("warning: {message}{place} [{code}{}]", rows_of_warning(warning))
}

/// Returns a warning as one line for a log, without text from a row.
pub(in crate::cli) fn logged(warning: &Warning) -> String {
    let Warning { code, path, .. } = warning;
    let path = if path.is_empty() { String::new() } else { format!("`{path}`: ") };
    format!("warning: {path}{code}{}", rows_of_warning(warning))
}

/// Returns how many rows have a warning, and the first one, as text that follows its code.
fn rows_of_warning(Warning { first, rows, .. }: &Warning) -> String {
    let first = first.first().map(|WarnedRow { row, line, .. }| row_and_line(*row, Some(*line)));
    match (rows, first) {
        (0, _) => String::new(),
        (1, Some(row)) => format!(", {row}"),
        (rows, first) => {
            format!(", {}{}", count(*rows, "row"), first.map_or_else(String::new, |row| format!(", first {row}")))
        }
    }
}

/// Returns the rows after the first one that have a warning about a cell.
fn other_rows(warning: &Warning) -> Vec<String> {
    let Warning { columns, first, rows, .. } = warning;
    if columns.is_empty() || first.is_empty() {
        return Vec::new();
    }
    let other = |WarnedRow { row, line, value }: &WarnedRow| {
        let value = value.iter().map(|value| format!(" (`{}`)", escaped(value))).collect::<String>();
        format!("  also {}{value}", row_and_line(*row, Some(*line)))
    };
    first.iter().skip(1).map(other).chain(further(rows - first.len() as u64)).collect()
}

/// Returns where a part of the message is in the campaign file: `spring-sale.yaml:12:30`.
fn place(loaded: &Loaded, path: &str) -> String {
    let place = loaded.places.of(path);
    format!("{}:{}:{}", loaded.document.path().display(), place.line, place.column)
}

/// The findings about a list.
pub(in crate::cli) struct ProblemReport<'a> {
    pub(in crate::cli) loaded: &'a Loaded,
    pub(in crate::cli) groups: &'a ProblemGroups,
    pub(in crate::cli) checked: &'a Checked,
}

/// Rows that are not sent, and why.
struct Line {
    rows: u64,
    words: String,
}

impl ProblemReport<'_> {
    /// Returns how many rows can be sent, and a table of the reasons why the others cannot.
    pub(in crate::cli) fn verdict(&self) -> Vec<String> {
        let Checked { rows, .. } = *self.checked;
        let sendable = self.checked.sendable();
        let mut lines = vec![format!("{} of {} can be sent", grouped(sendable), count(rows, "row"))];
        let table = self.table();
        if table.is_empty() {
            return lines;
        }
        let total = rows - sendable;
        let width = grouped(total).len().max("rows".len());
        lines.push(String::new());
        lines.push(format!("  {:>width$}  why not", "rows"));
        lines.extend(table.iter().map(|line| format!("  {:>width$}  {}", grouped(line.rows), line.words)));
        if table.len() > 1 {
            lines.push(format!("  {:>width$}  in total", grouped(total)));
        }
        lines
    }

    /// Returns the warnings, each followed by some of its rows.
    pub(in crate::cli) fn warnings(&self) -> impl Iterator<Item = String> {
        let lines = |it| iter::once(warning(self.loaded, it)).chain(other_rows(it));
        self.checked.warnings.iter().flat_map(lines)
    }

    /// Returns the reasons; each row is counted once.
    fn table(&self) -> Vec<Line> {
        let groups = self.groups.sorted();
        let mut lines: Vec<Line> =
            groups.iter().map(|(reason, group)| self.table_line(reason, group, &groups)).collect();
        let left_out =
            left_out(self.checked).map(|(rows, words, code)| Line { rows, words: format!("{words} [{code}]") });
        lines.extend(left_out);
        // Stable: the groups are already in order.
        lines.sort_by_key(|line| std::cmp::Reverse(line.rows));
        if self.groups.other_rows > 0 {
            lines.push(Line { rows: self.groups.other_rows, words: "other reasons".to_owned() });
        }
        lines
    }

    fn table_line(&self, reason: &ProblemReason, group: &Group, all: &[(&ProblemReason, &Group)]) -> Line {
        let mut words = in_words(reason);
        let alike =
            |(other, _): &&(&ProblemReason, &Group)| (&other.words, &other.columns) == (&reason.words, &reason.columns);
        if let Some(path) = &reason.path
            && (reason.columns.is_empty() || all.iter().filter(alike).count() > 1)
        {
            words.insert_str(0, &format!("{}: ", self.place(path)));
        }
        words.push_str(&format!(" [{}]", reason.code));
        words.push_str(&counted_elsewhere(group));
        Line { rows: group.rows, words }
    }

    /// Returns the details of each reason, and then the warnings. Those of [`ProblemReport::campaign_errors`] are left
    /// out.
    pub(in crate::cli) fn details(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (reason, group) in self.groups.sorted().into_iter().filter(|it| !self.is_common(it)) {
            lines.push(String::new());
            lines.push(format!("{}: {} [{}]", rows_of(group), in_words(reason), reason.code));
            lines.extend(
                reason.path.as_deref().map(|path| format!("  used in {} (`{}`)", self.place(path), escaped(path))),
            );
            lines.extend(examples(group));
        }
        if self.groups.other_rows > 0 {
            let rows = count(self.groups.other_rows, "row");
            let others = format!("{rows} cannot be sent for other reasons: fix the problems above, then check again");
            lines.extend([String::new(), others]);
        }
        for (rows, words, code) in left_out(self.checked) {
            let first = self.checked.left_out.first.iter().filter(|(_, of, _)| *of == code);
            let first: Vec<_> = first.map(|(row, _, reason)| format!("  row {row}: {reason}")).collect();
            let more = rows - first.len() as u64;
            lines.extend([String::new(), format!("{} left out: {words} [{code}]", count(rows, "row"))]);
            lines.extend(first);
            lines.extend(further(more));
        }
        if !self.checked.warnings.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self.warnings());
        lines
    }

    /// Whether some rows are not shown one by one.
    pub(in crate::cli) fn has_more(&self) -> bool {
        let is_cut = |(_, group): &(&ProblemReason, &Group)| group.rows + group.more > group.examples.len() as u64;
        self.groups.other_rows > 0
            || self.groups.sorted().iter().any(|it| is_cut(it) && it.0.code != "duplicate" && !self.is_common(it))
    }

    fn is_common(&self, (_, group): &(&ProblemReason, &Group)) -> bool {
        self.groups.is_of_the_campaign(group, self.checked.rows)
    }

    /// Returns the problems of the campaign file that keep every row from being sent.
    pub(in crate::cli) fn campaign_errors(&self) -> Vec<FileProblem> {
        let groups = self.groups.sorted();
        let common = groups.iter().filter(|it| self.is_common(it));
        common.filter_map(|(_, group)| Some(campaign_error(self.loaded, group.problem.as_ref()?))).collect()
    }

    /// Prints all on standard error. A log gets neither column names nor text from a row.
    pub(in crate::cli) fn print(&self) {
        if !console::is_log() {
            let is_fine = self.checked.sendable() == self.checked.rows && self.checked.warnings.is_empty();
            if !is_fine {
                let lines = self.verdict().into_iter().chain(self.details()).chain([String::new()]);
                lines.for_each(|line| console::info(&line));
            }
            return;
        }
        for (reason, group) in self.groups.sorted() {
            let at = reason
                .path
                .as_deref()
                .map_or_else(String::new, |path| format!(", for `{path}` ({})", self.place(path)));
            let rows = count(group.rows + group.more, "row");
            console::info(&format!("{rows} cannot be sent: {}{at}, first row {}", reason.code, group.first_row));
        }
        if self.groups.other_rows > 0 {
            console::info(&format!("{} cannot be sent for other reasons", count(self.groups.other_rows, "row")));
        }
        for (rows, _, code) in left_out(self.checked) {
            console::info(&format!("{} left out: {code}", count(rows, "row")));
        }
        self.checked.warnings.iter().for_each(|warning| console::info(&logged(warning)));
    }

    /// Returns the table as JSON: the counts add up to the rows that cannot be sent.
    pub(in crate::cli) fn reasons(&self) -> Value {
        let of_group = |(reason, group): (&ProblemReason, &Group)| {
            json!({
                "code": reason.code, "message": reason.words, "columns": reason.columns, "path": reason.path,
                "rows": group.rows, "also": group.more, "first_row": group.first_row,
            })
        };
        let plain = |(rows, words, code): (u64, &str, &str)| json!({"code": code, "message": words, "rows": rows});
        let others = (self.groups.other_rows > 0).then_some((self.groups.other_rows, "other reasons", "other"));
        let groups = self.groups.sorted().into_iter().map(of_group);
        groups.chain(left_out(self.checked).chain(others).map(plain)).collect()
    }

    /// Returns where a part of the message is in the campaign file: `spring-sale.yaml:12:30`.
    fn place(&self, path: &str) -> String {
        place(self.loaded, path)
    }
}

/// Returns the rows that are left out by earlier runs or the suppression list: how many, why, and the code.
fn left_out(checked: &Checked) -> impl Iterator<Item = (u64, &'static str, &'static str)> {
    let left_out = &checked.left_out;
    let reached = match left_out.reached_code {
        "sent_recently" => "an earlier run reached this number recently",
        _ => "an earlier run reached this number",
    };
    let all = [
        (left_out.reached, reached, left_out.reached_code),
        (left_out.suppressed, "on the suppression list", "suppressed"),
    ];
    all.into_iter().filter(|(rows, ..)| *rows > 0)
}

/// ``column `phone`: contains letters``.
fn in_words(reason: &ProblemReason) -> String {
    let names: Vec<String> = reason.columns.iter().map(|name| format!("`{}`", shown_column(name))).collect();
    match names.len() {
        0 => reason.words.to_string(),
        1 => format!("column {}: {}", names.concat(), reason.words),
        _ => format!("columns {}: {}", names.join(", "), reason.words),
    }
}

/// `40 rows`, with a note on rows that the table counts under another reason.
fn rows_of(group: &Group) -> String {
    match (group.rows, group.more) {
        (rows, 0) => count(rows, "row"),
        (rows, more) => format!("{} ({} counted under another reason)", count(rows + more, "row"), grouped(more)),
    }
}

fn counted_elsewhere(group: &Group) -> String {
    match group.more {
        0 => String::new(),
        1 if group.rows == 0 => " (1 row, counted under another reason, has this problem)".to_owned(),
        1 => " (1 more row, counted under another reason, has this problem)".to_owned(),
        more if group.rows == 0 => {
            format!(" ({} rows, counted under another reason, have this problem)", grouped(more))
        }
        more => format!(" ({} more rows, counted under another reason, have this problem)", grouped(more)),
    }
}

/// Returns the first rows of a group, a count of the others, and what to do.
fn examples(group: &Group) -> Vec<String> {
    let hint = group.examples.first().and_then(|example| example.hint.as_ref());
    let shared = hint.filter(|hint| group.examples.iter().all(|example| example.hint.as_ref() == Some(hint)));
    let one = |Example { row, words, value, hint, .. }: &Example| {
        let value = value.iter().map(|value| format!(" (`{value}`)")).collect::<String>();
        let own = hint.iter().filter(|_| shared.is_none()).cloned();
        let words: Vec<String> = words.iter().cloned().chain(own).collect();
        let gap = if words.is_empty() { "" } else { ": " };
        format!("  {row}{value}{gap}{}", words.join("; "))
    };
    let more = (group.rows + group.more) - group.examples.len() as u64;
    let rule = group.examples.first().and_then(|example| example.rule.as_ref());
    let rule = rule.map(|rule| format!("  rule: {rule}"));
    let to_do = shared.map(|hint| format!("  {WHAT_TO_DO}: {hint}"));
    group.examples.iter().map(one).chain(further(more)).chain(rule).chain(to_do).collect()
}

fn further(more: u64) -> impl Iterator<Item = String> {
    iter::once(more).filter(|more| *more > 0).map(|more| format!("  … and {}", count(more, "more row")))
}
