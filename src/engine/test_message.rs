//! A test message: one row's message to a number of the person who runs the campaign.
//!
//! It belongs to no run, so it counts for no quota and appears in no report. It is recorded before it is sent and never
//! sent again automatically.

use std::time::Duration;

use crate::engine::clock::Clock;
use crate::engine::error::EngineError;
use crate::model::{Channel, DeliveryStatus, Millis, Outcome, StatusUpdate};
use crate::provider::{PollError, Provider};
use crate::store::{AccountPause, NewTestMessage, Store};

/// The time before the first status request, and the longest between two; it doubles in between.
const FIRST_POLL: Duration = Duration::from_secs(1);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Sends test messages through one account.
#[derive(Debug)]
pub struct TestSender<'a> {
    /// The store that records them.
    pub store: &'a Store,
    /// The provider.
    pub provider: &'a Provider,
    /// The provider's name in campaigns.
    pub provider_name: &'a str,
    /// The account, as the fingerprint of its address and credential.
    pub account: String,
    /// The time.
    pub clock: Clock,
}

impl TestSender<'_> {
    /// Returns the end of the pause that the provider asked of the account, if it has not passed. No request may be
    /// made before it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn pause(&self) -> Result<Option<Millis>, EngineError> {
        let until = self.store.account_pause(&self.account).await?;
        Ok(until.filter(|until| *until > self.clock.now()))
    }

    /// Saves a pause that the provider asks for, for every run of the account.
    async fn note_pause(&self, wait: Option<Duration>) -> Result<(), EngineError> {
        let Some(wait) = wait.filter(|wait| !wait.is_zero()) else { return Ok(()) };
        let (account, provider) = (self.account.clone(), self.provider_name.to_owned());
        let until = self.clock.now().plus(wait);
        Ok(self.store.note_pause(&AccountPause { account, provider, until }).await?)
    }

    /// Records and sends a test message. Returns its key in the store and its outcome.
    ///
    /// # Errors
    /// When the store cannot be written. If that happens after sending, the message stays recorded without an outcome.
    pub async fn send(
        &self,
        channel: Channel,
        new: &NewTestMessage,
        body: Vec<u8>,
    ) -> Result<(i64, Outcome), EngineError> {
        let key = self.store.add_test(new, self.clock.now()).await?;
        let outcome = self.provider.send(channel, body, None, || async { true }).await;
        let message_id = match &outcome {
            Outcome::Accepted { message_id, .. } => Some(message_id.as_str()),
            _ => None,
        };
        self.store.end_test(key, outcome.name(), message_id, outcome.problem()).await?;
        if let Outcome::Throttled { wait, .. } = &outcome {
            self.note_pause(*wait).await?;
        }
        Ok((key, outcome))
    }

    /// Polls the status of a test message until it is delivered, read or failed, for at most `timeout`. Each new status
    /// is saved and passed to `each`. Returns the last one; `None` if the provider reported none.
    ///
    /// # Errors
    /// When the provider refuses to be asked, or the store cannot be used.
    pub async fn follow(
        &self,
        (key, message_id): (i64, &str),
        timeout: Duration,
        mut each: impl FnMut(&StatusUpdate),
    ) -> Result<Option<StatusUpdate>, EngineError> {
        let until = self.clock.now().plus(timeout);
        let mut interval = FIRST_POLL;
        let mut last: Option<StatusUpdate> = None;
        loop {
            let paused = self.pause().await?.map(|until| until.since(self.clock.now()));
            let left = until.since(self.clock.now());
            if left.is_zero() {
                return Ok(last);
            }
            if let Some(paused) = paused {
                self.clock.idle(paused.min(left)).await;
                continue;
            }
            self.clock.idle(interval.min(left)).await;
            interval = (interval * 2).min(MAX_POLL_INTERVAL);
            let update = match self.provider.poll(&[message_id]).await {
                Ok(updates) => updates.into_iter().find(|update| update.message_id == message_id),
                Err(PollError::Halted(problem)) => return Err(EngineError::Unreachable(problem)),
                Err(PollError::Throttled(_, wait)) => {
                    self.note_pause(wait).await?;
                    None
                }
                // The next request may work.
                Err(PollError::TryAgain(_) | PollError::Unreachable(_)) => None,
            };
            let is_new = |update: &StatusUpdate| last.as_ref().is_none_or(|last| last.status != update.status);
            let Some(update) = update.filter(is_new) else { continue };
            self.store.set_test_status(key, update.status.as_word(), update.failure().as_ref()).await?;
            each(&update);
            let is_final =
                matches!(update.status, DeliveryStatus::Delivered | DeliveryStatus::Read | DeliveryStatus::Failed);
            last = Some(update);
            if is_final {
                return Ok(last);
            }
        }
    }
}
