//! `campaigner settle RUN … --as sent|not-sent`: what a person found out about rows that are uncertain.

use clap::ValueEnum;

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::engine;
use crate::model::{Campaign, Millis, RowNumber, RunId, State};
use crate::recipients::Numbers;
use crate::store::{Run, Store, Verdict, Which};
use crate::text;

/// What `settle` takes.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true),
    after_help = "The decision is final, and recorded with the person's name and the time. `sent`: the row counts as \
                  sent, without a message id, and no statuses are polled. `not-sent`: the row becomes exhausted with \
                  the code settled_not_sent; `campaigner retry RUN --state exhausted` sends it again."
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
    /// Record this person's name; default: the user's name
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

/// Characters of a person's name at most: it stands in the report, row by row.
const NAME_CHARS: usize = 100;

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
        return Err(format!("a name has 1 to {NAME_CHARS} characters on one line"));
    }
    Ok(name.to_owned())
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let Some(by) = &args.by else {
        return Err(CliError::new(
            Exit::Wrong,
            "nobody knows who you are here (USER is not set): say so with --by NAME",
        ));
    };
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(Some(&args.run)).await?;
    let campaign = engine::thaw(&run)?;
    let which = which(args, &campaign)?;
    let _lock = store.lock(&run.id)?;
    // After a crash nobody may have gone on with the run yet: then those in doubt are not marked as such.
    let (owner, _) = engine::take_up(&store, &run, &campaign, None).await?;
    let verdict = match args.verdict {
        As::Sent => Verdict::Sent,
        As::NotSent => Verdict::NotSent,
    };
    let rows = store.resolve_uncertain(owner, which, verdict, by, Millis::now()).await?;
    store.close().await?;
    if rows == 0 {
        return Err(nothing(&store, &run, &campaign, which).await?);
    }
    if !global.quiet {
        let left = store.tally(&run).await?.of(State::Uncertain);
        let how = if verdict == Verdict::Sent { "sent" } else { "not sent" };
        let mut said = format!(
            "{}: {} settled as {how} by {by}; {} still uncertain",
            run.id,
            text::count(rows, "row"),
            text::grouped(left)
        );
        if verdict == Verdict::NotSent {
            said.push_str(&format!("\n  send it again with: campaigner retry {} --state exhausted", run.id));
        }
        console::info(&said);
    }
    Ok(Exit::Done)
}

fn which(args: &Args, campaign: &Campaign) -> Result<Which, CliError> {
    Ok(match (&args.to, args.row) {
        (Some(to), _) => {
            let numbers = Numbers::new(campaign.recipients.region.as_deref())
                .map_err(|error| CliError::of(Exit::Wrong, &error))?;
            let wrong = |problem: crate::model::RowProblem| CliError::new(Exit::Wrong, format!("--to: {problem}"));
            Which::To(numbers.normalise(to).map_err(wrong)?)
        }
        (None, Some(row)) => Which::Row(RowNumber(row)),
        (None, None) => Which::All,
    })
}

/// Why nothing was settled.
async fn nothing(store: &Store, run: &Run, campaign: &Campaign, which: Which) -> Result<CliError, CliError> {
    let words = match which {
        Which::Row(row) => match store.report_row(run, campaign.channel, row).await? {
            Some(found) => format!("row {row} of {} is {}, not uncertain", run.id, found.state),
            None => format!("{} has no row {row}", run.id),
        },
        Which::To(_) => format!("no uncertain row of {} went to this number", run.id),
        Which::All => format!("{} has no uncertain rows", run.id),
    };
    Ok(CliError::new(Exit::Wrong, format!("{words}; nothing was done. `campaigner status {}` lists them", run.id)))
}
