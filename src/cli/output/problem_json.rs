//! Problems as `check --json` prints them: one object per line, with severity, code, place, value, rule and hint.

use std::path::Path;

use serde_json::{Value, json};

use crate::campaign_file::{FileProblem, Loaded, Place};
use crate::cli::output::problem_groups::row_and_line;
use crate::engine::{Bad, WarnedRow, Warning};
use crate::model::RowNumber;

/// Returns a problem of the campaign file.
pub(in crate::cli) fn campaign(file: &Path, problem: &FileProblem) -> Value {
    let hint = problem.hint_for_person.as_ref().or(problem.hint.as_ref());
    json!({
        "severity": "error", "code": problem.code, "message": problem.message, "hint": hint,
        "place": place(file, problem.place),
    })
}

/// Returns the problems of a row that will not be sent.
pub(in crate::cli) fn row(loaded: &Loaded, bad: &Bad<'_>) -> Vec<Value> {
    match bad {
        Bad::Invalid(row) => {
            let problem = |problem: &crate::model::RowProblem| {
                json!({
                    "severity": "error", "row": row.row.0, "line": row.line, "columns": problem.columns,
                    "code": problem.code(), "message": problem.message(), "value": problem.value, "rule": problem.rule.as_ref().map(ToString::to_string),
                    "hint": problem.hint(), "path": problem.path,
                    "place": problem.path.as_deref().map(|path| in_the_message(loaded, path)),
                })
            };
            row.problems.iter().map(problem).collect()
        }
        Bad::Duplicate { row, line, earlier, earlier_line } => vec![json!({
            "severity": "error", "row": row.0, "line": line, "code": "duplicate",
            "message": format!("the same number as {}", row_and_line(*earlier, *earlier_line)),
            "earlier_row": earlier.0, "earlier_line": earlier_line,
        })],
    }
}

/// Returns a row that is left out because of earlier runs or the suppression list.
pub(in crate::cli) fn left_out((row, code, reason): &(RowNumber, &str, String)) -> Value {
    json!({"severity": "left_out", "row": row.0, "code": code, "message": reason})
}

/// Returns a warning about rows that can be sent.
pub(in crate::cli) fn warning(loaded: &Loaded, warning: &Warning) -> Value {
    let Warning { code, columns, path, message, first, rows } = warning;
    let of_row = |it: &WarnedRow| json!({"row": it.row.0, "line": it.line, "value": it.value});
    let path = Some(path).filter(|path| !path.is_empty());
    json!({
        "severity": "warning", "code": code, "columns": columns, "path": path, "message": message, "rows": rows,
        "row": first.first().map(|it| it.row.0), "first_rows": first.iter().map(of_row).collect::<Vec<_>>(),
        "place": path.map(|path| in_the_message(loaded, path)),
    })
}

fn in_the_message(loaded: &Loaded, path: &str) -> Value {
    place(loaded.document.path(), loaded.places.of(path))
}

fn place(file: &Path, place: Place) -> Value {
    json!({"file": file.display().to_string(), "line": place.line, "column": place.column})
}
