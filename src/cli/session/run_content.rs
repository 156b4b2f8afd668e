//! What a run is made from: the campaign and its recipients, and whether they ran before.

use crate::campaign_file;
use crate::cli::error::{CliError, Exit};
use crate::cli::off_thread::off_thread;
use crate::model::Campaign;
use crate::recipients;
use crate::store::{NewRun, Recurrence, Repeat, Run, StartDecision, Store};

/// Returns the fingerprint of a campaign's recipients.
pub(in crate::cli) async fn digest(campaign: &Campaign) -> Result<String, CliError> {
    let recipients = campaign.recipients.clone();
    // Reading a large list takes seconds.
    let digest = off_thread(move || recipients::digest(&recipients)).await;
    digest.map_err(|error| CliError::of(Exit::Wrong, &error))
}

/// Returns whether a campaign ran before, so that `run` needs `--only-new` or `--again`.
pub(in crate::cli) async fn has_run_before(campaign: &Campaign, store: &Store) -> Result<bool, CliError> {
    let decision = store.would_start(&content(campaign, digest(campaign).await?), Repeat::Unsaid).await?;
    Ok(matches!(decision, Some(StartDecision::RanBefore)))
}

/// Returns the run because of which a campaign with `at` will not start, if there is one: it has sent messages, and no
/// one said what that means for the people it reached.
pub(in crate::cli) async fn sent_once(campaign: &Campaign, store: &Store) -> Result<Option<Run>, CliError> {
    match Recurrence::of(campaign) {
        Recurrence::Once { skips_reached: false } => Ok(store.last_sent(&campaign.name).await?),
        Recurrence::Once { skips_reached: true } | Recurrence::Repeated => Ok(None),
    }
}

/// Says that a campaign with `at` will not start, because this run of it has sent messages. `command` starts
/// the commands to type.
pub(in crate::cli) fn already_sent(run: &Run, command: &str) -> String {
    let has_rows_left = run.dispatched_at.is_none() && run.cancelled_at.is_none();
    let rest = match has_rows_left {
        true => format!("To send the rest of it: {command} resume {}. ", run.id),
        false => String::new(),
    };
    format!(
        "{} has already sent messages, and a campaign with `at` runs once. {rest}To send to the people whom earlier runs \
         did not reach, set `recipients.skip_sent_within`; to send to everyone again, change the campaign's `name`",
        run.id
    )
}

/// Returns what a run is made from.
pub(in crate::cli) fn content(campaign: &Campaign, recipients_hash: String) -> NewRun {
    NewRun {
        name: campaign.name.clone(),
        campaign: campaign_file::freeze(campaign),
        campaign_hash: campaign_file::fingerprint(campaign),
        recipients_hash,
    }
}
