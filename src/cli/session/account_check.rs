//! Asks the provider about the account before a run's first message, if it can be asked. What blocks the run stops it
//! before anything is sent. If the provider cannot be reached, nothing is sent either, as with the template.

use std::time::Duration;

use crate::cli::config::Account;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::account_findings;
use crate::cli::session::signals;
use crate::engine::{self, AccountUse, Job, MessageTemplate, StopHandle};
use crate::model::{AccountFinding, AccountWeight, Campaign, Event, Events, Millis, Notice};
use crate::provider::{PollError, Provider};
use crate::store::Store;

const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// The time limit of a request that is not made for a run.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Checks the account of a run that is about to send. Warnings go to `events`.
pub(in crate::cli) async fn before_sending(
    job: &Job,
    stop: &StopHandle,
    events: &Events,
    global: &Global,
) -> Result<(), CliError> {
    if !job.campaign.api.account_checked() {
        return Ok(());
    }
    let checked = signals::unless_stopped(stop, events, check(job, events, global)).await;
    checked.unwrap_or_else(|| Err(signals::stopped(&job.run, global)))
}

async fn check(job: &Job, events: &Events, global: &Global) -> Result<(), CliError> {
    let Job { store, run, campaign, .. } = job;
    let tally = store.tally(run).await?;
    let rows = tally.unsettled();
    if rows == 0 {
        return Ok(());
    }
    let rows = job.limit.map_or(rows, |limit| rows.min(limit));
    let plus_one = store.plus_one_rows(run.key).await?;
    let (id, command) = (&run.id, global.command());
    let again = format!("to try again:  {command} resume {id}");
    let (found, business_account) =
        ask(&job.provider, campaign, &run.columns, (rows, plus_one), Some(store), &again).await?;
    if let Some(id) = business_account {
        // It is asked once.
        let _ = job.business_account.set(id);
    }
    for warning in found.iter().filter(|finding| finding.weight() == AccountWeight::Warns) {
        events(Event::Notice(Notice::Warning(format!("warning: {}", account_findings::line(warning)))));
    }
    let next = format!(
        "once this is fixed, continue:  {command} resume {id}\n  or stop the run for good:      {command} cancel {id}"
    );
    refuse_blocked(campaign, &found, &next)
}

/// Refuses to send if anything blocks the account. `next` says how to go on.
pub(in crate::cli) fn refuse_blocked(
    campaign: &Campaign,
    found: &[AccountFinding],
    next: &str,
) -> Result<(), CliError> {
    let blocks = found.iter().filter(|finding| finding.weight() == AccountWeight::Blocks);
    let blocks: String = blocks.map(|finding| format!("\n  {}", account_findings::line(finding))).collect();
    if blocks.is_empty() {
        return Ok(());
    }
    let words = format!(
        "stopped before sending: the account `{}` cannot send this campaign{blocks}\n  {next}",
        campaign.provider
    );
    Err(CliError::new(Exit::Stopped, words))
}

/// Asks about the account for a campaign that is no run yet: `rows` of it can be sent, and `plus_one` of these start
/// with +1. `None` if the provider cannot be asked.
pub(in crate::cli) async fn of_campaign(
    campaign: &Campaign,
    account: &Account,
    columns: &[String],
    (rows, plus_one): (u64, u64),
    store: Option<&Store>,
) -> Result<Option<Vec<AccountFinding>>, CliError> {
    if !campaign.api.account_checked() {
        return Ok(None);
    }
    let provider =
        Provider::new(&account.endpoint, 1, TIMEOUT).map_err(|error| CliError::of(Exit::Environment, &error))?;
    let again = "to try again, run the same command";
    let (found, business_account) = ask(&provider, campaign, columns, (rows, plus_one), store, again).await?;
    if let Some(id) = business_account {
        // It is asked once.
        let _ = account.business_account.set(id);
    }
    Ok(Some(found))
}

/// Asks, and judges the answers. `again` says how to try again.
async fn ask(
    provider: &Provider,
    campaign: &Campaign,
    columns: &[String],
    (rows, plus_one): (u64, u64),
    store: Option<&Store>,
    again: &str,
) -> Result<(Vec<AccountFinding>, Option<String>), CliError> {
    let template = MessageTemplate::of(campaign);
    let answers = provider.account(template.fixed()).await.map_err(|error| not_checked(campaign, error, again))?;
    let Some(answers) = answers else { return Ok((Vec::new(), None)) };
    let business_account = answers.business_account.clone();
    let now = Millis::now();
    let (mut sent_in_a_day, mut sent_in_a_year) = (0, 0);
    if let Some(store) = store {
        sent_in_a_day = store.taken_by_provider(&campaign.provider, now.minus(DAY)).await?;
        sent_in_a_year = store.taken_by_provider(&campaign.provider, now.minus(YEAR)).await?;
    }
    let used = AccountUse { rows, plus_one, sent_in_a_day, sent_in_a_year, now };
    Ok((engine::judge_account(answers, campaign, columns, &template, used)?, business_account))
}

fn not_checked(campaign: &Campaign, error: PollError, again: &str) -> CliError {
    let (PollError::TryAgain(problem)
    | PollError::Throttled(problem, _)
    | PollError::Unreachable(problem)
    | PollError::Halted(problem)) = error;
    CliError::new(
        Exit::Environment,
        format!(
            "could not check the account `{}`, and nothing is sent without this check\n  because: {problem}\n  {again}",
            campaign.provider
        ),
    )
}
