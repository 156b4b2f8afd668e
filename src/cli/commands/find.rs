//! `campaigner find NUMBER`: finds one person in all runs.

use serde_json::{Value, json};

use crate::cli::error::{CliError, Exit, cannot_print, in_old_spelling, number_in_words};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::engine;
use crate::model::{AttemptRow, Campaign, Millis, Phone, ProviderApi, ReportRow, RunId, State};
use crate::provider;
use crate::recipients::Numbers;
use crate::store::{KeptReply, Run, Store, TestMessage};
use crate::text::{self, escaped, escaped_lines};

/// The arguments of `find`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A Brazilian, Mexican or Argentine mobile number is found in both of its spellings. Runs that have not \
                  finished are read row by row, which takes about a second for ten million rows."
)]
pub(in crate::cli) struct Args {
    /// The number, with country code; it may contain spaces and needs no quotes
    #[arg(required = true, value_name = "NUMBER")]
    number: Vec<String>,
    /// Read a national number as a number of this region, such as HK
    #[arg(long)]
    region: Option<String>,
    /// Also show the request body of each message, as it was sent
    #[arg(long)]
    message: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The row of one run that has the number.
struct Found {
    run: RunId,
    api: ProviderApi,
    row: ReportRow,
    attempts: Vec<AttemptRow>,
    replies: Vec<KeptReply>,
    /// The request body, if it was asked for and a request was made.
    message: Option<Value>,
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let phone = number(args)?;
    let store = Store::open_existing(&global.db).await?;
    let suppressed = store.suppression(phone).await?;
    let mut found = Vec::new();
    let mut current: Option<(Run, Campaign)> = None;
    for (id, row) in store.find(phone).await? {
        let (run, campaign) = match current.take().filter(|(run, _)| run.id == id) {
            Some(same) => current.insert(same),
            None => {
                let run = store.run(Some(&id)).await?;
                let campaign = engine::thaw(&run)?;
                current.insert((run, campaign))
            }
        };
        if let Some(state) = store.report_row(run, campaign.channel, row, args.message).await? {
            let attempts = store.attempts(run, row.0..=row.0).await?;
            let message = match args.message && !attempts.is_empty() {
                true => Some(message(run, campaign, phone, &state, global)?),
                false => None,
            };
            found.push(Found {
                run: id,
                api: campaign.api,
                row: state,
                attempts,
                replies: store.replies_to(run, row).await?,
                message,
            });
        }
    }
    let tests = store.tests_to(phone).await?;
    let purged = store.purged_runs().await?;
    if args.json {
        let mut found = as_json(phone, suppressed.as_ref(), &found);
        found["tests"] = tests.iter().map(test_as_json).collect();
        found["purged_runs"] = purged.iter().map(|(run, _)| run.to_string()).collect();
        console::data(&found).map_err(cannot_print)?;
        return Ok(Exit::Done);
    }
    let tests = tests.iter().map(test_in_words);
    let unknown = purged.first().map(|(newest, _)| match purged.len() {
        1 => format!("cannot search {newest}, which was purged"),
        runs => {
            let runs = text::count(runs as u64, "purged run");
            format!("cannot search {runs}, the newest of which is {newest}")
        }
    });
    for line in as_text(phone, suppressed.as_ref(), &found).into_iter().chain(tests).chain(unknown) {
        console::line(&line).map_err(cannot_print)?;
    }
    Ok(Exit::Done)
}

/// Renders the request body of a row from what is stored.
fn message(run: &Run, campaign: &Campaign, phone: Phone, row: &ReportRow, global: &Global) -> Result<Value, CliError> {
    let renderer = engine::renderer(run, campaign).map_err(|error| CliError::of(Exit::Environment, &error))?;
    let mut body = Vec::new();
    // The row may have the other spelling.
    let phone = Phone::from_digits(&row.to).unwrap_or(phone);
    renderer.render(phone, &row.cells, &mut body).map_err(|_| {
        let words = format!(
            "cannot show the message of {0}, row {1}: it cannot be rebuilt from the stored cells. Check the store with `{2} \
             verify {0}`, or leave out --message",
            run.id,
            row.row,
            global.command()
        );
        CliError::new(Exit::Environment, words)
    })?;
    serde_json::from_slice(&body).map_err(|error| CliError::of(Exit::Environment, &error))
}

fn number(args: &Args) -> Result<Phone, CliError> {
    let numbers = Numbers::new(args.region.as_deref()).map_err(|error| CliError::of(Exit::Wrong, &error))?;
    let text = args.number.join(" ");
    numbers.normalise(&text).or_else(|problem| in_old_spelling(&text).ok_or(problem)).map_err(|problem| {
        let lacks_region = args.region.is_none() && problem.to_string().contains("`recipients.region`");
        let hint = if lacks_region { "\n  for example: --region DE" } else { "" };
        let shown = format!("NUMBER: {}{hint}", number_in_words(&problem));
        CliError::of_number("NUMBER", &problem, hint).shown(escaped_lines(&shown).into_owned())
    })
}

type Suppression = (Millis, Option<String>);

fn as_text(phone: Phone, suppressed: Option<&Suppression>, found: &[Found]) -> Vec<String> {
    let mut lines = vec![match suppressed {
        Some((at, Some(reason))) => {
            format!("+{}: gets no messages; on the suppression list since {at}: {reason}", phone.digits())
        }
        Some((at, None)) => format!("+{}: gets no messages; on the suppression list since {at}", phone.digits()),
        None => format!("+{}: not on the suppression list", phone.digits()),
    }];
    if found.is_empty() {
        lines.push("not found in any run in this store".to_owned());
    }
    for Found { run, api, row, attempts, replies, message } in found {
        let other = if row.to == phone.digits() { String::new() } else { format!(" (+{})", row.to) };
        lines.push(format!("{run}, row {}{other}: {}", row.row, row.state));
        // The problem of the last attempt is the row's own.
        let has_attempt = attempts.last().is_some_and(|attempt| attempt.error_code == row.error_code);
        lines.extend(attempts.iter().map(|attempt| format!("  {}", in_words(attempt))));
        if let (Some(code), false) = (&row.error_code, has_attempt) {
            lines.push(format!("  {}", problem(code, row.error_message.as_deref())));
        }
        let advice = row.error_code.as_deref().and_then(|code| provider::advice(*api, code));
        lines.extend(advice.map(|advice| format!("  what to do: {advice}")));
        lines.extend(replies.iter().map(|kept| format!("  {}", reply_in_words(kept))));
        lines.extend(message.as_ref().map(|body| format!("  message: {body}")));
    }
    lines
}

fn in_words(attempt: &AttemptRow) -> String {
    let outcome = match attempt.outcome {
        State::Pending => "to be retried",
        outcome => outcome.as_str(),
    };
    let times = [
        ("started", attempt.started_at),
        ("accepted", attempt.accepted_at),
        ("delivered", attempt.delivered_at),
        ("read", attempt.read_at),
    ];
    let mut parts: Vec<String> = times.into_iter().filter_map(|(what, at)| Some(format!("{what} {}", at?))).collect();
    parts.extend(attempt.message_id.as_ref().map(|id| format!("message id {id}")));
    parts.extend(attempt.error_code.as_ref().map(|code| problem(code, attempt.error_message.as_deref())));
    format!("attempt {}: {outcome}; {}", attempt.attempt, parts.join(", "))
}

fn reply_in_words(KeptReply { reply, .. }: &KeptReply) -> String {
    let parts = [Some(&reply.kind), reply.title.as_ref(), reply.choice.as_ref(), reply.text.as_ref()];
    let words: Vec<_> = parts.into_iter().flatten().map(|part| escaped(part)).collect();
    format!("reply {}: {}", reply.at, words.join(", "))
}

fn problem(code: &str, words: Option<&str>) -> String {
    words.map_or_else(|| code.to_owned(), |words| format!("{code}: {words}"))
}

/// Returns a test message in words.
fn test_in_words(test: &TestMessage) -> String {
    let id = test.message_id.as_ref().map_or_else(String::new, |id| format!(", message id {id}"));
    let why =
        test.problem.as_ref().map_or_else(String::new, |(code, words)| format!(", {}", problem(code, Some(words))));
    format!("test of {}, row {}: {}; started {}{id}{why}", test.name, test.row, test.result(), test.started_at)
}

fn test_as_json(test: &TestMessage) -> Value {
    json!({
        "campaign": test.name,
        "row": test.row.0,
        "result": test.result(),
        "started_at": test.started_at.to_string(),
        "message_id": test.message_id,
        "error_code": test.problem.as_ref().map(|(code, _)| code),
        "error_message": test.problem.as_ref().map(|(_, words)| words),
    })
}

fn as_json(phone: Phone, suppressed: Option<&Suppression>, found: &[Found]) -> Value {
    let time = |at: Option<Millis>| at.map(|at| at.to_string());
    let attempt = |attempt: &AttemptRow| {
        json!({
            "attempt": attempt.attempt,
            "outcome": if attempt.outcome == State::Pending { "try_again" } else { attempt.outcome.as_str() },
            "message_id": attempt.message_id,
            "started_at": time(attempt.started_at),
            "ended_at": time(attempt.ended_at),
            "accepted_at": time(attempt.accepted_at),
            "delivered_at": time(attempt.delivered_at),
            "read_at": time(attempt.read_at),
            "error_code": attempt.error_code,
            "error_message": attempt.error_message,
        })
    };
    let reply = |KeptReply { reply, .. }: &KeptReply| {
        json!({
            "time": reply.at.to_string(), "kind": reply.kind, "id": reply.choice, "title": reply.title,
            "text": reply.text,
        })
    };
    let row = |Found { run, row, attempts, replies, message, .. }: &Found| {
        json!({
            "run": run.to_string(),
            "row": row.row.0,
            "to": row.to,
            "state": row.state.as_str(),
            "message_id": row.message_id,
            "accepted_at": time(row.accepted_at),
            "delivered_at": time(row.delivered_at),
            "read_at": time(row.read_at),
            "error_code": row.error_code,
            "error_message": row.error_message,
            "attempts": attempts.iter().map(attempt).collect::<Vec<_>>(),
            "replies": replies.iter().map(reply).collect::<Vec<_>>(),
            "message": message,
        })
    };
    json!({
        "to": phone.digits(),
        "suppressed": suppressed.map(|(at, reason)| json!({"since": at.to_string(), "reason": reason})),
        "rows": found.iter().map(row).collect::<Vec<_>>(),
    })
}
