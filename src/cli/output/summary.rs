//! The summary at the end of a run.

use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::off_thread::off_thread;
use crate::cli::output::console;
use crate::engine::{Reason, RunResult};
use crate::model::{Campaign, ProviderApi, State, Tally};
use crate::provider;
use crate::report::{self, Paths};
use crate::store::{ProblemCount, Run, Store, Waiting};
use crate::text;

/// Kinds of errors shown; the report has them all.
const MAX_ERRORS: u32 = 5;

/// Prints the states of the rows in one line, for a run that stopped before its end.
pub(in crate::cli) fn brief(run: &Run, ending: &RunResult, global: &Global) {
    if global.quiet {
        return;
    }
    let states: Vec<String> =
        ending.tally.iter().map(|(state, rows)| format!("{} {state}", text::grouped(rows))).collect();
    console::info(&format!("{}: {}", run.id, states.join(", ")));
}

/// Prints the full summary and the paths of the reports.
pub(in crate::cli) async fn whole(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    ending: &RunResult,
    paths: &Paths,
    global: &Global,
) -> Result<(), CliError> {
    if global.quiet {
        return Ok(());
    }
    let print = |line: &str| console::line(line).map_err(cannot_print);
    let how = match (&ending.reason, ending.finished) {
        (Some(Reason::Cancelled), _) => "cancelled",
        (Some(Reason::Limit), _) => "stopped at the limit",
        (_, true) => "finished",
        _ if ending.tally.of(State::Pending) > 0 => "not all sent yet",
        (_, false) => "all sent, awaiting statuses",
    };
    print(&format!("\n{} · {} via {} · {how}\n", run.id, campaign.channel, campaign.provider))?;
    for line in states(&ending.tally, campaign, ending.finished) {
        print(&line)?;
    }
    let problems = store.problems(run, MAX_ERRORS + 1).await?;
    if !problems.is_empty() {
        print("\n  most frequent problems, with examples")?;
        for line in problem_lines(problems.iter().take(MAX_ERRORS as usize), campaign.api) {
            console::wrapped_line(&line).map_err(cannot_print)?;
        }
        if problems.len() > MAX_ERRORS as usize {
            print("               … more in the reports")?;
        }
    }
    if let Some(words) = report::contradicted(store.contradicted(run).await?) {
        print(&format!("\n  {words}"))?;
    }
    if let Some(words) = report::double_sends(ending.double_sends) {
        print(&format!("\n  {words}"))?;
    }
    print("")?;
    for path in [&paths.csv, &paths.json, &paths.html] {
        print(&format!("  {}", path.display()))?;
    }
    Ok(())
}

/// Prints the contents of `summary.json` as one line of JSON.
pub(in crate::cli) async fn json(paths: &Paths) -> Result<(), CliError> {
    let path = paths.json.clone();
    let text = off_thread(move || std::fs::read_to_string(path))
        .await
        .map_err(|error| CliError::new(Exit::Environment, format!("cannot read {}: {error}", paths.json.display())))?;
    let summary: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| CliError::of(Exit::Environment, &error))?;
    console::data(&summary).map_err(cannot_print)
}

/// Returns the funnel, then the states outside of it. Each step of the funnel counts all rows that got at least that
/// far. The accepted messages are delivered, failed or unreported; the rows are accepted or in one of the states below.
pub(in crate::cli) fn states(tally: &Tally, campaign: &Campaign, finished: bool) -> Vec<String> {
    let accepted = tally.accepted();
    let line = |name: &str, rows: u64, of: Option<(u64, &str)>| {
        let share = match of {
            Some((whole, name)) if whole > 0 => {
                // Rounded down, as in the reports, so that 100% always means all.
                let per_mille = u128::from(rows) * 1000 / u128::from(whole);
                format!("  {:>3}.{}% of {name}", per_mille / 10, per_mille % 10)
            }
            _ => String::new(),
        };
        format!("  {name:<11}{:>9}{share}", text::grouped(rows))
    };
    let mut lines = vec![
        line("rows", tally.rows(), None),
        line("accepted", accepted, Some((tally.sendable(), "sendable rows"))),
        line("delivered", tally.delivered(), Some((accepted, "accepted"))),
        line("read", tally.of(State::Read), Some((accepted, "accepted"))),
    ];
    if tally.of(State::Failed) > 0 {
        lines.push(line("failed", tally.of(State::Failed), Some((accepted, "accepted"))));
    }
    if tally.unreported() > 0 {
        // Accepted, and neither delivered nor failed: without this line, the figures would not add up.
        let waits = text::duration(campaign.reconcile.horizon);
        let so_far = match finished {
            true => format!("; nothing was reported within {waits}"),
            false => format!("; statuses are collected for up to {waits}"),
        };
        lines.push(line("unreported", tally.unreported(), Some((accepted, "accepted"))) + &so_far);
    }
    let rest = State::ALL.into_iter().filter(|state| !state.was_accepted() && tally.of(*state) > 0);
    lines.extend(rest.map(|state| line(state.as_str(), tally.of(state), None)));
    lines
}

/// Returns each kind of problem with the words of one of its rows, and what to do about it.
pub(in crate::cli) fn problem_lines<'p>(
    problems: impl Iterator<Item = &'p ProblemCount>,
    api: ProviderApi,
) -> Vec<String> {
    let mut lines = Vec::new();
    for ProblemCount { code, rows, sample, .. } in problems {
        lines.push(format!("    {:>9}  {code}: {sample}", text::grouped(*rows)));
        lines.extend(provider::advice(api, code).map(|advice| format!("               what to do: {advice}")));
    }
    lines
}

/// Returns in words how many rows wait for their next attempt, and until when.
pub(in crate::cli) fn waiting(waiting: &Waiting) -> String {
    let rows_are = text::count_are(waiting.rows, "row");
    if waiting.first == waiting.last {
        return format!("{rows_are} waiting until {}", waiting.first);
    }
    format!("{rows_are} waiting, the first until {}, the last until {}", waiting.first, waiting.last)
}
