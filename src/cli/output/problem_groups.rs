//! Rows that cannot be sent, by reason: a count and the first three rows of each, so that a mistake in 100,000 rows
//! fits on a screen. Memory is bounded.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::engine::Bad;
use crate::model::{CellProblem, Flaw, RowNumber, RowProblem};
use crate::store::PlannedRow;
use crate::text::escaped;

/// Rows shown for each reason.
const MAX_ROWS: usize = 3;
/// Reasons that are distinguished. A file with more usually has one problem with many different messages.
const MAX_REASONS: usize = 50;

/// What the rows of a group have in common. Nothing in it is from a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::cli) struct ProblemReason {
    pub(in crate::cli) code: &'static str,
    pub(in crate::cli) words: Cow<'static, str>,
    pub(in crate::cli) columns: Vec<String>,
    /// The place in the message.
    pub(in crate::cli) path: Option<Box<str>>,
}

/// The rows with one reason.
pub(in crate::cli) struct Group {
    /// Rows whose first problem this is. Every row that cannot be sent is counted in exactly one group.
    pub(in crate::cli) rows: u64,
    /// More rows with this problem, which are counted under another reason.
    pub(in crate::cli) more: u64,
    pub(in crate::cli) first_row: u64,
    last_row: u64,
    pub(in crate::cli) examples: Vec<Example>,
    /// The first problem, where the campaign file can be at fault.
    pub(in crate::cli) problem: Option<RowProblem>,
}

/// One of the first rows of a group.
pub(in crate::cli) struct Example {
    /// `row 2, line 3`.
    pub(in crate::cli) row: String,
    /// What is wrong with it; `None` if the reason says it all.
    pub(in crate::cli) words: Option<String>,
    /// The value, unless the words quote it.
    pub(in crate::cli) value: Option<String>,
    /// The broken rule, unless the words say it.
    pub(in crate::cli) rule: Option<String>,
    pub(in crate::cli) hint: Option<String>,
}

/// Rows that cannot be sent, by reason.
#[derive(Default)]
pub(in crate::cli) struct ProblemGroups {
    groups: HashMap<ProblemReason, Group>,
    /// Rows whose first problem has a reason that is not distinguished.
    pub(in crate::cli) other_rows: u64,
    /// Rows that could not be split into cells, so that nothing is known about their message.
    unreadable: u64,
}

impl ProblemGroups {
    pub(in crate::cli) fn add(&mut self, bad: &Bad<'_>) {
        match bad {
            Bad::Invalid(row) => {
                self.unreadable += u64::from(row.problems.iter().any(is_unreadable));
                for (index, problem) in row.problems.iter().enumerate() {
                    let reason = ProblemReason {
                        code: problem.code(),
                        words: problem.reason(),
                        columns: problem.columns.clone(),
                        path: problem.path.clone().filter(|path| !path.is_empty()),
                    };
                    let is_new = self.count(reason, row.row.0, index == 0, || example(row, problem));
                    if let Some(group) = is_new {
                        group.problem = problem.may_be_of_the_campaign().then(|| problem.clone());
                    }
                }
            }
            Bad::Duplicate { row, line, earlier, earlier_line } => {
                let words = Cow::Borrowed("the same number as an earlier row");
                let reason = ProblemReason { code: "duplicate", words, columns: Vec::new(), path: None };
                self.count(reason, row.0, true, || Example {
                    row: row_and_line(*row, *line),
                    words: Some(format!("the same number as {}", row_and_line(*earlier, *earlier_line))),
                    value: None,
                    rule: None,
                    hint: None,
                });
            }
        }
    }

    /// Counts a problem of a row. Returns the group if it is new.
    fn count(
        &mut self,
        reason: ProblemReason,
        row: u64,
        is_first: bool,
        example: impl FnOnce() -> Example,
    ) -> Option<&mut Group> {
        let is_full = self.groups.len() >= MAX_REASONS && reason.code != "duplicate";
        let is_new = !self.groups.contains_key(&reason);
        if is_full && is_new {
            self.other_rows += u64::from(is_first);
            return None;
        }
        let group = self.groups.entry(reason).or_insert_with(|| Group {
            rows: 0,
            more: 0,
            first_row: row,
            last_row: 0,
            examples: Vec::new(),
            problem: None,
        });
        if group.last_row == row {
            // The row has the problem twice.
            return None;
        }
        group.last_row = row;
        *(if is_first { &mut group.rows } else { &mut group.more }) += 1;
        if group.examples.len() < MAX_ROWS {
            group.examples.push(example());
        }
        is_new.then_some(group)
    }

    /// Returns the groups, the largest first.
    pub(in crate::cli) fn sorted(&self) -> Vec<(&ProblemReason, &Group)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(reason, group)| {
            (std::cmp::Reverse((group.rows, group.more)), group.first_row, reason.code, &reason.words, &reason.path)
        });
        groups
    }

    /// Whether a problem of the campaign file makes all of these rows fail: the reason is in the message, not in a
    /// cell, and every row that could be read has it.
    pub(in crate::cli) fn is_of_the_campaign(&self, group: &Group, rows: u64) -> bool {
        group.problem.is_some() && group.rows + group.more + self.unreadable == rows
    }
}

/// Whether the row's cells are not reliably those of the input.
pub(in crate::cli) fn is_unreadable(problem: &RowProblem) -> bool {
    use CellProblem::{CutFormula, LongRow, NotInEncoding, NotUtf8, NumberFormat, Quotes, Ragged, SpaceBeforeQuote};
    let Flaw::Cell(problem_of_cell) = &problem.what else { return false };
    problem.path.is_none()
        && matches!(
            problem_of_cell,
            Ragged { .. }
                | CutFormula
                | Quotes { .. }
                | SpaceBeforeQuote
                | LongRow(_)
                | NotUtf8
                | NotInEncoding(_)
                | NumberFormat(_)
        )
}

/// Names a row: `row 2, line 3`.
pub(in crate::cli) fn row_and_line(row: RowNumber, line: Option<u64>) -> String {
    line.map_or_else(|| format!("row {row}"), |line| format!("row {row}, line {line}"))
}

fn example(row: &PlannedRow, problem: &RowProblem) -> Example {
    let words = problem.beyond_reason();
    let value = problem.value.as_deref().filter(|value| !words.as_ref().is_some_and(|words| words.contains(value)));
    Example {
        row: row_and_line(row.row, Some(row.line)),
        value: value.map(|value| escaped(value).into_owned()),
        rule: problem.rule.as_ref().filter(|_| words.is_none()).map(ToString::to_string),
        words,
        hint: problem.hint(),
    }
}
