//! Recipients in the campaign file itself: `rows`, from YAML to a table of text.
//!
//! Every cell keeps its text as written, so that an unquoted number keeps its zeros and its plus sign. Other modules
//! interpret the cells.

use std::collections::HashMap;

use crate::model::Inline;
use crate::yaml::{FileProblem, FoundProblems, Node, Place, Value, is_null, kind};

const HINT: &str = "write each row as `- {phone: \"85268411234\", first_name: Ana}`";

/// Reads `recipients.rows`. The table is complete only if no problem was added.
pub(super) fn read((node, key_place): (&Node<'_>, Place), problems: &mut FoundProblems) -> Option<Inline> {
    let items = match &node.value {
        Value::List(items) => items,
        Value::Broken => return None,
        _ => {
            let message = format!("`rows` must be a list of rows, not {}", kind(node));
            problems.push(FileProblem::new("wrong_type", key_place, message).hint(HINT));
            return None;
        }
    };
    if items.is_empty() {
        problems.push(FileProblem::new("bad_value", node.place, "`rows` is empty").hint(HINT));
        return None;
    }
    let mut table = Inline::default();
    let mut columns: HashMap<&str, usize> = HashMap::new();
    for item in items {
        let mut cells = vec![String::new(); table.columns.len()];
        match &item.value {
            Value::Broken => {}
            Value::Map(entries) => {
                for entry in entries {
                    let column = *columns.entry(entry.key.as_ref()).or_insert_with(|| {
                        table.columns.push(entry.key.clone().into_owned());
                        table.columns.len() - 1
                    });
                    cells.resize(table.columns.len(), String::new());
                    if entry.key.trim().is_empty() {
                        problems.push(FileProblem::new("bad_key", entry.key_place, "this column has no name"));
                    }
                    cells[column] = cell(&entry.key, &entry.node, problems);
                }
            }
            _ => {
                let message = format!("a row must map columns to values, but this is {}", kind(item));
                problems.push(FileProblem::new("wrong_type", item.place, message).hint(HINT));
            }
        }
        table.rows.push(cells);
        table.lines.push(u64::from(item.place.line));
    }
    for row in &mut table.rows {
        row.resize(table.columns.len(), String::new());
    }
    Some(table)
}

fn cell(column: &str, node: &Node<'_>, problems: &mut FoundProblems) -> String {
    match &node.value {
        _ if is_null(node) => String::new(),
        Value::Scalar(scalar) => scalar.text.clone().into_owned(),
        Value::Broken => String::new(),
        Value::List(_) | Value::Map(_) => {
            let message = format!("the value of `{column}` must be text or a number, not {}", kind(node));
            problems.push(
                FileProblem::new("wrong_type", node.place, message)
                    .hint("put text that starts with `[` or `{` in quotes"),
            );
            String::new()
        }
    }
}
