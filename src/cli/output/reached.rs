//! How many of a list are left out, and whom earlier runs reached; as text and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::engine::Checked;
use crate::store::{LeftOut, Reached, ReachedBy};
use crate::text::{self, shell_word};

/// Earlier runs shown.
const MAX_RUNS: usize = 5;

/// Returns the totals of a check as JSON.
pub(in crate::cli) fn totals(checked: &Checked) -> Value {
    let mut totals = json!({
        "rows": checked.rows, "sendable": checked.sendable(), "invalid": checked.invalid,
        "duplicate": checked.duplicates, "suppressed": checked.left_out.suppressed,
    });
    // Counted under the code that the report would use.
    for code in ["sent_recently", "already_reached"] {
        let rows = if checked.left_out.reached_code == code { checked.left_out.reached } else { 0 };
        totals[code] = json!(rows);
    }
    totals
}

/// Returns how many are left out: `8 reached before, 2 suppressed`. Empty if none are.
pub(in crate::cli) fn counts(left_out: &LeftOut) -> String {
    let counts = [(left_out.reached, "reached before"), (left_out.suppressed, "suppressed")];
    let counts = counts.into_iter().filter(|(number, _)| *number > 0);
    counts.map(|(number, why)| format!("{} {why}", text::grouped(number))).collect::<Vec<_>>().join(", ")
}

/// Returns whom earlier runs reached, as JSON.
pub(in crate::cli) fn as_json(reached: &Reached) -> Value {
    let run = |by: &ReachedBy| {
        json!({
            "run": by.run.to_string(), "people": by.people, "first": by.first.to_string(), "last": by.last.to_string(),
        })
    };
    let uncertain = reached.first_uncertain.iter();
    json!({
        "people": reached.people, "new": Some(reached.new).filter(|_| reached.purged.is_empty()), "of": reached.of,
        "runs": reached.runs.iter().map(run).collect::<Vec<_>>(),
        "purged": reached.purged.iter().map(|(run, _)| run.to_string()).collect::<Vec<_>>(),
        "uncertain": {
            "people": reached.uncertain,
            "first": uncertain.map(|(run, row)| json!({"run": run.to_string(), "row": row.0})).collect::<Vec<_>>(),
        },
    })
}

/// Returns the error for a campaign that ran before: whom its runs reached, and how to continue.
pub(in crate::cli) fn refusal(file: &Path, name: &str, checked: &Checked, global: &Global) -> CliError {
    let Reached { of, people, new, runs, uncertain, first_uncertain, purged } = &checked.reached;
    let command = global.command();
    if *of == 0 {
        let file = shell_word(&file.display().to_string()).into_owned();
        let words = format!("no row of this list can be sent; `{command} check {file}` shows why");
        return CliError::new(Exit::Wrong, words);
    }
    let last = runs.iter().map(|by| by.last).max().map_or_else(String::new, |at| format!(", most recently at {at}"));
    let mut words = format!(
        "`{name}` has already run; nothing was sent this time. Earlier runs reached {}{last}",
        match (*people, *of, purged.is_empty()) {
            (1, 1, _) => "the only person on this list".to_owned(),
            (0, _, true) => "nobody on this list".to_owned(),
            (people, of, _) if people == of => format!("all {} on this list", people_of(of)),
            (0, _, false) => "an unknown number of the people on this list".to_owned(),
            (people, of, true) => format!("{} of the {} on this list", text::grouped(people), people_of(of)),
            (people, of, false) => format!("at least {} of the {} on this list", text::grouped(people), people_of(of)),
        },
    );
    for by in runs.iter().take(MAX_RUNS) {
        let (first, last) = (by.first.to_string(), by.last.to_string());
        let span = if first == last { first } else { format!("{first} to {last}") };
        words.push_str(&format!("\n  {}: {}, {span}", by.run, people_of(by.people)));
    }
    if let Some(more) = runs.len().checked_sub(MAX_RUNS).filter(|more| *more > 0) {
        words.push_str(&format!("\n  … and {}", text::count(more as u64, "more run")));
    }
    for (run, at) in purged.iter().take(MAX_RUNS) {
        words.push_str(&format!("\n  {run} was purged at {at}, so it is no longer known whom this run reached"));
    }
    if let Some(more) = purged.len().checked_sub(MAX_RUNS).filter(|more| *more > 0) {
        words.push_str(&format!("\n  … and {}", text::count(more as u64, "more purged run")));
    }
    if runs.len() > 1 {
        words.push_str("\n  (each person is counted once, under the latest run)");
    }
    let suppressed = of.saturating_sub(people + new);
    if suppressed > 0 && purged.is_empty() {
        words.push_str(&format!("\n  not reached, and on the suppression list: {}", people_of(suppressed)));
    }
    // Rows that the campaign or the suppression list leaves out are not counted.
    let all = format!("send to everyone ({}):", text::grouped(checked.sendable()));
    // Those whom a purged run reached would count as new.
    let new = if purged.is_empty() { *new } else { 0 };
    let others = format!("send to the {} not reached yet:", people_of(new));
    let width = if new > 0 { others.chars().count().max(all.chars().count()) } else { 0 };
    let file = file.display();
    if new > 0 {
        words.push_str(&format!("\n  {others:<width$}  {command} run {file} --only-new"));
    }
    words.push_str(&format!("\n  {all:<width$}  {command} run {file} --again"));
    if *uncertain > 0 {
        words.push_str(&format!(
            "\n  for {} of these people, the outcome is uncertain: the message may not have arrived. Once you know whether it \
             did, settle {}:",
            text::grouped(*uncertain),
            if *uncertain == 1 { "the row" } else { "each row" }
        ));
        for (run, row) in first_uncertain {
            words.push_str(&format!("\n    {command} settle {run} --row {row} --as sent   (or --as not-sent)"));
        }
        if *uncertain > first_uncertain.len() as u64 {
            words.push_str(&format!("\n    … list the others with `{command} status RUN`"));
        }
    }
    CliError::new(Exit::Wrong, words)
}

fn people_of(number: u64) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{} people", text::grouped(number)) }
}
