//! `campaigner test FILE --to NUMBER`: sends one row's message to a number of one's own.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::campaign_file::{Loaded, parse_duration};
use crate::cli::confirmed::Confirmed;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session::{self, load};
use crate::engine::{Clock, Plan, TestSender};
use crate::model::{
    DeliveryStatus, Millis, Outcome, Phone, ProviderApi, RowNumber, RowProblem, StatusSource, StatusUpdate,
};
use crate::provider::{self, Provider};
use crate::recipients::Numbers;
use crate::store::{NewTestMessage, Store};
use crate::text;
use crate::text::escaped_lines;

/// The arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The message goes through the campaign's real provider and is charged like any other message. It \
                  belongs to no run: it is sent even outside the send window, and the quota, the reports and \
                  `--only-new` ignore it. `campaigner find NUMBER` shows it. A second test sends a second message. \
                  Nothing is sent to a number on the suppression list. Exit code 3 means that the message was not \
                  accepted, or not delivered within --timeout. Through Meta, statuses cannot be polled, so `test` ends \
                  as soon as the message is accepted."
)]
pub(in crate::cli) struct Args {
    /// The campaign file
    file: PathBuf,
    /// Send to this number (your own), written as in a recipient list
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// Send the message of this row; 1 is the first after the header. Default: the first row that can be sent
    #[arg(long, value_name = "N")]
    row: Option<u64>,
    /// Wait at most this long for the message to be delivered
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = timeout)]
    timeout: Duration,
    /// Send through this provider instead of the campaign's `provider`
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    #[command(flatten)]
    confirmed: Confirmed,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

fn timeout(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let loaded = load::through(load::read(&args.file, global)?, args.provider.as_deref(), global).await?;
    let campaign = &loaded.campaign;
    let phone = number(args, &loaded)?;
    if !args.confirmed.moved {
        Store::is_not_gone(&global.db)?;
    }
    let store = Store::open_if_there(&global.db).await?;
    let plan = load::plan(&loaded, store.as_ref(), global).await?;
    let (row, body) = message(args, plan, campaign.api, phone)?;
    let account = session::account(campaign, global).await?;
    let store = match store {
        Some(store) => store,
        None => Store::open_or_make(&global.db).await?,
    };
    // In a copy of a store, the suppression list and the pauses may be out of date.
    args.confirmed.check(&store).await?;
    if let Some((at, reason)) = store.suppression(phone).await? {
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        return Err(CliError::new(
            Exit::Wrong,
            format!("this number has been on the suppression list since {at}{reason}; nothing was sent"),
        ));
    }
    let provider = Provider::new(&account.endpoint, 1, campaign.dispatch.timeout)
        .map_err(|error| CliError::of(Exit::Environment, &error))?;
    let sender = TestSender {
        store: &store,
        provider: &provider,
        provider_name: &campaign.provider,
        account: account.endpoint.fingerprint(),
        clock: Clock::default(),
    };
    if let Some(until) = sender.pause().await? {
        return Err(paused(until));
    }
    if let (Some(earlier), false) = (store.tests_to(phone).await?.last(), global.quiet) {
        console::info(&format!(
            "there was an earlier test of `{}` to this number, at {} (result: {}); sending another",
            earlier.name,
            earlier.started_at,
            earlier.result()
        ));
    }
    let new = NewTestMessage { name: campaign.name.clone(), row, phone };
    let (key, outcome) = sender.send(campaign.channel, &new, body).await?;
    if account.is_embedded() && !global.quiet {
        console::info("the message went to the simulated provider; nothing left this machine");
    }
    let Outcome::Accepted { message_id, .. } = &outcome else {
        return not_accepted(args, row, campaign.api, &outcome, sender.pause().await?);
    };
    let at = sender.clock.now();
    let print = |words: &str| match args.json {
        true => Ok(()),
        false => console::wrapped_line(words),
    };
    print(&format!(
        "test of {}, row {row}, to +{}: accepted {at}, message id {message_id}",
        campaign.name,
        phone.digits()
    ))
    .map_err(cannot_print)?;
    let each = |update: &StatusUpdate| {
        let _ = print(&status_in_words(update, at));
    };
    let is_polled = campaign.api.statuses() == StatusSource::Polled;
    let last = match is_polled {
        true => sender.follow((key, message_id), args.timeout, each).await?,
        false => None,
    };
    store.close().await?;
    let status = last.as_ref().map(|update| &update.status);
    let arrived = !is_polled || matches!(status, Some(DeliveryStatus::Delivered | DeliveryStatus::Read));
    if args.json {
        let failure = last.as_ref().and_then(StatusUpdate::failure);
        let answer = json!({
            "row": row.0, "outcome": outcome.name(), "message_id": message_id, "accepted_at": at.to_string(),
            "status": status.map(DeliveryStatus::as_word), "error_code": failure.as_ref().map(|problem| &problem.code),
            "error_message": failure.as_ref().map(|problem| problem.message().to_string()),
        });
        console::data(&answer).map_err(cannot_print)?;
    } else if !is_polled {
        console::info(&format!(
            "delivery unknown: {} reports statuses only by webhook; check your phone",
            campaign.api.title()
        ));
    } else if !arrived && status != Some(&DeliveryStatus::Failed) {
        let why = match account.is_embedded() {
            true => "the simulated provider never delivers some messages",
            false => "the phone may be off",
        };
        console::info(&format!(
            "not delivered within {}; {why}. `{} find NUMBER` shows the stored result",
            text::duration(args.timeout),
            global.command()
        ));
    }
    Ok(if arrived { Exit::Done } else { Exit::SomeFailed })
}

/// Returns the number that gets the message.
fn number(args: &Args, loaded: &Loaded) -> Result<Phone, CliError> {
    let region = loaded.campaign.recipients.region.as_deref();
    let numbers = Numbers::new(region).map_err(|error| CliError::of(Exit::Wrong, &error))?;
    numbers.normalise(&args.to).map_err(|problem| CliError::of_number("--to", &problem, ""))
}

/// Returns the row and the body of the message, addressed to `phone`.
fn message(args: &Args, mut plan: Plan, api: ProviderApi, phone: Phone) -> Result<(RowNumber, Vec<u8>), CliError> {
    for row in plan.bodies() {
        let (row, body) = row?;
        match body {
            _ if args.row.is_some_and(|wanted| RowNumber(wanted) != row) => {}
            Ok((_, body)) => return Ok((row, addressed(&body, api, phone)?)),
            Err(problems) if args.row.is_some() => {
                let words = |of: &dyn Fn(&RowProblem) -> String| {
                    let lines: Vec<String> =
                        problems.iter().map(|problem| format!("row {row}: {}", of(problem))).collect();
                    format!("{}; nothing was sent", lines.join("\n"))
                };
                let shown = words(&ToString::to_string);
                let logged = words(&|problem| problem.reason().into_owned());
                return Err(CliError::new(Exit::Wrong, logged).shown(escaped_lines(&shown).into_owned()));
            }
            Err(_) => {}
        }
    }
    let words = match args.row {
        Some(row) => format!("the list has no row {row}; nothing was sent"),
        None => "no row can be sent; see `campaigner check`".to_owned(),
    };
    Err(CliError::new(Exit::Wrong, words))
}

/// Returns a body with another recipient.
fn addressed(body: &[u8], api: ProviderApi, phone: Phone) -> Result<Vec<u8>, CliError> {
    let damaged = |error: serde_json::Error| CliError::of(Exit::Environment, &error);
    let mut body: Value = serde_json::from_slice(body).map_err(damaged)?;
    body["to"] = api.recipient(phone).into();
    serde_json::to_vec(&body).map_err(damaged)
}

/// Returns the error during a pause that the provider asked for.
fn paused(until: Millis) -> CliError {
    let words =
        format!("the provider asked for a pause until {until}; nothing was sent. Run the command again after that");
    CliError::new(Exit::Stopped, words)
}

/// Returns the result of a message that the provider did not accept, or may not have accepted. `pause` is the end of
/// the pause that it asked for.
fn not_accepted(
    args: &Args,
    row: RowNumber,
    api: ProviderApi,
    outcome: &Outcome,
    pause: Option<Millis>,
) -> Result<Exit, CliError> {
    let problem = outcome.problem();
    if args.json {
        let answer = json!({
            "row": row.0, "outcome": outcome.name(), "error_code": problem.map(|problem| &problem.code),
            "error_message": problem.map(|problem| problem.message().to_string()),
        });
        console::data(&answer).map_err(cannot_print)?;
    }
    let (exit, what) = match outcome {
        Outcome::Throttled { .. } if pause.is_some() => (Exit::Stopped, "was not accepted"),
        Outcome::Uncertain(_) => (Exit::SomeFailed, "may have been accepted"),
        Outcome::Unnamed(_) => {
            (Exit::SomeFailed, "was accepted without a usable message id, so its status cannot be tracked")
        }
        Outcome::Unreachable(_) | Outcome::Halted(_) => (Exit::Environment, "was not sent"),
        _ => (Exit::SomeFailed, "was not accepted"),
    };
    // The provider's advice is about the rows of a run, which are retried or settled.
    let own = match outcome {
        Outcome::Uncertain(_) => Some("check your phone; if nothing arrives, run the command again"),
        Outcome::TryAgain { .. } | Outcome::Deferred { .. } | Outcome::Throttled { .. } => {
            Some("run the command again later; a test message is not retried automatically")
        }
        _ => None,
    };
    let advice = match (outcome, pause, own.or(problem.and_then(|problem| provider::advice(api, &problem.code)))) {
        (Outcome::Throttled { .. }, Some(until), _) => {
            format!("\n  the provider asked for a pause until {until}; run the command again after that")
        }
        (_, _, Some(advice)) => format!("\n  what to do: {advice}"),
        _ => String::new(),
    };
    // The provider's words may contain the number.
    let words = |why: &str| format!("the test message {what}: {why}{advice}");
    let code = problem.map(|problem| problem.code.as_str()).unwrap_or_default();
    let shown = words(&problem.map_or_else(String::new, ToString::to_string));
    Err(CliError::new(exit, words(code)).shown(escaped_lines(&shown).into_owned()))
}

fn status_in_words(update: &StatusUpdate, accepted_at: Millis) -> String {
    let after = text::duration(Millis::now().since(accepted_at));
    match update.failure() {
        Some(problem) => format!("failed after {after}: {problem}"),
        None => format!("{} after {after}", update.status.as_word()),
    }
}
