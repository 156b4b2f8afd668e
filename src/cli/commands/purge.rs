//! `campaigner purge RUN | --older-than DURATION`: deletes the personal data of runs that are over.

use std::time::Duration;

use crate::campaign_file;
use crate::cli::confirm::Confirm;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::cli::who;
use crate::model::{Millis, RunId};
use crate::store::{PurgeBlocker, Run, Store};
use crate::text;

/// Runs listed in the question.
const MAX_LISTED: usize = 20;

/// The arguments of `purge`.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true),
    after_help = "Deletes the rows, numbers, messages and replies of finished and cancelled runs, and the test \
                  messages of their campaigns; keeps their counts and the suppression list. A purged run cannot be \
                  retried or searched, and no report can be written on it. `run --only-new` refuses its campaign, \
                  because it is no longer known whom the run reached. If a purge is interrupted, run the same \
                  command again to continue. Exit code 3 means that some runs could not be purged. Some numbers \
                  stay in an SQLite file until you run `sqlite3 FILE VACUUM`. See \"Deleting old data\" in docs/operations.md."
)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N
    #[arg(value_parser = run_id, group = "which")]
    run: Option<RunId>,
    /// Purge every run that ended longer ago than this, such as 90d
    #[arg(long, value_name = "DURATION", value_parser = duration, group = "which")]
    older_than: Option<Duration>,
    #[command(flatten)]
    confirm: Confirm,
}

fn duration(text: &str) -> Result<Duration, String> {
    campaign_file::parse_duration(text).map_err(|error| error.to_string())
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    let before = args.older_than.map(|age| Millis::now().minus(age));
    let (runs, left) = match (&args.run, before) {
        (Some(id), _) => (vec![one(&store, id, global).await?], 0),
        (None, before) => all(&store, before.unwrap_or_default(), global).await?,
    };
    let strays = match before {
        Some(before) => store.strays(before).await?,
        None => (0, 0),
    };
    let mut exit = if left > 0 { Exit::SomeFailed } else { Exit::Done };
    if runs.is_empty() && strays == (0, 0) {
        if !global.quiet && left == 0 {
            console::info("no run ended that long ago; nothing was deleted");
        }
        return Ok(exit);
    }
    args.confirm.require(&question(&store, &runs, strays).await?)?;
    for run in &runs {
        let rows = store.tally(run).await?.rows();
        match purge(&store, run, global).await {
            Ok(()) if global.quiet => {}
            Ok(()) => {
                let were = if rows == 1 { "was" } else { "were" };
                let rows = text::count(rows, "row");
                console::info(&format!(
                    "{} was purged; {rows} {were} deleted, and the counts were kept. Report files are not deleted",
                    run.id
                ));
            }
            // One run in use does not keep the others.
            Err(error) if args.run.is_none() && error.exit != Exit::Environment => {
                console::error(&not_purged(&error));
                exit = Exit::SomeFailed;
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(before) = before.filter(|_| strays > (0, 0)) {
        store.purge_strays(before).await?;
    }
    store.forget_people().await?;
    // What was deleted is in the log until it is moved into the file.
    store.checkpoint().await?;
    Ok(exit)
}

/// Returns the run if it can be purged.
async fn one(store: &Store, id: &RunId, global: &Global) -> Result<Run, CliError> {
    let run = store.run(Some(id)).await?;
    match store.purge_blocker(&run).await? {
        Some(blocker) => Err(blocked(&run, blocker, &global.command())),
        None => Ok(run),
    }
}

/// Returns the runs that were over before then, and how many of them cannot be purged yet; says why.
async fn all(store: &Store, before: Millis, global: &Global) -> Result<(Vec<Run>, u64), CliError> {
    let (mut runs, mut left) = (Vec::new(), 0);
    for id in store.purgeable(before).await? {
        match one(store, &id, global).await {
            Ok(run) => runs.push(run),
            Err(error) if error.exit == Exit::Wrong => {
                console::error(&not_purged(&error));
                left += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((runs, left))
}

/// Returns in words that a run was not purged, and why. The error names the run.
fn not_purged(error: &CliError) -> String {
    format!("not purged: {}", error.words)
}

async fn purge(store: &Store, run: &Run, global: &Global) -> Result<(), CliError> {
    let _lock = store.lock(&run.id).await?;
    // Another process may have worked on it since.
    let run = one(store, &run.id, global).await?;
    if store.purge(&run, &who::user_name(), Millis::now()).await? {
        return Ok(());
    }
    run.not_purged()?;
    Err(CliError::new(Exit::Held, format!("{} is no longer finished; another process has reopened it", run.id)))
}

fn blocked(run: &Run, blocker: PurgeBlocker, command: &str) -> CliError {
    let id = &run.id;
    let words = match blocker {
        PurgeBlocker::Unsent => {
            format!("{id} is not over; finish it with `{command} resume {id}`, or stop it with `{command} cancel {id}`")
        }
        PurgeBlocker::AwaitsStatuses => {
            format!("{id} still awaits statuses; `{command} status {id}` shows how to collect them")
        }
        PurgeBlocker::Uncertain(rows) => format!(
            "{id} has {}; {} may have received the message. Settle {} first with `{command} settle {id} --all --as sent --yes` \
             (or `--as not-sent`)",
            text::count(rows, "uncertain row"),
            if rows == 1 { "its recipient" } else { "their recipients" },
            if rows == 1 { "it" } else { "these rows" },
        ),
        PurgeBlocker::PossibleOptOuts(replies) => format!(
            "{id} has {}; review {} first: `{command} suppress review`",
            text::count(replies, "possible opt-out"),
            if replies == 1 { "it" } else { "them" },
        ),
    };
    CliError::new(Exit::Wrong, words)
}

/// Returns what to ask: what is deleted, and what is no longer possible then.
async fn question(store: &Store, runs: &[Run], (replies, tests): (u64, u64)) -> Result<String, CliError> {
    let strays = strays_in_words(replies, tests);
    if runs.is_empty() {
        let them = if replies + tests == 1 { "it" } else { "them" };
        return Ok(format!("this deletes {strays} that belong to no run. This cannot be undone.\nDelete {them}?"));
    }
    let mut words = "this deletes the recipients, messages and replies of:".to_owned();
    for run in runs.iter().take(MAX_LISTED) {
        let rows = text::count(store.tally(run).await?.rows(), "row");
        let over = run.finished_at.map_or_else(String::new, |at| format!(", finished at {at}"));
        words.push_str(&format!("\n  {}: {rows}{over}", run.id));
    }
    if let Some(more) = runs.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
        words.push_str(&format!("\n  … and {}", text::count(more as u64, "more run")));
    }
    words.push_str(match runs {
        [_] => "\nas well as the test messages of its campaign",
        _ => "\nas well as the test messages of their campaigns",
    });
    if !strays.is_empty() {
        words.push_str(&format!("\nand {strays} that belong to no run"));
    }
    let (these, they) = if runs.len() == 1 { ("this run", "it") } else { ("these runs", "they") };
    words.push_str(&format!(
        ".\nOnly the counts of {these} are kept. This cannot be undone, and `run --only-new`, `skip_sent_within`, `find` and \
         `retry` will no longer know whom {they} reached.\nPurge {these}?"
    ));
    Ok(words)
}

/// Returns how many test messages and replies outside any run are deleted; empty if none are.
fn strays_in_words(replies: u64, tests: u64) -> String {
    let tests = (tests > 0).then(|| text::count(tests, "test message"));
    let replies = (replies > 0).then(|| match replies {
        1 => "1 reply to an unknown message".to_owned(),
        _ => format!("{} replies to unknown messages", text::grouped(replies)),
    });
    tests.into_iter().chain(replies).collect::<Vec<_>>().join(" and ")
}
