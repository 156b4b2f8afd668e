//! `campaigner settle RUN … --as sent|not-sent`: records what a person found out about uncertain rows.

use clap::ValueEnum;

use crate::cli::error::{CliError, Exit, number_of_run};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::engine;
use crate::model::{Campaign, Millis, RowNumber, RunId, State};
use crate::store::{Run, Store, Verdict, Which};
use crate::text;

/// The arguments of `settle`.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true),
    after_help = "The decision is final and is recorded with the time and the name of the person who made it. \
                  `sent`: the row counts as sent, without a message id, and no statuses are polled. `not-sent`: the \
                  row becomes exhausted with the code settled_not_sent; `campaigner retry RUN --state exhausted` sends \
                  it again."
)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N
    #[arg(value_parser = run_id)]
    run: RunId,
    /// Select the row with this number, written as in the recipient list
    #[arg(long, value_name = "NUMBER", group = "which")]
    to: Option<String>,
    /// Select this row of the report
    #[arg(long, value_name = "N", group = "which")]
    row: Option<u64>,
    /// Select every uncertain row of the run
    #[arg(long, group = "which", requires = "yes")]
    all: bool,
    /// Record this result
    #[arg(long = "as", value_enum, value_name = "WHAT")]
    verdict: As,
    /// Record this name with the decision; default: your user name
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true, value_parser = name)]
    by: Option<String>,
    /// Confirm --all
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum As {
    /// The message was sent
    Sent,
    /// The message was not sent
    NotSent,
}

/// The longest name of a person, in characters. The name is repeated in the report, row by row.
const MAX_NAME_CHARS: usize = 100;

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(format!("a name must have 1 to {MAX_NAME_CHARS} characters on one line"));
    }
    Ok(name.to_owned())
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let Some(by) = &args.by else {
        return Err(CliError::new(
            Exit::Wrong,
            "cannot tell who is making this decision, because USER is not set, as in containers and cron; pass --by NAME",
        ));
    };
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(Some(&args.run)).await?;
    run.not_purged()?;
    let campaign = engine::thaw(&run)?;
    let which = which(args, &campaign)?;
    let _lock = store.lock(&run.id).await?;
    // If no process has continued the run since a crash, rows that were in flight are not marked uncertain yet.
    let (owner, _) = engine::take_over(&store, &run, &campaign, None).await?;
    let verdict = match args.verdict {
        As::Sent => Verdict::Sent,
        As::NotSent => Verdict::NotSent,
    };
    let rows = store.resolve_uncertain(owner, which, verdict, by, Millis::now()).await?;
    store.close().await?;
    if rows == 0 {
        return Err(nothing(&store, &run, &campaign, which, global).await?);
    }
    if !global.quiet {
        let left = store.tally(&run).await?.of(State::Uncertain);
        let how = if verdict == Verdict::Sent { "sent" } else { "not sent" };
        let mut words = format!(
            "{}: {by} settled {} as {how}; {} still uncertain",
            run.id,
            text::count(rows, "row"),
            text::grouped(left)
        );
        if verdict == Verdict::NotSent {
            let what = if rows == 1 { "it" } else { "them" };
            let command = global.command();
            words.push_str(&format!("\n  to send {what} again: {command} retry {} --state exhausted", run.id));
        }
        console::info(&words);
    }
    Ok(Exit::Done)
}

fn which(args: &Args, campaign: &Campaign) -> Result<Which, CliError> {
    Ok(match (&args.to, args.row) {
        (Some(to), _) => Which::To(number_of_run(to, campaign.recipients.region.as_deref())?),
        (None, Some(row)) => Which::Row(RowNumber(row)),
        (None, None) => Which::All,
    })
}

/// Returns why nothing was settled.
async fn nothing(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    which: Which,
    global: &Global,
) -> Result<CliError, CliError> {
    let words = match which {
        Which::Row(row) => match store.report_row(run, campaign.channel, row, false).await? {
            Some(found) => format!("row {row} of {} is `{}`, not `uncertain`", run.id, found.state),
            None => format!("{} has no row {row}", run.id),
        },
        Which::To(_) => format!("{} has no uncertain row for this number", run.id),
        Which::All => format!("{} has no uncertain rows", run.id),
    };
    if which == Which::All {
        return Ok(CliError::new(Exit::Wrong, format!("{words}; nothing was done")));
    }
    Ok(CliError::new(
        Exit::Wrong,
        format!("{words}; nothing was done. List uncertain rows with `{} status {}`", global.command(), run.id),
    ))
}
