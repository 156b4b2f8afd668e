//! Ends a command that worked on a run: prints the result and writes the reports.

use std::path::Path;
use std::time::Duration;

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::{console, summary};
use crate::engine::{self, Notifier, Reason, ReportingError, RunResult, StopHandle};
use crate::model::{Problem, ProviderApi, State, StatusSource};
use crate::provider;
use crate::store::{Run, Store, WorkerAtWork};
use crate::text;

/// How long a command that was stopped looks for other processes.
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// Prints the result, writes the reports, and returns the exit code.
pub(super) async fn conclude(
    store: &Store,
    run: &Run,
    ending: &RunResult,
    folder: &Path,
    (done, stop): (Option<&Notifier>, &StopHandle),
    (json, is_embedded): (bool, bool),
    global: &Global,
) -> Result<Exit, CliError> {
    // The stored campaign, without overrides, because `report` must give the same bytes.
    let campaign = engine::thaw(run)?;
    let command = global.command();
    match &ending.reason {
        Some(Reason::Signal) => {
            summary::brief(run, ending, global);
            let (id, stopped) = (&run.id, "stopped; nothing in flight was lost");
            console::error(&match others_send(store, run).await {
                true if run.paused_at.is_some() => {
                    format!("{stopped}. {id} is paused. To continue: {command} resume {id}")
                }
                true => {
                    format!("{stopped}. Other processes are still sending {id}; to stop them: {command} pause {id}")
                }
                false => format!("{stopped}. To continue: {command} resume {id}"),
            });
            return Ok(Exit::Stopped);
        }
        Some(Reason::Halt(problem)) => {
            summary::brief(run, ending, global);
            console::error(&halted(run, campaign.api, ending, problem, &command));
            return Ok(Exit::Stopped);
        }
        Some(Reason::Cancelled | Reason::Limit | Reason::Failed) | None => {}
    }
    let written = engine::write_reports(store, run, &campaign, folder, ending.finished, done, stop).await;
    let paths = written.map_err(|error| match error {
        ReportingError::Stopped(id) => {
            let words =
                format!("stopped before the reports of {id} were written; to write them: {command} resume {id}");
            CliError::new(Exit::Stopped, words)
        }
        error => error.into(),
    })?;
    match json {
        true => summary::json(&paths).await?,
        false => summary::whole(store, run, &campaign, ending, &paths, global).await?,
    }
    if ending.reason == Some(Reason::Limit) {
        if !global.quiet {
            console::info(&format!("stopped at the limit; to continue: {command} resume {}", run.id));
        }
        return Ok(Exit::Stopped);
    }
    if let Some(waiting) = &ending.waiting {
        if !global.quiet {
            let then = if waiting.first == waiting.last { "that" } else { "the first of these times" };
            let rows = summary::waiting(waiting);
            console::info(&format!("{rows}. After {then}, continue with: {command} resume {}", run.id));
        }
        return Ok(Exit::Stopped);
    }
    if !ending.finished && !global.quiet {
        console::info(&match campaign.api.statuses() {
            StatusSource::Polled => {
                format!("statuses are still expected; to collect them: {command} reconcile {}", run.id)
            }
            StatusSource::Pushed if is_embedded => {
                "no status will arrive: the embedded simulator sends no webhooks; `campaigner simulator --webhook` does \
                 (docs/webhooks.md)"
                    .to_owned()
            }
            StatusSource::Pushed => {
                format!(
                    "statuses are still expected; `{command} serve --webhook` receives them, finishes the run and updates \
                     its reports"
                )
            }
        });
    }
    if ending.tally.sendable() == 0 {
        console::error(&format!("no row of {} can be sent; the report gives the reason for each", run.id));
    }
    Ok(exit_of(ending))
}

/// Returns in words why a run was halted, and what to do.
fn halted(run: &Run, api: ProviderApi, ending: &RunResult, problem: &Problem, command: &str) -> String {
    let advice = provider::advice(api, &problem.code)
        .unwrap_or("fix the problem that the provider reports, in your account or in the configuration");
    let rejected = ending.tally.of(State::Rejected);
    let rejected = match rejected {
        0 => String::new(),
        rows => format!(
            "\n  to resend the {} that the provider refused: {command} retry {} --state rejected",
            text::count(rows, "row"),
            run.id
        ),
    };
    format!("stopped: {problem}\n  what to do: {advice}\n  then continue: {command} resume {}{rejected}", run.id)
}

/// Returns the exit code for the final states of a run that was not stopped.
fn exit_of(ending: &RunResult) -> Exit {
    let tally = &ending.tally;
    if tally.sendable() == 0 {
        return Exit::Wrong;
    }
    if tally.unsettled() > 0 {
        // Only statuses were polled, and there are rows left to send.
        return Exit::Stopped;
    }
    let bad = [State::Rejected, State::Exhausted, State::Failed, State::Uncertain, State::Cancelled, State::Expired];
    if ending.double_sends > 0 || bad.into_iter().any(|state| tally.of(state) > 0) {
        Exit::SomeFailed
    } else {
        Exit::Done
    }
}

/// Whether other processes are sending the run, if the store tells soon.
async fn others_send(store: &Store, run: &Run) -> bool {
    let workers = tokio::time::timeout(LONGEST_LOOK, store.workers()).await;
    // This process is listed too if the store was away when it ended its work.
    let is_other = |worker: &WorkerAtWork| worker.run == run.id && !worker.is_own;
    workers.is_ok_and(|workers| workers.is_ok_and(|workers| workers.iter().any(is_other)))
}

/// Returns the error of a command that a second signal ended.
pub(super) fn aborted(run: &Run, global: &Global) -> CliError {
    CliError::new(
        Exit::Stopped,
        format!(
            "aborted; requests in flight become uncertain and are not sent again automatically. \
             To continue: {} resume {}",
            global.command(),
            run.id
        ),
    )
}
