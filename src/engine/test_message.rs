//! A test message: one row's message to a number of the person who runs the campaign.
//!
//! It belongs to no run, so it counts for no quota and appears in no report. It is recorded before it is sent and never
//! sent again automatically.

use std::time::Duration;

use crate::engine::clock::Clock;
use crate::engine::error::EngineError;
use crate::model::{Channel, DeliveryStatus, Outcome, StatusUpdate};
use crate::provider::{PollError, Provider};
use crate::store::{NewTestMessage, Store};

/// The time before the first status request, and the longest between two; it doubles in between.
const FIRST_POLL: Duration = Duration::from_secs(1);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Records and sends a test message. Returns its key in the store and its outcome.
///
/// # Errors
/// When the store cannot be written. If that happens after sending, the message stays recorded without an outcome.
pub async fn send_test(
    store: &Store,
    provider: &Provider,
    channel: Channel,
    new: &NewTestMessage,
    body: Vec<u8>,
    clock: &Clock,
) -> Result<(i64, Outcome), EngineError> {
    let key = store.add_test(new, clock.now()).await?;
    let outcome = provider.send(channel, body, || async { true }).await;
    let message_id = match &outcome {
        Outcome::Accepted { message_id } => Some(message_id.as_str()),
        _ => None,
    };
    store.end_test(key, outcome.name(), message_id, outcome.problem()).await?;
    Ok((key, outcome))
}

/// Polls the status of a test message until it is delivered, read or failed, for at most `timeout`. Each new status is
/// saved and passed to `each`. Returns the last one; `None` if the provider reported none.
///
/// # Errors
/// When the provider refuses to be asked, or the store cannot be written.
pub async fn follow_test(
    store: &Store,
    provider: &Provider,
    (key, message_id): (i64, &str),
    timeout: Duration,
    clock: &Clock,
    mut each: impl FnMut(&StatusUpdate),
) -> Result<Option<StatusUpdate>, EngineError> {
    let until = clock.now().plus(timeout);
    let mut interval = FIRST_POLL;
    let mut last: Option<StatusUpdate> = None;
    loop {
        let left = until.since(clock.now());
        if left.is_zero() {
            return Ok(last);
        }
        clock.idle(interval.min(left)).await;
        interval = (interval * 2).min(MAX_POLL_INTERVAL);
        let update = match provider.poll(&[message_id]).await {
            Ok(updates) => updates.into_iter().find(|update| update.message_id == message_id),
            Err(PollError::Halted(problem)) => return Err(EngineError::Unreachable(problem)),
            // The next request may work.
            Err(PollError::TryAgain(_) | PollError::Throttled(..) | PollError::Unreachable(_)) => None,
        };
        let Some(update) = update.filter(|update| last.as_ref().is_none_or(|last| last.status != update.status)) else {
            continue;
        };
        store.set_test_status(key, update.status.as_word(), update.failure().as_ref()).await?;
        each(&update);
        let is_final =
            matches!(update.status, DeliveryStatus::Delivered | DeliveryStatus::Read | DeliveryStatus::Failed);
        last = Some(update);
        if is_final {
            return Ok(last);
        }
    }
}
