//! `campaigner retry RUN`: requeues the chosen rows after a confirmation, then continues the run.

use crate::cli::commands::resume;
use crate::cli::confirm::Confirm;
use crate::cli::error::{CliError, Exit, number_of_run};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session::{self, Overrides, Sending};
use crate::cli::value_parsers::{run_id, state};
use crate::engine;
use crate::model::{Millis, RowNumber, RunId, State, StateChange, StatusSource};
use crate::store::{RequeueFilter, Requeued, Run, Store};
use crate::text;

/// The most rows whose state is explained.
const MAX_EXPLAINED: usize = 10;

/// The arguments of `retry`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("rows").args(["state", "error", "row", "to"]).required(true).multiple(true)))]
pub(in crate::cli) struct Args {
    /// The run, NAME-N
    #[arg(value_parser = run_id)]
    run: RunId,
    /// Send rows in these states again: rejected, exhausted, uncertain, failed; separated by commas [default with
    /// --error, --row or --to: rejected, exhausted, failed]
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = state)]
    state: Vec<State>,
    /// Send only rows with these error codes, separated by commas
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    error: Vec<String>,
    /// Send only these rows of the report, separated by commas
    #[arg(long, value_name = "N", value_delimiter = ',')]
    row: Vec<u64>,
    /// Send only the rows with this number, written as in the recipient list; may be repeated
    #[arg(long, value_name = "NUMBER")]
    to: Vec<String>,
    #[command(flatten)]
    confirm: Confirm,
    /// Include people whom another run of this campaign has reached since this run was created
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    overrides: Overrides,
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    for state in &args.state {
        state.after(StateChange::Requeue).map_err(|_| {
            CliError::new(
                Exit::Wrong,
                format!(
                    "rows in the state `{state}` cannot be sent again; choose from rejected, exhausted, uncertain, failed"
                ),
            )
        })?;
    }
    let store = Store::open_existing(&global.db).await?;
    args.sending.confirmed.check(&store).await?;
    let run = store.run(Some(&args.run)).await?;
    run.not_purged()?;
    if run.cancelled_at.is_some() {
        return Err(CliError::new(
            Exit::Wrong,
            format!(
                "{} was cancelled, and a cancelled run sends nothing more; to reach the remaining people, use \
                 `{} run FILE --only-new`",
                run.id,
                global.command()
            ),
        ));
    }
    if let Some(at) = run.paused_at {
        let words = format!(
            "{0} has been paused since {at}; nothing was sent. First continue it: {1} resume {0}",
            run.id,
            global.command()
        );
        return Err(CliError::new(Exit::Stopped, words));
    }
    let mut campaign = engine::thaw(&run)?;
    args.overrides.apply(&mut campaign)?;
    let wanted = wanted(args, campaign.recipients.region.as_deref())?;
    let lock = store.lock(&run.id).await?;
    // If no process has continued the run since a crash, rows that were in flight are not marked uncertain yet.
    let (owner, _) = engine::take_over(&store, &run, &campaign, None).await?;
    let tally = store.tally(&run).await?;
    let rows = store.count_requeue(&run, &wanted).await?;
    if rows == 0 && tally.of(State::Pending) > 0 {
        // A `retry` that was interrupted has already requeued them.
        let waiting = text::count(tally.of(State::Pending), "row");
        console::error(&format!(
            "{} has no matching rows, but still has {waiting} to send; to continue: {} resume {}",
            run.id,
            global.command(),
            run.id
        ));
        return Ok(Exit::Stopped);
    }
    let other = RequeueFilter { with_doubtful: !wanted.with_doubtful, ..wanted.clone() };
    let doubtful = rows.abs_diff(store.count_requeue(&run, &other).await?);
    if doubtful > 0 && !wanted.with_doubtful {
        console::info(&format!(
            "left out {}, because an earlier attempt may have been accepted; to send {} again, at the risk of a duplicate, \
             pass --state failed",
            text::count(doubtful, "failed row"),
            if doubtful == 1 { "it" } else { "them" }
        ));
    }
    if rows == 0 {
        console::info(&format!("{} has no matching rows; nothing to do", run.id));
        for line in why_none(&store, &run, &wanted).await? {
            console::info(&line);
        }
        return Ok(Exit::Done);
    }
    // A run that cannot be sent must not be left with rows that wait.
    session::account(&campaign, global).await?;
    let names: Vec<&str> = wanted.states.iter().map(|state| state.as_str()).collect();
    let unsent = match tally.of(State::Pending) {
        0 => String::new(),
        rows => format!(", and send the {} not sent yet", text::count(rows, "row")),
    };
    let mut question = format!("Send {} of {} again ({}){unsent}?", text::count(rows, "row"), run.id, names.join(", "));
    if wanted.states.contains(&State::Uncertain) {
        question =
            format!("uncertain rows may have been accepted, so some people may get the message twice. {question}");
    } else if doubtful > 0 && wanted.with_doubtful {
        question = format!(
            "an earlier attempt of {} may have been accepted, so some people may get the message twice. {question}",
            text::count(doubtful, "row")
        );
    }
    let without_reason = RequeueFilter { errors: vec!["not_delivered".to_owned()], ..wanted.clone() };
    // Where only webhooks bring statuses, there is no better source.
    let is_polled = campaign.api.statuses() == StatusSource::Polled;
    if is_polled && (wanted.errors.is_empty() || wanted.errors.iter().any(|code| *code == without_reason.errors[0])) {
        match store.count_requeue(&run, &without_reason).await? {
            0 => {}
            rows => console::info(&format!(
                "the provider gave no reason why {} failed; {} may fail again. Webhooks include the reason: \
                 `{} serve --webhook`",
                text::count(rows, "row"),
                if rows == 1 { "it" } else { "they" },
                global.command()
            )),
        }
    }
    args.confirm.require(&question)?;
    let Requeued { rows, left_out } = store.requeue(owner, &run, &wanted, args.again, Millis::now()).await?;
    if left_out > 0 {
        let name = run.id.name();
        let why = match left_out {
            1 => format!("another run of `{name}` has reached this person or is about to"),
            _ => format!("other runs of `{name}` have reached these people or are about to"),
        };
        let (rows, them) = (text::count(left_out, "row"), if left_out == 1 { "it" } else { "them" });
        console::info(&format!("left out {rows}, because {why}; to include {them}, pass --again"));
    } else if rows == 0 {
        return Err(CliError::new(Exit::Wrong, format!("{} was cancelled in the meantime; nothing was done", run.id)));
    }
    if rows == 0 {
        console::info("nothing was sent");
        return Ok(Exit::Done);
    }
    drop(lock);
    resume::resume(store, run, args.sending.options(), &args.overrides, global).await
}

/// Returns in words why the rows or people that were named are not sent again.
async fn why_none(store: &Store, run: &Run, wanted: &RequeueFilter) -> Result<Vec<String>, CliError> {
    let channel = engine::thaw(run)?.channel;
    let mut rows = wanted.rows.clone();
    let mut lines = Vec::new();
    for phone in &wanted.phones {
        let found = store.find(*phone).await?;
        let before = rows.len();
        rows.extend(found.into_iter().filter(|(id, _)| *id == run.id).map(|(_, row)| row));
        if rows.len() == before {
            lines.push(format!("  +{} is not in {}", phone.digits(), run.id));
        }
    }
    rows.truncate(MAX_EXPLAINED);
    for number in rows {
        let Some(row) = store.report_row(run, channel, number, false).await? else {
            lines.push(format!("  {} has no row {number}", run.id));
            continue;
        };
        let problem = row.error_code.as_deref().map_or_else(String::new, |code| format!(" ({code})"));
        let why = match row.state {
            State::Accepted | State::Sent | State::Delivered | State::Read => {
                "an accepted message is not sent again; to send to this person anyway, use a campaign with another name"
            }
            State::Uncertain => "add --state uncertain to send it again, at the risk of a duplicate",
            State::Invalid | State::Duplicate | State::Suppressed => "this row will not be sent; the report shows why",
            State::Pending | State::Sending => "it has not been sent yet",
            State::Cancelled | State::Expired => {
                "it was not sent; to send to this person, use `campaigner run FILE --only-new`"
            }
            State::Rejected | State::Exhausted | State::Failed
                if !wanted.rows.is_empty() && !wanted.phones.is_empty() =>
            {
                "--row and --to name different rows; pass only one of them"
            }
            State::Rejected | State::Exhausted | State::Failed => "its state or error is not among those you chose",
        };
        lines.push(format!("  row {number} is `{}`{problem}: {why}", row.state));
    }
    Ok(lines)
}

/// Returns which rows are meant. Without `--state`, none that may have been accepted.
fn wanted(args: &Args, region: Option<&str>) -> Result<RequeueFilter, CliError> {
    let mut states = match args.state.as_slice() {
        [] => vec![State::Rejected, State::Exhausted, State::Failed],
        states => states.to_vec(),
    };
    states.sort_unstable();
    states.dedup();
    let mut phones = Vec::new();
    for to in &args.to {
        phones.push(number_of_run(to, region)?);
    }
    let rows = args.row.iter().map(|row| RowNumber(*row)).collect();
    let with_doubtful = !args.state.is_empty();
    Ok(RequeueFilter { states, errors: args.error.clone(), rows, phones, with_doubtful })
}
